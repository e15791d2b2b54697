import { GIB, MIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import type { MemoryKind } from '../../model/kernel/memory-hotplug.ts';
import type { MemoryBlock } from '../../model/platform/platform.ts';
import { chance, pick } from './draw.ts';
import type { Plan } from './plan.ts';

/** Linux's memory block on x86, in bytes: the unit in which hotplug adds, removes and onlines memory. */
export const BLOCK = 128 * MIB;

const KINDS: readonly MemoryKind[] = ['acpi', 'acpi', 'driver', 'zone-device'];

function add(plan: Plan, base: number, size: number, node: number): void {
  plan.events.push({ kind: 'memory-add', how: pick(plan.random, KINDS), base, size, node });
}

/** End of memory and CMRs in bytes, at least 4 GiB. */
export function topOf(plan: Plan): number {
  let top = 4 * GIB;
  for (const { base, size } of plan.platform.memory) if (base + size > top) top = base + size;
  for (const { base, size } of plan.platform.cmrs) if (base + size > top && base + size < 2 ** 51) top = base + size;
  return top;
}

/** Memory above everything: no CMR covers it (a CXL expander, a DIMM added later). */
export function addOutsideCMRs(plan: Plan): void {
  const base = Math.ceil(topOf(plan) / BLOCK) * BLOCK + plan.random.nextInt(0, 15) * BLOCK;
  add(plan, base, pick(plan.random, [BLOCK, GIB]), 0);
}

/** Memory in a CMR that the page allocator does not have: 128 MiB right after a CMR's last block. */
export function addInsideCMRs(plan: Plan): void {
  const { cmrs, memory } = plan.platform;
  if (cmrs.length === 0) {
    addOutsideCMRs(plan);
    return;
  }
  const cmr = pick(plan.random, cmrs);
  const end = cmr.base + cmr.size;
  let free = cmr.base;
  for (const { base, size } of memory) if (base < end && base + size > free) free = base + size;
  const base = Math.ceil(free / BLOCK) * BLOCK;
  if (base + BLOCK <= end) add(plan, base, BLOCK, 0);
  else addOutsideCMRs(plan);
}

/** The index of a block that begins where its predecessor ends; -1 if there is none. */
function anyTouchingBlock({ random, platform: { memory } }: Plan): number {
  const start = memory.length < 2 ? 0 : random.nextInt(0, memory.length - 1);
  for (let step = 0; step < memory.length; step += 1) {
    const index = (start + step) % memory.length;
    const before = index === 0 ? undefined : memory[index - 1];
    if (before !== undefined && before.base + before.size === memory[index]?.base) return index;
  }
  return -1;
}

function anyBlock(plan: Plan): MemoryBlock | undefined {
  const { memory } = plan.platform;
  return memory.length === 0 ? undefined : pick(plan.random, memory);
}

/**
 * Takes memory offline and brings the same range back: where two blocks are adjacent, usually a range across their
 * boundary; else one inside a block.
 */
export function reonline(plan: Plan): void {
  const { random } = plan;
  const { memory } = plan.platform;
  const touching = anyTouchingBlock(plan);
  const before = touching === -1 ? undefined : memory[touching - 1];
  const block = before !== undefined && chance(random, 70) ? memory[touching] : anyBlock(plan);
  if (block === undefined) return;
  const across = before !== undefined && block === memory[touching];
  const size = block.size < BLOCK ? PAGE_4K * Math.max(1, Math.floor(block.size / PAGE_4K)) : BLOCK;
  // PAMTs tend to be at the low end of a block, so the high end is drawn as well.
  const inside = chance(random, 50)
    ? alignUp(block.base, size)
    : block.base + block.size - size - ((block.base + block.size) % PAGE_4K);
  // Clamped: a block of less than a page, or one that begins within the first pages, has no room below.
  const base = Math.max(0, across ? block.base - random.nextInt(1, 64) * PAGE_4K : inside);
  const length = across ? 2 * (block.base - base) : size;
  const how = pick(random, KINDS);
  plan.events.push({ kind: 'memory-remove', how, base, size: length });
  plan.events.push({ kind: 'memory-add', how, base, size: length, node: block.node });
}

function alignUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

export function remove(plan: Plan): void {
  const block = anyBlock(plan);
  if (block === undefined) return;
  const whole = chance(plan.random, 30);
  const base = whole ? block.base : alignUp(block.base, BLOCK);
  plan.events.push({ kind: 'memory-remove', how: pick(plan.random, KINDS), base, size: whole ? block.size : BLOCK });
}

/** Any range: unaligned, empty, crossing blocks and CMRs. */
export function addAnywhere(plan: Plan): void {
  const { random } = plan;
  const base = chance(random, 60) ? random.nextInt(0, 96) * BLOCK : random.nextInt(0, 0x1ffffff) * PAGE_4K;
  const size = pick(random, [0, PAGE_4K, BLOCK, GIB, BLOCK + PAGE_4K, 3 * GIB]);
  add(plan, base, size, random.nextInt(0, 3));
}

/** An address for a reported memory error: in the first 16 MiB of a block (where PAMTs tend to be), or anywhere. */
export function anyAddress(plan: Plan): number {
  const { random } = plan;
  const block = anyBlock(plan);
  if (block === undefined || chance(random, 15)) return random.nextInt(0, 0x7fffff) * PAGE_4K;
  const span = chance(random, 70) ? Math.min(block.size, 16 * MIB) : Math.min(block.size, 64 * GIB);
  return block.base + random.nextInt(0, Math.max(0, Math.floor(span / PAGE_4K) - 1)) * PAGE_4K;
}
