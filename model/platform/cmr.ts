import { PAGE_4K } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import type { AddressRange } from '../abi/range.ts';

/** Slots of the CMR table (MAX_CMR of module 1.5.01; 32 in every published interface). */
export const CMR_MAX = 32;

/** What can be wrong with a CMR table, in the order MCHECK is taken to look. */
export type CMRRule =
  /** More than 32 entries. */
  | 'cmr-too-many'
  /** A non-empty entry behind an empty one. */
  | 'cmr-empty-inside'
  /** Base or size is not a multiple of 4 KiB. */
  | 'cmr-unaligned'
  /** An entry starts below its predecessor. */
  | 'cmr-order'
  /** An entry starts inside its predecessor. */
  | 'cmr-overlap'
  /** No entry, or only empty ones. */
  | 'cmr-none';

/**
 * The first rule a CMR table breaks, or `null` for a legal one: at least one CMR, 4 KiB aligned, ascending, disjoint
 * (touching is fine), empty ones only at the tail.
 *
 * Source: lore.kernel.org v7 09/20 review of 2022-11-23 (CMR array), which restates the TDX loader specification.
 */
export function brokenCMRRule(cmrs: readonly AddressRange[]): CMRRule | null {
  if (cmrs.length > CMR_MAX) return 'cmr-too-many';
  let previousBase = -1;
  let previousEnd = 0;
  let empty = false;
  for (const { base, size } of cmrs) {
    if (size === 0) {
      empty = true;
      continue;
    }
    if (empty) return 'cmr-empty-inside';
    if (!isAligned(base, PAGE_4K) || !isAligned(size, PAGE_4K)) return 'cmr-unaligned';
    if (base < previousBase) return 'cmr-order';
    if (base < previousEnd) return 'cmr-overlap';
    previousBase = base;
    previousEnd = base + size;
  }
  return previousBase === -1 ? 'cmr-none' : null;
}

/**
 * The union of a CMR table as ascending, disjoint, non-touching ranges. Accepts any table; empty entries vanish.
 * The module judges containment on this union (TDH.SYS.CONFIG, module 1.5.01).
 */
export function mergeCMRs(cmrs: readonly AddressRange[]): AddressRange[] {
  const merged: { base: number; size: number }[] = [];
  for (const { base, size } of cmrs) {
    if (size === 0) continue;
    let at = merged.length;
    while (at > 0 && (merged[at - 1]?.base ?? 0) > base) at -= 1;
    if (at === merged.length) merged.push({ base, size });
    else merged.splice(at, 0, { base, size });
  }
  let kept = 0;
  for (const { base, size } of merged) {
    const last = kept === 0 ? undefined : merged[kept - 1];
    if (last !== undefined && base <= last.base + last.size) {
      if (base + size > last.base + last.size) last.size = base + size - last.base;
    } else {
      merged[kept] = { base, size };
      kept += 1;
    }
  }
  merged.length = kept;
  return merged;
}

/** True if every byte of [base, end) is convertible. Touching CMRs count as one, in whatever order the table has them. */
export function isConvertible(cmrs: readonly AddressRange[], base: number, end: number): boolean {
  let covered = base;
  // Each round moves `covered` past at least one CMR or gives up: at most 32 rounds.
  while (covered < end) {
    const before = covered;
    for (const cmr of cmrs) {
      if (cmr.base <= covered && covered < cmr.base + cmr.size) covered = cmr.base + cmr.size;
    }
    if (covered === before) return false;
  }
  return true;
}
