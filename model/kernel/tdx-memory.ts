import { PAGE_4K } from '../abi/page.ts';
import { ENOMEM } from './errno.ts';
import type { KernelPort } from './port.ts';
import type { KernelState, MemoryRegion } from './state.ts';

// Captured once: under Jest every mention of a global crosses a VM context.
const floor = Math.floor;
const ceil = Math.ceil;

/** The first MiB is never TDX memory. Source: build_tdx_memlist(), Linux 6.12 ("the first 1MB is not reported as TDX convertible memory"). */
const FIRST_PFN = 256;
/** sizeof(struct tdx_memblock). */
const LIST_ENTRY_BYTES = 40;

/**
 * Calls `visit` for every memblock entry that can be TDX memory: start rounded up, end rounded down to whole pages, the
 * first MiB left out. Ends early when `visit` answers an errno, and answers it.
 * Source: for_each_mem_pfn_range(), and build_tdx_memlist(), Linux 6.12.
 */
export function forEachTDXRange(
  { memblock }: KernelState,
  visit: (startPfn: number, endPfn: number, node: number) => number,
): number {
  for (const { base, size, node } of memblock) {
    const end = base + size;
    let startPfn = ceil(base / PAGE_4K);
    const endPfn = floor(end / PAGE_4K);
    if (startPfn < FIRST_PFN) startPfn = FIRST_PFN;
    if (startPfn >= endPfn) continue;
    const error = visit(startPfn, endPfn, node);
    if (error !== 0) return error;
  }
  return 0;
}

/** Appends one entry to the list; 0 or -ENOMEM. Source: add_tdx_memblock(), Linux 6.12. */
export function addTDXMemory(
  kernel: KernelState,
  port: KernelPort,
  startPfn: number,
  endPfn: number,
  node: number,
): number {
  const object = allocate(kernel, port, 'k', LIST_ENTRY_BYTES);
  if (object === -1) return ENOMEM;
  kernel.tdxMemory.push({ startPfn, endPfn, node, object });
  return 0;
}

/**
 * Appends one list entry per memblock entry.
 * @returns 0 or -ENOMEM, then with the list emptied.
 * Source: build_tdx_memlist(), Linux 6.12.
 */
export function buildTDXMemory(kernel: KernelState, port: KernelPort): number {
  const error = forEachTDXRange(kernel, (startPfn, endPfn, node) => addTDXMemory(kernel, port, startPfn, endPfn, node));
  if (error !== 0) freeTDXMemory(kernel, port);
  return error;
}

/** Empties the list. Source: free_tdx_memlist(), Linux 6.12. */
export function freeTDXMemory(kernel: KernelState, port: KernelPort): void {
  for (const { object } of kernel.tdxMemory) release(kernel, port, 'k', object, LIST_ENTRY_BYTES);
  kernel.tdxMemory = [];
}

/**
 * May this range be given to the page allocator? Before initialisation and after a failed one everything may; afterwards
 * only a range inside one entry of the list. Page frame numbers; an empty range inside an entry is fine.
 * Source: tdx_memory_notifier() and is_tdx_memory(), Linux 6.12.
 */
export function isTDXMemory(kernel: KernelState, startPfn: number, endPfn: number): boolean {
  if (kernel.tdxMemory.length === 0) return true;
  for (const entry of kernel.tdxMemory) if (startPfn >= entry.startPfn && endPfn <= entry.endPfn) return true;
  return false;
}

/** The same judged on all entries together, so that a range across two that touch is fine. Page frame numbers. */
export function isInUnion({ tdxMemory }: KernelState, startPfn: number, endPfn: number): boolean {
  if (tdxMemory.length === 0) return true;
  let covered = startPfn;
  for (let rounds = tdxMemory.length; rounds > 0 && covered < endPfn; rounds--)
    for (const entry of tdxMemory) if (entry.startPfn <= covered && covered < entry.endPfn) covered = entry.endPfn;
  return covered >= endPfn;
}

/**
 * Enters hot-added memory into memblock: in address order, joined with a touching neighbour of the same node.
 * Source: memblock_add_node() and memblock_merge_regions() (ARCH_KEEP_MEMBLOCK).
 */
export function addMemblock(memblock: MemoryRegion[], base: number, size: number, node: number): void {
  let at = 0;
  for (const region of memblock) {
    if (region.base > base) break;
    at++;
  }
  let start = base;
  let end = base + size;
  let remove = 0;
  const before = at === 0 ? undefined : memblock[at - 1];
  if (before !== undefined && before.node === node && before.base + before.size === start) {
    start = before.base;
    at--;
    remove++;
  }
  const after = memblock[at + remove];
  if (after !== undefined && after.node === node && after.base === end) {
    end += after.size;
    remove++;
  }
  memblock.splice(at, remove, { base: start, size: end - start, node });
}

/** Takes hot-removed memory out of memblock; an entry it lies in the middle of is cut in two. Source: memblock_remove(). */
export function removeMemblock(memblock: MemoryRegion[], base: number, size: number): void {
  const end = base + size;
  for (let at = 0; at < memblock.length; at++) {
    const region = memblock[at] as MemoryRegion;
    const regionEnd = region.base + region.size;
    if (regionEnd <= base || region.base >= end) continue;
    const rest: MemoryRegion[] = [];
    if (region.base < base) rest.push({ base: region.base, size: base - region.base, node: region.node });
    if (regionEnd > end) rest.push({ base: end, size: regionEnd - end, node: region.node });
    memblock.splice(at, 1, ...rest);
    at += rest.length - 1;
  }
}

/** An allocation, counted. */
export function allocate(
  kernel: KernelState,
  port: KernelPort,
  kind: Parameters<KernelPort['alloc']>[0],
  bytes: number,
  node = -1,
): number {
  const address = port.alloc(kind, bytes, node);
  if (address !== -1) kernel.live++;
  return address;
}

/** Gives an allocation back, counted. */
export function release(
  kernel: KernelState,
  port: KernelPort,
  kind: Parameters<KernelPort['free']>[0],
  address: number,
  bytes: number,
): void {
  kernel.live--;
  port.free(kind, address, bytes);
}
