import type { CMRInfo } from '../../../../model/abi/cmr-info.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { asBigInt, u64FromBigInt } from '../../../../model/abi/u64.ts';

/**
 * TDH.SYS.CONFIG's rules for the TDMR list said again, slowly and in another way, to compare the model with: all
 * numbers are 64-bit integers, and regions are not compared as intervals but asked about single pages. Two unions of
 * intervals meet, or one leaves the other, at a page where one of them begins or just ended; those pages are all tried.
 */
export function restateConfig(tdmrs: readonly (readonly U64[])[], cmrs: readonly CMRInfo[], keyidBits: number): U64 {
  const end = 2n ** BigInt(52 - keyidBits);
  const memory = cmrs.map(({ base, size }) => ({ from: asBigInt(base), to: asBigInt(base) + asBigInt(size) }));
  const accepted: TDMR[] = [];
  for (const words of tdmrs) {
    const index = BigInt(accepted.length);
    const tdmr = parse(words);
    const failure = firstFailure(tdmr, accepted, memory, end, index);
    if (failure !== 0n) return u64FromBigInt(failure);
    accepted.push(tdmr);
  }
  return 0;
}

interface Range {
  readonly from: bigint;
  readonly to: bigint;
}

interface TDMR extends Range {
  readonly size: bigint;
  /** By level: 4K, 2M, 1G. */
  readonly pamts: readonly (Range & { readonly size: bigint })[];
  readonly areas: readonly (Range & { readonly offset: bigint; readonly size: bigint })[];
}

const INVALID_TDMR = 0xc0000a0000000000n;
const NON_ORDERED_TDMR = 0xc0000a0100000000n;
const TDMR_OUTSIDE_CMRS = 0xc0000a0200000000n;
const INVALID_PAMT = 0xc0000a1000000000n;
const PAMT_OUTSIDE_CMRS = 0xc0000a1100000000n;
const PAMT_OVERLAP = 0xc0000a1200000000n;
const INVALID_RESERVED = 0xc0000a2000000000n;
const NON_ORDERED_RESERVED = 0xc0000a2100000000n;
const MAX = 2n ** 64n;
const LEVELS = [0n, 1n, 2n];
/** Bytes of memory one PAMT entry stands for, by level. */
const COVERS = [2n ** 12n, 2n ** 21n, 2n ** 30n];

function parse(words: readonly U64[]): TDMR {
  const at = (index: number): bigint => asBigInt(words[index] ?? 0);
  const base = at(0);
  const areas = Array.from({ length: 16 }, (_, index) => ({ offset: at(8 + 2 * index), size: at(9 + 2 * index) }));
  return {
    from: base,
    to: base + at(1),
    size: at(1),
    pamts: [6, 4, 2].map((word) => ({ from: at(word), to: at(word) + at(word + 1), size: at(word + 1) })),
    areas: areas.map(({ offset, size }) => ({ offset, size, from: base + offset, to: base + offset + size })),
  };
}

function firstFailure(
  tdmr: TDMR,
  accepted: readonly TDMR[],
  memory: readonly Range[],
  end: bigint,
  index: bigint,
): bigint {
  const before = accepted.at(-1);
  if (tdmr.to >= MAX) return INVALID_TDMR + index;
  if (before !== undefined && (tdmr.from < before.from || tdmr.from < before.to)) return NON_ORDERED_TDMR + index;
  if (tdmr.from % 2n ** 30n !== 0n || tdmr.size % 2n ** 30n !== 0n || tdmr.size === 0n) return INVALID_TDMR + index;
  if (tdmr.from >= end || tdmr.to - 1n >= end) return INVALID_TDMR + index;
  return (
    areasFailure(tdmr, index) ||
    pamtsFailure(tdmr, end, index) ||
    overlapFailure([...accepted, tdmr]) ||
    cmrFailure(tdmr, memory, index)
  );
}

