import { PAGE_4K } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import type { CMRInfo } from '../abi/cmr-info.ts';
import { CMR_COUNT_MAX } from '../abi/cmr-info.ts';
import type { AddressRange } from '../abi/range.ts';

/**
 * The module's own check of the loader's CMR list: entries of size 0 are passed over wherever they stand; the others
 * must not wrap, carry no KeyID bits, be 4 KiB aligned, ascend and not overlap. An empty list is fine.
 * `addressEnd` is the first address with a KeyID bit. Source: recorded cases init-cmr*.
 */
export function isCMRListValid(cmrs: readonly CMRInfo[], addressEnd: number): boolean {
  let previousEnd = 0;
  for (const { base, size } of cmrs) {
    if (size === 0) continue;
    // A value past 2^53 has KeyID bits or wraps: invalid either way.
    if (typeof base !== 'number' || typeof size !== 'number') return false;
    if (base + size > addressEnd || !isAligned(base, PAGE_4K) || !isAligned(size, PAGE_4K) || base < previousEnd)
      return false;
    previousEnd = base + size;
  }
  return true;
}

/** Touching CMRs as one; the list must be valid. Slots past the table's 32 do not exist. */
export function mergeCMRs(cmrs: readonly CMRInfo[]): readonly AddressRange[] {
  const merged: { base: number; size: number }[] = [];
  let last: { base: number; size: number } | undefined;
  for (let index = 0; index < cmrs.length && index < CMR_COUNT_MAX; index += 1) {
    const cmr = cmrs[index];
    if (cmr === undefined || typeof cmr.base !== 'number' || typeof cmr.size !== 'number' || cmr.size === 0) continue;
    if (last !== undefined && last.base + last.size === cmr.base) {
      last.size += cmr.size;
    } else {
      last = { base: cmr.base, size: cmr.size };
      merged.push(last);
    }
  }
  return merged;
}

/** True if [base, base + size) lies in one range of a merged list. */
export function isInsideOne(ranges: readonly AddressRange[], base: number, size: number): boolean {
  for (const range of ranges) {
    if (base < range.base) return false;
    if (base < range.base + range.size) return base + size <= range.base + range.size;
  }
  return false;
}
