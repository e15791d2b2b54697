import { PAGE_4K } from '../../../abi/page.ts';
import { EINVAL, ENOMEM } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import { cmrBase, cmrSize } from '../../sys-info.ts';
import type { KernelState } from '../../state.ts';
import { addTDXMemory, forEachTDXRange, freeTDXMemory } from '../../tdx-memory.ts';

/**
 * TDX-usable memory in v5 and v7, checked against the CMRs. Source: check_memblock_tdx_convertible(), v5 12/22;
 * build_tdx_memory(), v7 10/20.
 */

const V7 =
  'build_tdx_memory(), v7 10/20 "x86/virt/tdx: Use all system memory when initializing TDX module as TDX memory"';

/** v5 keeps no list: it walks memblock itself, here as one snapshot. */
export const SNAPSHOT_MEMBLOCK: Step = {
  name: 'snapshot-memblock',
  source: 'memblock_for_each_tdx_mem_pfn_range(), v5 12/22',
  run: (kernel) => {
    kernel.tdxMemory = [];
    forEachTDXRange(kernel, (startPfn, endPfn, node) => {
      kernel.tdxMemory.push({ startPfn, endPfn, node, object: -1 });
      return 0;
    });
    return DONE;
  },
};

export const FORGET_SNAPSHOT: Step = {
  name: 'forget-snapshot',
  source: 'v5 12/22 (nothing is kept)',
  run: (kernel) => {
    kernel.tdxMemory = [];
    return DONE;
  },
};

/** Every region must lie in one CMR; two that touch are not one to this check, as they are to the module. */
export const CHECK_MEMBLOCK_TDX_CONVERTIBLE: Step = {
  name: 'check_memblock_tdx_convertible',
  source:
    'check_memblock_tdx_convertible(), v5 12/22 "x86/virt/tdx: Convert all memory regions in memblock to TDX memory"',
  run: (kernel, _thread, port) => {
    for (const { startPfn, endPfn } of kernel.tdxMemory) {
      if (isInOneCMR(kernel, port, startPfn * PAGE_4K, endPfn * PAGE_4K)) continue;
      printk(kernel, port, 'v5-not-convertible', startPfn * PAGE_4K, endPfn * PAGE_4K);
      return EINVAL;
    }
    return DONE;
  },
};

/** Lists memory region by region, each checked against the CMRs first; the ones listed before a bad one stay listed. */
export const BUILD_TDX_MEMORY: Step = {
  name: 'build_tdx_memory',
  source: V7,
  run: (kernel, _thread, port) => {
    const error = forEachTDXRange(kernel, (startPfn, endPfn, node) => {
      if (!isInOneCMR(kernel, port, startPfn * PAGE_4K, endPfn * PAGE_4K)) {
        printk(kernel, port, 'v7-not-convertible', startPfn * PAGE_4K, endPfn * PAGE_4K);
        return EINVAL;
      }
      return addTDXMemory(kernel, port, startPfn, endPfn, node);
    });
    if (error === ENOMEM) freeTDXMemory(kernel, port);
    return error;
  },
};

/** Reached by success and failure alike. */
export const FREE_TDX_MEMLIST_ON_ERROR: Step = {
  name: 'free_tdx_memlist',
  source: V7,
  run: (kernel, thread, port) => {
    if (thread.error !== 0) freeTDXMemory(kernel, port);
    return DONE;
  },
};

function isInOneCMR(kernel: KernelState, port: KernelPort, start: number, end: number): boolean {
  for (let index = 0; index < kernel.cmrCount; index++) {
    const base = cmrBase(port, index);
    if (start >= base && end <= base + cmrSize(port, index)) return true;
  }
  return false;
}
