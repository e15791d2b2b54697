import { LEVEL_1G, LEVEL_2M, LEVEL_4K } from '../abi/page.ts';
import type { AddressRange } from '../abi/range.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import { isInsideOne } from './cmr-list.ts';
import { type Refusal, refusal } from './outcome.ts';
import type { ModuleState, TDMRState } from './state.ts';

/**
 * Where a TDMR's PAMTs may lie: clear of all other PAMTs, clear of what is not reserved in any TDMR accepted so far
 * (and those of the others clear of this one), inside CMRs. The sizes given count, not the sizes needed.
 * Source: recorded cases config-pamt-*, fuzzcfg-p*.
 */
export function checkPAMTs(module: ModuleState, accepted: readonly TDMRState[], tdmr: TDMRState): Refusal | null {
  return (
    checkOtherPAMTs(accepted, tdmr) ??
    checkAvailableAreas(accepted, tdmr) ??
    checkInsideCMRs(module, accepted.length, tdmr)
  );
}

/** Source: check_all_pamt_overlap(), tdh_sys_config.c, TDX module 1.5.01. */
function checkOtherPAMTs(accepted: readonly TDMRState[], tdmr: TDMRState): Refusal | null {
  const self = accepted.length;
  for (let other = 0; other < self; other += 1) {
    const against = accepted[other];
    if (against === undefined) continue;
    const level = levelWhere(tdmr, overlapsAnyPAMT, against);
    if (level >= 0) return overlap(self, level, other, 'PAMT overlaps a PAMT of another TDMR');
  }
  if (overlaps(tdmr.pamt4K, tdmr.pamt2M) || overlaps(tdmr.pamt4K, tdmr.pamt1G)) {
    return overlap(self, LEVEL_4K, self, 'PAMT overlaps another PAMT of its TDMR');
  }
  return overlaps(tdmr.pamt2M, tdmr.pamt1G)
    ? overlap(self, LEVEL_2M, self, 'PAMT overlaps another PAMT of its TDMR')
    : null;
}

/** Source: check_pamt_overlaps_available_areas(), tdh_sys_config.c. */
function checkAvailableAreas(accepted: readonly TDMRState[], tdmr: TDMRState): Refusal | null {
  const self = accepted.length;
  for (let other = 0; other <= self; other += 1) {
    const against = other === self ? tdmr : accepted[other];
    if (against === undefined) continue;
    const mine = levelWhere(tdmr, overlapsAvailable, against);
    if (mine >= 0) return overlap(self, mine, other, 'PAMT lies in memory of a TDMR that is not reserved');
    if (other === self) continue;
    const otherLevel = levelWhere(against, overlapsAvailable, tdmr);
    if (otherLevel >= 0)
      return overlap(other, otherLevel, self, 'an earlier PAMT lies in memory of this TDMR that is not reserved');
  }
  return null;
}

/** Source: check_pamt_in_cmr(), tdh_sys_config.c. */
function checkInsideCMRs(module: ModuleState, self: number, { pamt1G, pamt2M, pamt4K }: TDMRState): Refusal | null {
  let level = -1;
  if (!isInsideOne(module.cmrs, pamt1G.base, pamt1G.size)) level = LEVEL_1G;
  else if (!isInsideOne(module.cmrs, pamt2M.base, pamt2M.size)) level = LEVEL_2M;
  else if (!isInsideOne(module.cmrs, pamt4K.base, pamt4K.size)) level = LEVEL_4K;
  if (level < 0) return null;
  return refusal(withDetails(STATUS.TDX_PAMT_OUTSIDE_CMRS, self + level * 0x100), 'PAMT lies outside the CMRs');
}

/** First level of `owner`'s PAMTs, 4K before 2M before 1G, that meets `test` against `other`; -1 if none does. */
function levelWhere(
  owner: TDMRState,
  test: (pamt: AddressRange, other: TDMRState) => boolean,
  other: TDMRState,
): number {
  if (test(owner.pamt4K, other)) return LEVEL_4K;
  if (test(owner.pamt2M, other)) return LEVEL_2M;
  return test(owner.pamt1G, other) ? LEVEL_1G : -1;
}

function overlapsAnyPAMT(pamt: AddressRange, { pamt4K, pamt2M, pamt1G }: TDMRState): boolean {
  return overlaps(pamt, pamt4K) || overlaps(pamt, pamt2M) || overlaps(pamt, pamt1G);
}

/** True if the PAMT touches a byte of the TDMR that no reserved area covers. */
function overlapsAvailable(pamt: AddressRange, { base, size, reserved }: TDMRState): boolean {
  const pamtEnd = pamt.base + pamt.size;
  if (pamt.base >= base + size || pamtEnd <= base) return false;
  let start = base;
  for (const area of reserved) {
    const end = base + area.base;
    if (start < end && pamt.base < end && pamtEnd > start) return true;
    start = end + area.size;
  }
  return start < base + size && pamtEnd > start;
}

function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.base < b.base + b.size && b.base < a.base + a.size;
}

function overlap(owner: number, level: number, other: number, reason: string): Refusal {
  return refusal(withDetails(STATUS.TDX_PAMT_OVERLAP, owner + level * 0x100 + other * 0x10000), reason);
}
