import { PAGE_1G } from '../abi/page.ts';
import { alignUp } from '../abi/align.ts';
import type { SystemInfo, TDXMemory } from './state.ts';
import type { TDMR } from './tdmr.ts';

const PAGE_4K = 2 ** 12;
const PAGE_2M = 2 ** 21;

/**
 * Works out the three PAMT sizes of a TDMR: one entry per page of that size, each table in whole 4 KiB pages. Bytes.
 * Source: tdmr_get_pamt_sz(), Linux 6.12.
 */
export function sizePAMT(tdmr: TDMR, info: SystemInfo): void {
  tdmr.pamt4K = alignUp((tdmr.size / PAGE_4K) * info.entry4K, PAGE_4K);
  tdmr.pamt2M = alignUp((tdmr.size / PAGE_2M) * info.entry2M, PAGE_4K);
  tdmr.pamt1G = alignUp((tdmr.size / PAGE_1G) * info.entry1G, PAGE_4K);
}

/**
 * The node a TDMR's PAMT is asked from: that of the first memory region ending beyond the TDMR's base; -1 if there is none.
 * Source: tdmr_get_nid(), Linux 6.12.
 */
export function nodeOfPAMT(tdmr: TDMR, memory: readonly TDXMemory[]): number {
  const basePfn = tdmr.base / PAGE_4K;
  for (const { endPfn, node } of memory) if (endPfn > basePfn) return node;
  return -1;
}
