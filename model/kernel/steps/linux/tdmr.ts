import { ENOMEM, ENOSPC } from '../../errno.ts';
import { AGAIN, DONE, type Step } from '../../flow.ts';
import { nodeOfPAMT, sizePAMT } from '../../pamt.ts';
import { printk } from '../../printk.ts';
import { reserveMemoryHoles, reservePAMTs, sortReservedAreas } from '../../reserved-area.ts';
import type { KernelState } from '../../state.ts';
import { coverMemory, pamtSize, TDMR_COUNT_WARNING, type TDMR } from '../../tdmr.ts';
import { tdmrStride } from '../../tdmr-info.ts';
import { allocate, release } from '../../tdx-memory.ts';

/**
 * TDMRs, PAMTs and reserved areas. Source: alloc_tdmr_list(), construct_tdmrs(), arch/x86/virt/vmx/tdx/tdx.c, Linux
 * 6.12.
 */

/** One physically contiguous array for as many TDMRs as the module takes. */
export const ALLOC_TDMR_LIST: Step = {
  name: 'alloc_tdmr_list',
  source: 'alloc_tdmr_list(), Linux 6.12',
  run: (kernel, _thread, port) => {
    const bytes = kernel.info.maxTDMRs * tdmrStride(kernel.info.maxReserved);
    const address = allocate(kernel, port, 'x', bytes);
    if (address === -1) return ENOMEM;
    kernel.tdmrArray = address;
    kernel.tdmrArrayBytes = bytes;
    kernel.tdmrArrayLive = true;
    kernel.tdmrCount = 0;
    kernel.tdmrs = [];
    return DONE;
  },
};

/** What a revision does when TDMRs or reserved areas run out. */
export interface CapacityPolicy {
  readonly errno: number;
  /** Says what ran out, and warns when TDMRs are about to. */
  readonly aloud: boolean;
}

const ALOUD: CapacityPolicy = { errno: ENOSPC, aloud: true };

/** Covers the memory list with TDMRs, within the module's limit. */
export function fillOutTDMRs(name: string, source: string, { errno, aloud }: CapacityPolicy): Step {
  return {
    name,
    source,
    run: (kernel, _thread, port) => {
      const limit = kernel.info.maxTDMRs;
      kernel.tdmrs = [];
      const count = coverMemory(kernel.tdxMemory, limit, kernel.tdmrs);
      if (count < 0) {
        if (aloud) printk(kernel, port, 'tdmrs-exhausted');
        return errno;
      }
      kernel.tdmrCount = count;
      if (aloud && limit - count < TDMR_COUNT_WARNING) printk(kernel, port, 'tdmrs-reaching-limit', count, limit);
      return DONE;
    },
  };
}

export const FILL_OUT_TDMRS: Step = fillOutTDMRs('fill_out_tdmrs', 'fill_out_tdmrs(), Linux 6.12', ALOUD);

/** One PAMT block per TDMR, one allocation at a time; those so far are given back by the step the error leads to. */
export const TDMRS_SET_UP_PAMT_ALL: Step = {
  name: 'tdmrs_set_up_pamt_all',
  source: 'tdmrs_set_up_pamt_all() and tdmr_set_up_pamt(), Linux 6.12',
  run: (kernel, thread, port) => {
    const tdmr = kernel.tdmrs[thread.index];
    if (tdmr === undefined) return DONE;
    let node = nodeOfPAMT(tdmr, kernel.tdxMemory);
    if (node === -1) {
      printk(kernel, port, 'no-local-node', tdmr.base, tdmr.base + tdmr.size);
      node = 0;
    }
    sizePAMT(tdmr, kernel.info);
    const address = allocate(kernel, port, 'c', pamtSize(tdmr), node);
    if (address === -1) {
      tdmr.pamt4K = 0;
      tdmr.pamt2M = 0;
      tdmr.pamt1G = 0;
      return ENOMEM;
    }
    tdmr.pamtBase = address;
    thread.index++;
    return thread.index < kernel.tdmrCount ? AGAIN : DONE;
  },
};

/** Adds a TDMR's holes as reserved areas; false when more than `limit` would be needed. */
export type ReserveHoles = (kernel: KernelState, tdmr: TDMR, limit: number) => boolean;

/** Holes as the revision finds them, then PAMTs, then into order: for every TDMR after all PAMTs exist. */
export function populateReservedAreas(
  name: string,
  source: string,
  { errno, aloud }: CapacityPolicy,
  reserveHoles: ReserveHoles,
): Step {
  return {
    name,
    source,
    run: (kernel, _thread, port) => {
      const { tdmrs, tdmrCount } = kernel;
      const limit = kernel.info.maxReserved;
      for (const tdmr of tdmrs) {
        if (!reserveHoles(kernel, tdmr, limit) || !reservePAMTs(tdmr, tdmrs, tdmrCount, limit)) {
          if (aloud) printk(kernel, port, 'reserved-areas-exhausted', tdmr.base, tdmr.base + tdmr.size);
          return errno;
        }
        sortReservedAreas(tdmr);
      }
      return DONE;
    },
  };
}

/** Holes between the regions of the memory list. */
export const HOLES_OF_MEMORY: ReserveHoles = (kernel, tdmr, limit) => reserveMemoryHoles(tdmr, kernel.tdxMemory, limit);

export const TDMRS_POPULATE_RSVD_AREAS_ALL: Step = populateReservedAreas(
  'tdmrs_populate_rsvd_areas_all',
  'tdmrs_populate_rsvd_areas_all(), Linux 6.12',
  ALOUD,
  HOLES_OF_MEMORY,
);

export const TDMRS_FREE_PAMT_ALL: Step = {
  name: 'tdmrs_free_pamt_all',
  source: 'tdmrs_free_pamt_all(), Linux 6.12',
  run: (kernel, _thread, port) => {
    for (const tdmr of kernel.tdmrs) {
      const bytes = pamtSize(tdmr);
      if (bytes !== 0) release(kernel, port, 'c', tdmr.pamtBase, bytes);
    }
    return DONE;
  },
};

/** Frees the array. Its pointer, its count and what it says stay behind, and machine-check code still looks at them. */
export const FREE_TDMR_LIST: Step = {
  name: 'free_tdmr_list',
  source: 'free_tdmr_list(), Linux 6.12; recording 6.12-demos, line 2',
  run: (kernel, _thread, port) => {
    release(kernel, port, 'x', kernel.tdmrArray, kernel.tdmrArrayBytes);
    kernel.tdmrArrayLive = false;
    return DONE;
  },
};

/** The same where the list was a local variable: nothing can read it afterwards. PAMTs in use stay the module's. */
export const FREE_LOCAL_TDMR_LIST: Step = {
  name: 'free_tdmr_list',
  source: 'init_tdx_module(), label out_free_tdmrs, v5 13/22, v7 11/20 and v8 08/16',
  run: (kernel, thread, port) => {
    release(kernel, port, 'x', kernel.tdmrArray, kernel.tdmrArrayBytes);
    kernel.tdmrArrayLive = false;
    kernel.tdmrArray = -1;
    if (thread.error !== 0) {
      kernel.tdmrCount = 0;
      kernel.tdmrs = [];
    }
    return DONE;
  },
};
