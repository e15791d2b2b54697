import { PAGE_4K } from '../abi/page.ts';
import type { AddressRange } from '../abi/range.ts';
import type { TDXMemory } from './state.ts';
import { pamtSize, type ReservedArea, type TDMR } from './tdmr.ts';

/**
 * Adds the holes between memory regions inside a TDMR as reserved areas, low to high, the rest behind the last region
 * included. `memory` is in the order of the kernel's list.
 * @returns false when an area beyond number `limit` would be needed; the areas so far stay.
 * Source: tdmr_populate_rsvd_holes(), Linux 6.12.
 */
export function reserveMemoryHoles(tdmr: TDMR, memory: readonly TDXMemory[], limit: number): boolean {
  const tdmrEnd = tdmr.base + tdmr.size;
  let previousEnd = tdmr.base;
  for (const { startPfn, endPfn } of memory) {
    const start = startPfn * PAGE_4K;
    const end = endPfn * PAGE_4K;
    if (start >= tdmrEnd) break;
    if (end < tdmr.base) continue;
    if (start > previousEnd && !addReservedArea(tdmr, previousEnd, start, limit)) return false;
    previousEnd = end;
  }
  return previousEnd >= tdmrEnd || addReservedArea(tdmr, previousEnd, tdmrEnd, limit);
}

/**
 * The same with the holes between CMRs, which are fewer than those between memory regions: touching CMRs are one, as the
 * module itself sees them. `cmrs` ascend and do not overlap; empty ones are passed over.
 * Source: "x86/virt/tdx: Reduce TDMR's reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024.
 */
export function reserveCMRHoles(tdmr: TDMR, cmrs: readonly AddressRange[], limit: number): boolean {
  const tdmrEnd = tdmr.base + tdmr.size;
  let previousEnd = tdmr.base;
  for (const { base, size } of cmrs) {
    const end = base + size;
    if (size === 0 || end <= previousEnd) continue;
    if (base >= tdmrEnd) break;
    if (base > previousEnd && !addReservedArea(tdmr, previousEnd, base, limit)) return false;
    previousEnd = end;
  }
  return previousEnd >= tdmrEnd || addReservedArea(tdmr, previousEnd, tdmrEnd, limit);
}

/**
 * Adds what lies inside a TDMR of any TDMR's PAMT block; [0, count) of `tdmrs` are in use and have their PAMTs.
 * @returns false when an area beyond number `limit` would be needed.
 * Source: tdmr_populate_rsvd_pamts(), Linux 6.12.
 */
export function reservePAMTs(tdmr: TDMR, tdmrs: readonly TDMR[], count: number, limit: number): boolean {
  const tdmrEnd = tdmr.base + tdmr.size;
  for (let i = 0; i < count; i++) {
    const owner = tdmrs[i];
    if (owner === undefined) break;
    const start = owner.pamtBase;
    const end = start + pamtSize(owner);
    if (end <= tdmr.base || start >= tdmrEnd) continue;
    if (!addReservedArea(tdmr, start < tdmr.base ? tdmr.base : start, end > tdmrEnd ? tdmrEnd : end, limit))
      return false;
  }
  return true;
}

/** Brings the areas into ascending order; equal offsets keep their order. Insertion sort: at most 16, nearly sorted. */
export function sortReservedAreas({ reserved }: TDMR): void {
  for (let i = 1; i < reserved.length; i++) {
    const area = reserved[i] as ReservedArea;
    let at = i;
    for (; at > 0; at--) {
      const before = reserved[at - 1] as ReservedArea;
      if (before.offset <= area.offset) break;
      reserved[at] = before;
    }
    reserved[at] = area;
  }
}

function addReservedArea(tdmr: TDMR, start: number, end: number, limit: number): boolean {
  if (tdmr.reserved.length >= limit) return false;
  tdmr.reserved.push({ offset: start - tdmr.base, size: end - start });
  return true;
}
