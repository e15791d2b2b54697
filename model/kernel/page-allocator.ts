import { PAGE_4K } from '../abi/page.ts';
import type { AddressRange } from '../abi/range.ts';
import type { AllocationKind } from './port.ts';
import type { MemoryRegion } from './state.ts';

// Captured once: under Jest every mention of a global crosses a VM context.
const floor = Math.floor;
const ceil = Math.ceil;

/** Frames below 1 MiB exist, but for frame 0, and are never handed out. */
const RESERVED_END = 256;
/** Zone borders as page frame numbers: DMA below 16 MiB, DMA32 below 4 GiB, Normal above. Source: arch/x86 zone limits. */
const DMA_END = 2 ** 12;
const DMA32_END = 2 ** 20;
/** The largest object alloc_pages_exact() hands out, bytes: MAX_PAGE_ORDER 10. */
const EXACT_MAX = 2 ** 22;

/** A stretch of page frames of one node and one zone; end exclusive. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly node: number;
}

/** Free memory, as far as an init flow is concerned: which frames exist and which are taken. Plain data. */
export interface PageAllocator {
  /** Ascending, disjoint; never across a zone border; touching stretches of one node and zone are one. */
  spans: Span[];
  /** Frames in use: starts and ends by turns, ascending, disjoint. */
  readonly used: number[];
}

/** An allocator over `memory`, without what is `busy`. Bytes; partial pages do not count. */
export function createPageAllocator(
  memory: readonly MemoryRegion[],
  busy: readonly AddressRange[] = [],
): PageAllocator {
  const allocator: PageAllocator = { spans: [], used: [0, RESERVED_END] };
  for (const { base, size, node } of memory) addPages(allocator, base, size, node);
  for (const { base, size } of busy) take(allocator, pfnDown(base), pfnUp(base + size));
  return allocator;
}

export function clonePageAllocator(allocator: PageAllocator): PageAllocator {
  return { spans: allocator.spans.slice(), used: allocator.used.slice() };
}

/** Memory came online: [base, base + size) bytes of `node`. */
export function addPages(allocator: PageAllocator, base: number, size: number, node: number): void {
  const start = pfnUp(base);
  const end = pfnDown(base + size);
  insertSpan(allocator.spans, start === 0 ? 1 : start, end < DMA_END ? end : DMA_END, node);
  insertSpan(allocator.spans, start < DMA_END ? DMA_END : start, end < DMA32_END ? end : DMA32_END, node);
  insertSpan(allocator.spans, start < DMA32_END ? DMA32_END : start, end, node);
}

/** Memory went offline: frames of [base, base + size) are handed out no more. What is in use there stays in use. */
export function removePages(allocator: PageAllocator, base: number, size: number): void {
  const from = pfnDown(base);
  const to = pfnUp(base + size);
  const kept: Span[] = [];
  for (const { start, end, node } of allocator.spans) {
    if (start < from) kept.push({ start, end: end < from ? end : from, node });
    if (end > to) kept.push({ start: start > to ? start : to, end, node });
  }
  allocator.spans = kept;
}

/**
 * Address of a new object, or -1. `c` is placed as alloc_contig_pages() does; the others take whole pages from the top
 * of memory down, aligned to their power of two, as the recordings show.
 */
export function allocatePages(allocator: PageAllocator, kind: AllocationKind, bytes: number, node: number): number {
  const pages = pfnUp(bytes);
  const pfn =
    kind === 'c'
      ? findContiguous(allocator, pages, node)
      : kind === 'x' && (bytes === 0 || bytes > EXACT_MAX)
        ? -1
        : findTopDown(allocator, pages);
  if (pfn === -1) return -1;
  take(allocator, pfn, pfn + pages);
  return pfn * PAGE_4K;
}

/** Gives [address, address + bytes) back; whole pages. */
export function releasePages(allocator: PageAllocator, address: number, bytes: number): void {
  const { used } = allocator;
  const start = pfnDown(address);
  const end = start + pfnUp(bytes);
  for (let i = 0; i < used.length; i += 2) {
    const from = used[i] as number;
    const to = used[i + 1] as number;
    if (to <= start) continue;
    if (from >= end) return;
    if (from < start && to > end) {
      used[i + 1] = start;
      insertStretch(used, i + 2, end, to);
      return;
    }
    if (from < start) used[i + 1] = start;
    else if (to > end) used[i] = end;
    else {
      removeStretch(used, i);
      i -= 2;
    }
  }
}

/**
 * First run of `pages` free frames by alloc_contig_pages()'s rule: zones Normal, DMA32, DMA of the node, then those of
 * the other nodes; in a zone, candidates begin at ALIGN(zone start, pages) and step by `pages`. ALIGN masks bits, so with
 * a count that is no power of two the start looks odd; it is what the kernel does. A zone starts at its first frame of
 * memory, as in the recordings.
 * Source: alloc_contig_pages() and pfn_range_valid_contig(), mm/page_alloc.c; recordings linux-6.12, -6.17, -7.3.
 */
function findContiguous({ spans, used }: PageAllocator, pages: number, node: number): number {
  if (pages === 0) return -1;
  const home = searchNode(spans, used, pages, node);
  if (home !== -1) return home;
  let tried = -1;
  for (;;) {
    const next = nextNode(spans, tried);
    if (next === -1) return -1;
    tried = next;
    if (next === node) continue;
    const pfn = searchNode(spans, used, pages, next);
    if (pfn !== -1) return pfn;
  }
}

/** The lowest node number above `after` that has memory, or -1. */
function nextNode(spans: readonly Span[], after: number): number {
  let best = -1;
  for (const { node } of spans) if (node > after && (best === -1 || node < best)) best = node;
  return best;
}

