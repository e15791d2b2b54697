import { PAGE_4K } from '../../../abi/page.ts';
import { mergeCMRs } from '../../../platform/cmr.ts';
import { EBUSY, EINVAL, ENOMEM, ENOSPC } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { NOTIFY_BAD, NOTIFY_OK } from '../../memory-hotplug.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import { reserveCMRHoles, reservePAMTs, sortReservedAreas } from '../../reserved-area.ts';
import type { KernelState } from '../../state.ts';
import { allocate, freeTDXMemory, isInUnion } from '../../tdx-memory.ts';
import type { ReservedArea } from '../../tdmr.ts';

/** Memory as the `strict` kernel sees it: what is convertible becomes TDX memory, the rest leaves the page allocator. */

const SOURCE =
  'model/kernel/revisions/strict.ts: the kernel that breaks no rule; v7 10/20, Dave Hansen, 22 Nov 2022; "x86/virt/tdx: Reduce TDMR\'s reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024';
// Captured once: under Jest every mention of a global crosses a VM context.
const floor = Math.floor;
const ceil = Math.ceil;
const FIRST_MIB = 2 ** 20;
/** More than any TDMR can have: the areas are merged before they are counted. */
const UNLIMITED = 2 ** 20;

/** Memory outside the CMRs is taken from the page allocator, by name; after that all it gives out is convertible. */
export const OFFLINE_NON_CONVERTIBLE: Step = {
  name: 'strict-offline-non-convertible',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    const cmrs = mergeCMRs(kernel.cmrs);
    for (const { base, size } of kernel.memblock) {
      const end = base + size;
      let at = base < FIRST_MIB ? FIRST_MIB : base;
      for (const cmr of cmrs) {
        const cmrEnd = cmr.base + cmr.size;
        if (cmrEnd <= at || cmr.base >= end) continue;
        if (cmr.base > at && !takeOffline(kernel, port, at, cmr.base)) return EBUSY;
        at = cmrEnd;
      }
      if (at < end && !takeOffline(kernel, port, at, end)) return EBUSY;
    }
    return DONE;
  },
};

function takeOffline(kernel: KernelState, port: KernelPort, base: number, end: number): boolean {
  const done = port.offlineMemory(base, end - base);
  printk(kernel, port, done ? 'memory-taken-offline' : 'memory-in-use', base, end);
  return done;
}

/** One entry per stretch of convertible memory of a node: how memblock happens to cut it plays no part. */
export const BUILD_CONVERTIBLE_MEMORY_LIST: Step = {
  name: 'strict-build-memory-list',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    const cmrs = mergeCMRs(kernel.cmrs);
    const { memblock } = kernel;
    for (let index = 0; index < memblock.length; ) {
      const first = memblock[index];
      if (first === undefined) break;
      let end = first.base + first.size;
      for (index++; index < memblock.length; index++) {
        const next = memblock[index];
        if (next === undefined || next.base !== end || next.node !== first.node) break;
        end = next.base + next.size;
      }
      for (const cmr of cmrs) {
        const from = highest(first.base, cmr.base, FIRST_MIB);
        const to = cmr.base + cmr.size < end ? cmr.base + cmr.size : end;
        const error = addEntry(kernel, port, from, to, first.node);
        if (error !== 0) return error;
      }
    }
    if (kernel.tdxMemory.length > 0) return DONE;
    printk(kernel, port, 'no-convertible-memory');
    return EINVAL;
  },
};

/** The memory notifier: accepts a range inside all entries of the list together, and prints what it refuses. */
export function strictMemoryNotifier(kernel: KernelState, port: KernelPort, startPfn: number, endPfn: number): number {
  if (isInUnion(kernel, startPfn, endPfn)) return NOTIFY_OK;
  printk(kernel, port, 'memory-refused', startPfn * PAGE_4K, endPfn * PAGE_4K);
  return NOTIFY_BAD;
}

function highest(a: number, b: number, c: number): number {
  const most = a > b ? a : b;
  return most > c ? most : c;
}

function addEntry(kernel: KernelState, port: KernelPort, from: number, to: number, node: number): number {
  const startPfn = ceil(from / PAGE_4K);
  const endPfn = floor(to / PAGE_4K);
  if (startPfn >= endPfn) return DONE;
  const object = allocate(kernel, port, 'k', 40);
  if (object === -1) {
    freeTDXMemory(kernel, port);
    return ENOMEM;
  }
  kernel.tdxMemory.push({ startPfn, endPfn, node, object });
  return DONE;
}

/** Holes are those between the CMRs; areas that touch become one before anybody counts them. */
export const FILL_MERGED_RESERVED_AREAS: Step = {
  name: 'strict-fill-reserved-areas',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    const { tdmrs, tdmrCount } = kernel;
    const cmrs = mergeCMRs(kernel.cmrs);
    for (const tdmr of tdmrs) {
      reserveCMRHoles(tdmr, cmrs, UNLIMITED);
      reservePAMTs(tdmr, tdmrs, tdmrCount, UNLIMITED);
      sortReservedAreas(tdmr);
      mergeTouching(tdmr.reserved);
      if (tdmr.reserved.length <= kernel.info.maxReserved) continue;
      printk(kernel, port, 'reserved-areas-exhausted', tdmr.base, tdmr.base + tdmr.size);
      return ENOSPC;
    }
    return DONE;
  },
};

function mergeTouching(areas: ReservedArea[]): void {
  let kept = 0;
  for (const area of areas) {
    const last = kept === 0 ? undefined : areas[kept - 1];
    if (last !== undefined && last.offset + last.size >= area.offset) {
      const end = area.offset + area.size;
      if (end > last.offset + last.size) last.size = end - last.offset;
    } else areas[kept++] = area;
  }
  areas.length = kept;
}
