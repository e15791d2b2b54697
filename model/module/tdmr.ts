import { LEVEL_1G, LEVEL_2M, LEVEL_4K, PAGE_1G, PAGE_2M, PAGE_4K, PAMT_ENTRY_SIZE } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import type { AddressRange } from '../abi/range.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import { TDMR_RESERVED_MAX, TDMR_WORD } from '../abi/tdmr-info.ts';
import type { U64 } from '../abi/u64.ts';
import { asBigInt, isBelow } from '../abi/u64.ts';
import { isInsideOne } from './cmr-list.ts';
import { type Refusal, refusal } from './outcome.ts';
import { checkPAMTs } from './pamt-placement.ts';
import type { ModuleState, TDMRState } from './state.ts';

const TWO_64 = 2n ** 64n;

/**
 * All checks of one TDMR_INFO, given the TDMRs accepted before it: `null`, and the TDMR is appended to `accepted`, or the
 * refusal of the first check that fails. `words` are its 40 words (or more). Values past 2^53 are told apart
 * only where the order of checks needs it: what is that large fails the range checks in any case.
 * Source: check_and_set_tdmrs(), tdh_sys_config.c, TDX module 1.5.01; recorded cases config-*, fuzzcfg-*.
 */
export function acceptTDMR(module: ModuleState, accepted: TDMRState[], words: readonly U64[]): Refusal | null {
  const index = accepted.length;
  const base = words[TDMR_WORD.BASE] ?? 0;
  const size = words[TDMR_WORD.SIZE] ?? 0;
  if (wraps(base, size)) return invalid(index, 'TDMR: base + size wraps');
  const previous = index === 0 ? undefined : accepted[index - 1];
  if (previous !== undefined && isBelow(base, previous.base + previous.size)) {
    return refusal(withDetails(STATUS.TDX_NON_ORDERED_TDMR, index), 'TDMR: below the end of the one before');
  }
  if (
    typeof base !== 'number' ||
    typeof size !== 'number' ||
    !isAligned(base, PAGE_1G) ||
    !isAligned(size, PAGE_1G) ||
    size === 0
  ) {
    return invalid(index, 'TDMR: base or size not a multiple of 1 GiB, or size 0');
  }
  if (base + size > module.addressEnd) return invalid(index, 'TDMR: KeyID bits or past the physical address space');

  const reserved: AddressRange[] = [];
  const reservedFailure = readReserved(index, size, words, TDMR_WORD.RESERVED, reserved);
  if (reservedFailure !== null) return reservedFailure;

  const pamt1G = readPAMT(module, words, TDMR_WORD.PAMT_1G, (size / PAGE_1G) * PAMT_ENTRY_SIZE);
  if (pamt1G === undefined) return invalidPAMT(index, LEVEL_1G);
  const pamt2M = readPAMT(module, words, TDMR_WORD.PAMT_2M, (size / PAGE_2M) * PAMT_ENTRY_SIZE);
  if (pamt2M === undefined) return invalidPAMT(index, LEVEL_2M);
  const pamt4K = readPAMT(module, words, TDMR_WORD.PAMT_4K, (size / PAGE_4K) * PAMT_ENTRY_SIZE);
  if (pamt4K === undefined) return invalidPAMT(index, LEVEL_4K);

  const tdmr: TDMRState = { base, size, pamt1G, pamt2M, pamt4K, reserved, initialised: 0 };
  const pamtFailure = checkPAMTs(module, accepted, tdmr);
  if (pamtFailure !== null) return pamtFailure;
  if (!isAvailableInsideCMRs(module, tdmr)) {
    return refusal(
      withDetails(STATUS.TDX_TDMR_OUTSIDE_CMRS, index),
      'TDMR: a stretch that is not reserved lies outside the CMRs',
    );
  }
  accepted.push(tdmr);
  return null;
}