function searchNode(spans: readonly Span[], used: readonly number[], pages: number, node: number): number {
  const normal = searchZone(spans, used, pages, node, DMA32_END, 2 ** 40);
  if (normal !== -1) return normal;
  const dma32 = searchZone(spans, used, pages, node, DMA_END, DMA32_END);
  return dma32 !== -1 ? dma32 : searchZone(spans, used, pages, node, 0, DMA_END);
}

function searchZone(
  spans: readonly Span[],
  used: readonly number[],
  pages: number,
  node: number,
  low: number,
  high: number,
): number {
  let candidate = -1;
  for (const span of spans) {
    if (span.node !== node || span.start < low || span.start >= high) continue;
    if (candidate === -1) candidate = alignMasking(span.start, pages);
    if (candidate < span.start) candidate = stepTo(candidate, span.start, pages);
    while (candidate + pages <= span.end) {
      const busyUntil = usedUntil(used, candidate, candidate + pages);
      if (busyUntil === -1) return candidate;
      candidate = stepTo(candidate, busyUntil, pages);
    }
  }
  return -1;
}

/** ALIGN(): rounds up by masking, for any `unit`. Both are below 2^52, so the mask is applied in two halves of 26 bits. */
function alignMasking(value: number, unit: number): number {
  const half = 2 ** 26;
  const mask = unit - 1;
  const sum = value + mask;
  const low = (sum % half) & ~(mask % half);
  const high = ((sum - (sum % half)) / half) & ~((mask - (mask % half)) / half);
  return high * half + low;
}

/** The first candidate, stepping by `pages` from `from`, at or above `target`. */
function stepTo(from: number, target: number, pages: number): number {
  const distance = target - from;
  const rest = distance % pages;
  return rest === 0 ? target : target + pages - rest;
}

/** End of a used stretch that overlaps [start, end), or -1. */
function usedUntil(used: readonly number[], start: number, end: number): number {
  for (let i = 0; i < used.length; i += 2) {
    if ((used[i] as number) >= end) return -1;
    if ((used[i + 1] as number) > start) return used[i + 1] as number;
  }
  return -1;
}

/** The highest free block of a power of two frames that `pages` fit in, aligned to its own size; the rest of it stays free. */
function findTopDown({ spans, used }: PageAllocator, pages: number): number {
  let block = 1;
  while (block < pages) block *= 2;
  for (let i = spans.length - 1; i >= 0; i--) {
    const span = spans[i] as Span;
    let start = span.end - block;
    start = floor(start / block) * block;
    while (start >= span.start) {
      const busyFrom = usedFrom(used, start, start + block);
      if (busyFrom === -1) return start;
      start = busyFrom - block;
      start = floor(start / block) * block;
    }
  }
  return -1;
}

/** Start of the highest used stretch that overlaps [start, end), or -1. */
function usedFrom(used: readonly number[], start: number, end: number): number {
  for (let i = used.length - 2; i >= 0; i -= 2) {
    if ((used[i + 1] as number) <= start) return -1;
    if ((used[i] as number) < end) return used[i] as number;
  }
  return -1;
}

/** Marks frames as used; they may touch or overlap used ones. */
function take({ used }: PageAllocator, start: number, end: number): void {
  let at = 0;
  while (at < used.length && (used[at + 1] as number) < start) at += 2;
  let until = at;
  let from = start;
  let to = end;
  while (until < used.length && (used[until] as number) <= end) {
    if ((used[until] as number) < from) from = used[until] as number;
    if ((used[until + 1] as number) > to) to = used[until + 1] as number;
    until += 2;
  }
  if (until === at) insertStretch(used, at, from, to);
  else {
    used[at] = from;
    used[at + 1] = to;
    for (; until > at + 2; until -= 2) removeStretch(used, at + 2);
  }
}

// A few numbers each: moved by hand, as splice() makes an array of what it takes out.

function insertStretch(used: number[], at: number, from: number, to: number): void {
  used.push(from, to);
  for (let i = used.length - 1; i >= at + 2; i -= 1) used[i] = used[i - 2] as number;
  used[at] = from;
  used[at + 1] = to;
}

function removeStretch(used: number[], at: number): void {
  for (let i = at + 2; i < used.length; i += 1) used[i - 2] = used[i] as number;
  used.pop();
  used.pop();
}

function insertSpan(spans: Span[], start: number, end: number, node: number): void {
  if (start >= end) return;
  // Memory comes in ascending order more often than not.
  let at = spans.length;
  while (at > 0 && (spans[at - 1] as Span).start >= start) at--;
  let from = start;
  let to = end;
  let remove = 0;
  const before = at === 0 ? undefined : spans[at - 1];
  if (
    before !== undefined &&
    before.node === node &&
    before.end === start &&
    start !== DMA_END &&
    start !== DMA32_END
  ) {
    from = before.start;
    at--;
    remove++;
  }
  const after = spans[at + remove];
  if (after !== undefined && after.node === node && after.start === end && end !== DMA_END && end !== DMA32_END) {
    to = after.end;
    remove++;
  }
  if (remove === 0 && at === spans.length) spans.push({ start: from, end: to, node });
  else spans.splice(at, remove, { start: from, end: to, node });
}

/** Whole pages a number of bytes needs, or the frame at or above an address. */
function pfnUp(bytes: number): number {
  return ceil(bytes / PAGE_4K);
}

function pfnDown(bytes: number): number {
  return floor(bytes / PAGE_4K);
}

/** True if any page of [base, base + size) is in use. */
export function isInUse({ used }: PageAllocator, base: number, size: number): boolean {
  return usedUntil(used, pfnDown(base), pfnUp(base + size)) !== -1;
}
