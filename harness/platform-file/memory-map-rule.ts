import { GIB } from '../../model/abi/size.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import { formatU64 } from '../../model/abi/u64.ts';
import type { MemoryBlock } from '../../model/platform/platform.ts';
import { readAddress } from './address.ts';
import { cmrsFromMemory } from './cmr-rule.ts';
import type { PlatformFile, Say } from './platform-file.ts';
import { unknownMemoryRule } from './unknown-memory-rule.ts';

const USABLE = new Set(['usable', 'system ram']);

interface MemoryMap {
  readonly memory: readonly MemoryBlock[];
  readonly cmrs: readonly AddressRange[];
}

/**
 * The memory of the page allocator, and the CMR table. Up to its end the e820 map decides; beyond it, CMRs are assumed
 * to be memory (one block per CMR). Unknown CMRs are derived from memory. If neither is known, the amount follows from
 * the reported PAMT or memory size.
 */
export function memoryMapRule(file: PlatformFile, name: string, say: Say): MemoryMap {
  const cmrs = file.cmrs?.map((range, index) => readRange(range, name, `cmrs[${index}]`)) ?? null;
  const blocks = knownMemory(file, name, cmrs ?? [], say);
  if (blocks.length === 0) {
    const unknown = unknownMemoryRule(file, say);
    if (cmrs === null) say('CMRs not known: assuming one per memory block.');
    return { memory: unknown, cmrs: cmrs ?? unknown.map(({ base, size }) => ({ base, size })) };
  }
  return { memory: nodesRule(blocks, cmrs, say), cmrs: cmrs ?? cmrsFromMemory(blocks, say) };
}

function readRange(range: { base: string | number; size: string | number }, name: string, place: string): AddressRange {
  const base = readAddress(range.base, name, `${place}.base`);
  const size = readAddress(range.size, name, `${place}.size`);
  readAddress(base + size, name, `the end of ${place}`);
  return { base, size };
}

function knownMemory(file: PlatformFile, name: string, cmrs: readonly AddressRange[], say: Say): AddressRange[] {
  const e820 = (file.e820 ?? []).map((entry, index) => ({
    ...readRange(entry, name, `e820[${index}]`),
    usable: USABLE.has(entry.type.trim().toLowerCase()),
  }));
  const fromMap = usableRanges(e820);
  if (fromMap.length === 0) {
    const fromCMRs = inOrder(cmrs);
    if (fromCMRs.length > 0) say('Memory map not known: assuming one memory block per CMR.');
    return fromCMRs;
  }
  if (file.e820Complete === true) return fromMap;
  const mapEnd = Math.max(...e820.map(({ base, size }) => base + size));
  const above = inOrder(cmrs).flatMap(({ base, size }) => {
    const start = Math.max(base, mapEnd);
    return start < base + size ? [{ base: start, size: base + size - start }] : [];
  });
  if (above.length > 0) {
    say(`The e820 map ends at ${formatU64(mapEnd)}: assuming one memory block per CMR above it.`);
  } else if (file.e820Complete === false) {
    say(
      `The e820 map is incomplete and no CMR reaches further: assuming that memory ends with it, at ${formatU64(mapEnd)}.`,
    );
  }
  return [...fromMap, ...above];
}

/** Usable entries without the parts that another entry gives another type, adjacent ones joined: memblock's input. */
function usableRanges(e820: readonly (AddressRange & { usable: boolean })[]): AddressRange[] {
  let ranges = inOrder(e820.filter(({ usable }) => usable));
  for (const hole of e820.filter(({ usable, size }) => !usable && size > 0)) {
    ranges = ranges.flatMap(({ base, size }) => {
      const before = { base, size: Math.min(size, hole.base - base) };
      const after = { base: Math.max(base, hole.base + hole.size), size: 0 };
      after.size = base + size - after.base;
      return [before, after].filter((part) => part.size > 0);
    });
  }
  const joined: { base: number; size: number }[] = [];
  for (const range of ranges) {
    const last = joined.at(-1);
    if (last !== undefined && last.base + last.size === range.base) last.size += range.size;
    else joined.push({ ...range });
  }
  return joined;
}

/** Ascending, without empty ranges; if two overlap, the later one begins at the end of the earlier one. */
function inOrder(ranges: readonly AddressRange[]): AddressRange[] {
  const ordered: AddressRange[] = [];
  let end = 0;
  for (const { base, size } of ranges.toSorted((a, b) => a.base - b.base)) {
    const start = Math.max(base, end);
    if (start >= base + size) continue;
    end = base + size;
    ordered.push({ base: start, size: end - start });
  }
  return ordered;
}

/** Every CMR above 4 GiB is a NUMA node of its own, in order; memory below the first one is on node 0. */
function nodesRule(blocks: readonly AddressRange[], cmrs: readonly AddressRange[] | null, say: Say): MemoryBlock[] {
  const starts = inOrder(cmrs ?? [])
    .map(({ base }) => base)
    .filter((base) => base >= 4 * GIB);
  if (starts.length > 1)
    say('NUMA nodes not known: assuming a node per CMR above 4 GiB, and node 0 for all memory below.');
  else say('NUMA nodes not known: assuming node 0 for all memory.');
  const placed: MemoryBlock[] = [];
  for (const { base, size } of blocks) {
    const end = base + size;
    // A block that extends into the next node is split into one entry per node, as in memblock.
    const cuts = starts.slice(1).filter((start) => start > base && start < end);
    let from = base;
    for (const to of [...cuts, end]) {
      const at = from;
      const node = Math.max(0, starts.filter((start) => start <= at).length - 1);
      placed.push({ base: from, size: to - from, node });
      from = to;
    }
  }
  return placed;
}
