import { GIB } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { alignDown, alignUp } from '../abi/align.ts';
import { ENOSPC } from './errno.ts';
import type { TDXMemory } from './state.ts';

/** TDMRs are aligned to and sized in units of this many bytes. Source: TDX Module ABI specification, TDMR_INFO. */
export const TDMR_ALIGNMENT = GIB;
/** Fewer TDMRs left than this and the kernel warns. Source: TDMR_NR_WARN, Linux 6.12. */
export const TDMR_COUNT_WARNING = 4;

/** One slot of the kernel's TDMR array. Bytes. */
export interface TDMR {
  base: number;
  size: number;
  /** Start of the PAMT block, laid out 4K | 2M | 1G from low to high; sizes 0 = not allocated (or given back). */
  pamtBase: number;
  pamt4K: number;
  pamt2M: number;
  pamt1G: number;
  /** In ascending order once all of them are filled in. */
  readonly reserved: ReservedArea[];
}

/** A part of a TDMR that the module must not use; `offset` is relative to the TDMR's base. Bytes. */
export interface ReservedArea {
  offset: number;
  size: number;
}

export function createTDMR(base: number, size: number): TDMR {
  return { base, size, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved: [] };
}

export function pamtSize(tdmr: TDMR): number {
  return tdmr.pamt4K + tdmr.pamt2M + tdmr.pamt1G;
}

/**
 * Covers memory with TDMRs: one new TDMR for every region that the last one does not cover yet, grown to whole GiBs and
 * clipped where the last one ends; nothing is merged. `memory` is in the order of the kernel's list. Fills `tdmrs`,
 * which is empty, and answers how many there are; without any memory that is one of size 0.
 * @returns the count, or -ENOSPC when more than `limit` are needed.
 * Source: fill_out_tdmrs(), Linux 6.12; linux-6.12-demos recording, lines 38 to 40.
 */
export function coverMemory(memory: readonly TDXMemory[], limit: number, tdmrs: TDMR[]): number {
  let last: TDMR | undefined;
  for (const { startPfn, endPfn } of memory) {
    const start = startPfn * PAGE_4K;
    let base = alignDown(start, TDMR_ALIGNMENT);
    const end = alignUp(endPfn * PAGE_4K, TDMR_ALIGNMENT);
    if (last !== undefined) {
      const lastEnd = last.base + last.size;
      if (end <= lastEnd) continue;
      if (base < lastEnd) base = lastEnd;
      if (tdmrs.length >= limit) return ENOSPC;
    }
    last = createTDMR(base, end - base);
    tdmrs.push(last);
  }
  if (last === undefined) tdmrs.push(createTDMR(0, 0));
  return tdmrs.length;
}