/**
 * Reserved areas into `reserved`. An area of size 0 ends the list, whatever its offset.
 * Source: check_tdmr_reserved_areas(), tdh_sys_config.c.
 */
function readReserved(
  index: number,
  tdmrSize: number,
  words: readonly U64[],
  at: number,
  reserved: AddressRange[],
): Refusal | null {
  let previousEnd = 0;
  // Words that are not there are zero: behind the last one are no areas, but empty ones.
  for (let area = 0; area < TDMR_RESERVED_MAX && at + area * 2 < words.length; area += 1) {
    const offset = words[at + area * 2] ?? 0;
    const size = words[at + area * 2 + 1] ?? 0;
    if (size === 0) {
      if (area + 1 === TDMR_RESERVED_MAX || (words[at + area * 2 + 3] ?? 0) === 0) continue;
      return unorderedReserved(index, area, 'reserved area behind an empty one');
    }
    if (wraps(offset, size)) return invalidReserved(index, area, 'reserved area: offset + size wraps');
    if (isBelow(offset, previousEnd))
      return unorderedReserved(index, area, 'reserved area: below the end of the one before');
    if (
      typeof offset !== 'number' ||
      typeof size !== 'number' ||
      !isAligned(offset, PAGE_4K) ||
      !isAligned(size, PAGE_4K)
    ) {
      return invalidReserved(index, area, 'reserved area: offset or size not a multiple of 4 KiB');
    }
    if (offset + size > tdmrSize) return invalidReserved(index, area, 'reserved area: reaches past the TDMR');
    reserved.push({ base: offset, size });
    previousEnd = offset + size;
  }
  return null;
}

/**
 * One PAMT region; `undefined` if it is malformed or smaller than `needed` bytes.
 * Source: check_pamt_addresses_and_size(), tdh_sys_config.c.
 */
function readPAMT(module: ModuleState, words: readonly U64[], at: number, needed: number): AddressRange | undefined {
  const base = words[at] ?? 0;
  const size = words[at + 1] ?? 0;
  if (typeof base === 'number' && typeof size === 'number' && isAligned(base, PAGE_4K) && isAligned(size, PAGE_4K)) {
    if (base + size <= module.addressEnd && size >= needed) return { base, size };
  }
  return undefined;
}

/**
 * Every stretch of the TDMR between its reserved areas lies in one CMR (touching CMRs count as one).
 * Source: check_tdmr_available_areas(), tdh_sys_config.c.
 */
function isAvailableInsideCMRs(module: ModuleState, { base, size, reserved }: TDMRState): boolean {
  let start = base;
  for (const area of reserved) {
    const end = base + area.base;
    if (start < end && !isInsideOne(module.cmrs, start, end - start)) return false;
    start = end + area.size;
  }
  return start >= base + size || isInsideOne(module.cmrs, start, base + size - start);
}

/** True if the 64-bit sum overflows; 2^64 itself does. */
function wraps(base: U64, size: U64): boolean {
  if (typeof base === 'number' && typeof size === 'number') return false;
  return asBigInt(base) + asBigInt(size) >= TWO_64;
}

function invalid(index: number, reason: string): Refusal {
  return refusal(withDetails(STATUS.TDX_INVALID_TDMR, index), reason);
}

function invalidReserved(index: number, area: number, reason: string): Refusal {
  return refusal(withDetails(STATUS.TDX_INVALID_RESERVED_IN_TDMR, index + area * 0x100), reason);
}

function unorderedReserved(index: number, area: number, reason: string): Refusal {
  return refusal(withDetails(STATUS.TDX_NON_ORDERED_RESERVED_IN_TDMR, index + area * 0x100), reason);
}

function invalidPAMT(index: number, level: number): Refusal {
  return refusal(
    withDetails(STATUS.TDX_INVALID_PAMT, index + level * 0x100),
    'PAMT: not 4 KiB aligned, KeyID bits, or too small',
  );
}
