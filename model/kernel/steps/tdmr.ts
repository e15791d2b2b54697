import { ENOMEM, ENOSPC } from '../errno.ts';
import { AGAIN, DONE, type Step } from '../flow.ts';
import { nodeOfPAMT, sizePAMT } from '../pamt.ts';
import { printk } from '../printk.ts';
import { reserveMemoryHoles, reservePAMTs, sortReservedAreas } from '../reserved-area.ts';
import { coverMemory, pamtSize, TDMR_COUNT_WARNING } from '../tdmr.ts';
import { tdmrStride } from '../tdmr-info.ts';
import { allocate, release } from '../tdx-memory.ts';

/** One physically contiguous array for as many TDMRs as the module takes. */
export const ALLOCATE_TDMR_ARRAY: Step = {
  name: 'allocate-tdmr-array',
  source: 'alloc_tdmr_list(), Linux 6.12',
  run: (kernel, _thread, port) => {
    const bytes = kernel.info.maxTDMRs * tdmrStride(kernel.info.maxReserved);
    const address = allocate(kernel, port, 'x', bytes);
    if (address === -1) return ENOMEM;
    kernel.tdmrArray = address;
    kernel.tdmrArrayBytes = bytes;
    kernel.tdmrArrayLive = true;
    kernel.tdmrCount = 0;
    kernel.tdmrs.length = 0;
    return DONE;
  },
};

export const COVER_MEMORY: Step = {
  name: 'cover-memory',
  source: 'fill_out_tdmrs(), Linux 6.12',
  run: (kernel, _thread, port) => {
    const limit = kernel.info.maxTDMRs;
    const count = coverMemory(kernel.tdxMemory, limit, kernel.tdmrs);
    if (count < 0) {
      printk(kernel, port, 'tdmrs-exhausted');
      return count;
    }
    kernel.tdmrCount = count;
    if (limit - count < TDMR_COUNT_WARNING) printk(kernel, port, 'tdmrs-reaching-limit', count, limit);
    return DONE;
  },
};

/** One PAMT block per TDMR, one allocation at a time; those so far are given back by the step the error leads to. */
export const ALLOCATE_PAMTS: Step = {
  name: 'allocate-pamts',
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

/** Holes between memory regions, then PAMTs, then into order: for every TDMR after all PAMTs exist. */
export const FILL_RESERVED_AREAS: Step = {
  name: 'fill-reserved-areas',
  source: 'tdmrs_populate_rsvd_areas_all(), Linux 6.12',
  run: (kernel, _thread, port) => {
    const { tdmrs, tdmrCount } = kernel;
    const limit = kernel.info.maxReserved;
    for (const tdmr of tdmrs) {
      if (!reserveMemoryHoles(tdmr, kernel.tdxMemory, limit) || !reservePAMTs(tdmr, tdmrs, tdmrCount, limit)) {
        printk(kernel, port, 'reserved-areas-exhausted', tdmr.base, tdmr.base + tdmr.size);
        return ENOSPC;
      }
      sortReservedAreas(tdmr);
    }
    return DONE;
  },
};

export const FREE_PAMTS: Step = {
  name: 'free-pamts',
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
export const FREE_TDMR_ARRAY: Step = {
  name: 'free-tdmr-array',
  source: 'free_tdmr_list(), Linux 6.12; recording 6.12-demos, line 2',
  run: (kernel, _thread, port) => {
    release(kernel, port, 'x', kernel.tdmrArray, kernel.tdmrArrayBytes);
    kernel.tdmrArrayLive = false;
    return DONE;
  },
};