function areasFailure({ areas, size }: TDMR, index: bigint): bigint {
  for (const [number, area] of areas.entries()) {
    const details = index + BigInt(number) * 0x100n;
    if (area.size === 0n) {
      if ((areas[number + 1]?.size ?? 0n) !== 0n) return NON_ORDERED_RESERVED + details;
      continue;
    }
    const before = areas[number - 1];
    if (area.offset + area.size >= MAX) return INVALID_RESERVED + details;
    if (before !== undefined && area.offset < before.offset + before.size) return NON_ORDERED_RESERVED + details;
    if (area.offset % 4096n !== 0n || area.size % 4096n !== 0n) return INVALID_RESERVED + details;
    if (area.offset + area.size > size) return INVALID_RESERVED + details;
  }
  return 0n;
}

function pamtsFailure({ pamts, size }: TDMR, end: bigint, index: bigint): bigint {
  for (const level of [2, 1, 0]) {
    const pamt = pamts[level];
    const needed = (size / (COVERS[level] ?? 1n)) * 16n;
    if (pamt === undefined) continue;
    const good =
      pamt.to < MAX &&
      pamt.from % 4096n === 0n &&
      pamt.size % 4096n === 0n &&
      pamt.from < end &&
      pamt.to - 1n < end &&
      pamt.size >= needed;
    if (!good) return INVALID_PAMT + index + BigInt(level) * 0x100n;
  }
  return 0n;
}

/** Overlaps in the module's order; the last of `tdmrs` is the one being judged. */
function overlapFailure(tdmrs: readonly TDMR[]): bigint {
  const self = tdmrs.length - 1;
  const mine = tdmrs[self];
  if (mine === undefined) return 0n;
  const report = (owner: number, level: bigint, other: number): bigint =>
    PAMT_OVERLAP + BigInt(owner) + level * 0x100n + BigInt(other) * 0x10000n;
  const edges = pages(tdmrs.flatMap(({ from, to, pamts, areas }) => [{ from, to }, ...pamts, ...areas]));
  const meets = (pamt: Range | undefined, has: (page: bigint) => boolean): boolean =>
    edges.some((page) => contains(pamt, page) && has(page));
  for (let other = 0; other < self; other += 1) {
    for (const level of LEVELS) {
      if (meets(mine.pamts[Number(level)], (page) => (tdmrs[other]?.pamts ?? []).some((pamt) => contains(pamt, page))))
        return report(self, level, other);
    }
  }
  for (const [first, second] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    if (meets(mine.pamts[first], (page) => contains(mine.pamts[second], page)))
      return report(self, BigInt(first), self);
  }
  for (let other = 0; other <= self; other += 1) {
    const against = tdmrs[other];
    for (const level of LEVELS)
      if (meets(mine.pamts[Number(level)], (page) => isAvailable(against, page))) return report(self, level, other);
    if (other === self) break;
    for (const level of LEVELS)
      if (meets(against?.pamts[Number(level)], (page) => isAvailable(mine, page))) return report(other, level, self);
  }
  return 0n;
}

function cmrFailure(tdmr: TDMR, memory: readonly Range[], index: bigint): bigint {
  const edges = pages([...memory, tdmr, ...tdmr.pamts, ...tdmr.areas]);
  const isMemory = (page: bigint): boolean => memory.some((range) => contains(range, page));
  for (const level of [2, 1, 0]) {
    if (edges.some((page) => contains(tdmr.pamts[level], page) && !isMemory(page)))
      return PAMT_OUTSIDE_CMRS + index + BigInt(level) * 0x100n;
  }
  return edges.some((page) => isAvailable(tdmr, page) && !isMemory(page)) ? TDMR_OUTSIDE_CMRS + index : 0n;
}

function isAvailable(tdmr: TDMR | undefined, page: bigint): boolean {
  return contains(tdmr, page) && !(tdmr?.areas ?? []).some((area) => contains(area, page));
}

function contains(range: Range | undefined, page: bigint): boolean {
  return range !== undefined && page >= range.from && page < range.to;
}

/** Where something begins or has just ended. */
function pages(ranges: readonly Range[]): bigint[] {
  return [...new Set(ranges.flatMap(({ from, to }) => [from, to]))];
}
