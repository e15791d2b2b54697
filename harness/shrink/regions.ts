import { GIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { U64 } from '../../model/abi/u64.ts';
import type { Event } from '../../model/world/event.ts';
import type { Case } from '../case.ts';
import { withPlatform } from './parts.ts';

const MIB_2 = 2 ** 21;
const ROUND_UNITS = [2 ** 28, 2 ** 24, 2 ** 20, 2 ** 16];

/**
 * Smaller and lower address spaces: memory, CMRs, SEAMRR (at its size), hot-plugged ranges, machine-check addresses and
 * pointers in registers move together, so that a range or address inside another one stays inside it.
 */
export function* lowerAddresses(input: Case): Generator<Case> {
  const points = breakpoints(input);
  for (let at = points.length - 1; at >= 0; at--) {
    const start = at === 0 ? 0 : (points[at - 1] ?? 0);
    const width = (points[at] ?? 0) - start;
    for (const left of smallerWidths(width)) {
      const lower = excise(input, start + left, width - left);
      if (isWhole(lower)) yield lower;
    }
  }
}

/** One region changed alone: rounded to GiB, outwards, then inwards; cut to 1 GiB; a CMR set to a memory block's range. */
export function* roundRegions(input: Case): Generator<Case> {
  const { memory, cmrs } = input.platform;
  for (const [index, block] of memory.entries()) {
    for (const range of rounded(block))
      yield withPlatform(input, { memory: memory.with(index, { ...block, ...range }) });
  }
  for (const [index, cmr] of cmrs.entries()) {
    for (const range of [...rounded(cmr), ...memory]) {
      yield withPlatform(input, { cmrs: cmrs.with(index, { base: range.base, size: range.size }) });
    }
  }
}

/** All regions rounded inwards to multiples of one unit, the largest first: such numbers are easy to compare. */
export function* roundAllRegions(input: Case): Generator<Case> {
  const { memory, cmrs } = input.platform;
  for (const unit of ROUND_UNITS) {
    const inwards = <T extends AddressRange>(range: T): T => {
      const base = Math.ceil(range.base / unit) * unit;
      return { ...range, base, size: Math.floor((range.base + range.size) / unit) * unit - base };
    };
    const shrunk = { memory: memory.map(inwards), cmrs: cmrs.map((cmr) => (cmr.size === 0 ? cmr : inwards(cmr))) };
    const vanished =
      shrunk.memory.some(({ size }) => size <= 0) ||
      shrunk.cmrs.some(({ size }, index) => size <= 0 && cmrs[index]?.size !== 0);
    if (!vanished) yield withPlatform(input, shrunk);
  }
}

/** Two neighbours merged into one region, which also covers the gap between them. */
export function* mergeNeighbours(input: Case): Generator<Case> {
  const { memory, cmrs } = input.platform;
  for (const merged of neighbours(memory)) yield withPlatform(input, { memory: merged });
  for (const merged of neighbours(cmrs)) yield withPlatform(input, { cmrs: merged });
}

function* neighbours<T extends AddressRange>(list: readonly T[]): Generator<readonly T[]> {
  for (const [index, region] of list.entries()) {
    const next = list[index + 1];
    if (next === undefined || next.base < region.base + region.size) continue;
    yield list.toSpliced(index, 2, { ...region, size: next.base + next.size - region.base });
  }
}

/** Smaller widths to try in place of `width`. A width of whole GiB is replaced by whole GiB only, for readability. */
function smallerWidths(width: number): readonly number[] {
  const halfGIB = Math.floor(width / 2 / GIB) * GIB;
  const widths = [0, GIB, 2 * GIB, 4 * GIB, halfGIB, Math.floor(width / GIB) * GIB];
  if (width % GIB !== 0) widths.push(MIB_2, Math.floor(width / MIB_2) * MIB_2);
  if (width % MIB_2 !== 0) widths.push(PAGE_4K, Math.floor(width / PAGE_4K) * PAGE_4K);
  return [...new Set(widths)].filter((left) => left < width);
}

function* rounded({ base, size }: AddressRange): Generator<AddressRange> {
  const end = base + size;
  const [down, up] = [Math.floor(base / GIB) * GIB, Math.ceil(base / GIB) * GIB];
  yield { base: down, size: Math.ceil(end / GIB) * GIB - down };
  if (up < Math.floor(end / GIB) * GIB) yield { base: up, size: Math.floor(end / GIB) * GIB - up };
  if (size > GIB) yield { base, size: GIB };
}

function breakpoints({ platform, events }: Case): readonly number[] {
  const points = new Set<number>();
  const add = ({ base, size }: AddressRange): void => {
    points.add(base).add(base + size);
  };
  for (const region of platform.memory) add(region);
  for (const region of platform.cmrs) add(region);
  for (const event of events) {
    if (event.kind === 'memory-add' || event.kind === 'memory-remove') add(event);
    if (event.kind === 'machine-check') points.add(event.address);
  }
  return [...points].sort((a, b) => a - b);
}

/** False without memory or with an empty hotplugged range: that would be a different case, not a smaller one. */
function isWhole({ platform, events }: Case): boolean {
  return platform.memory.length > 0 && events.every((event) => !('size' in event) || event.size > 0);
}

/** The case without the addresses [start, start + length): everything above moves down. */
function excise(input: Case, start: number, length: number): Case {
  const end = start + length;
  const slide = (address: number): number => {
    if (address <= start) return address;
    return address >= end ? address - length : start;
  };
  const cut = <T extends AddressRange>(range: T): T => {
    const base = slide(range.base);
    return { ...range, base, size: slide(range.base + range.size) - base };
  };
  const top = breakpoints(input).at(-1) ?? 0;
  const pointer = (value: U64): U64 => {
    return typeof value === 'number' && value >= PAGE_4K && value < top && value % PAGE_4K === 0 ? slide(value) : value;
  };
  const { platform } = input;
  return {
    ...input,
    platform: {
      ...platform,
      // A region cut to size 0 is removed; one that was empty before is part of the test.
      memory: platform.memory.map(cut).filter(({ size }, index) => size > 0 || platform.memory[index]?.size === 0),
      cmrs: platform.cmrs.map(cut).filter(({ size }, index) => size > 0 || platform.cmrs[index]?.size === 0),
      // Moved, but not cut: a rule of its own restricts its size (32 MiB to 1 GiB).
      seamrr: platform.seamrr === null ? null : { ...platform.seamrr, base: slide(platform.seamrr.base) },
    },
    events: input.events.map((event): Event => {
      if (event.kind === 'memory-add' || event.kind === 'memory-remove') return cut(event);
      if (event.kind === 'machine-check') return { ...event, address: slide(event.address) };
      if (event.kind !== 'seamcall') return event;
      return { ...event, rcx: pointer(event.rcx), rdx: pointer(event.rdx), r8: pointer(event.r8) };
    }),
  };
}
