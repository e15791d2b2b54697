import { GIB, MIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { MemoryBlock } from '../../model/platform/platform.ts';
import { drawWildAddress } from './cmr.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/** Shapes of a memory map; all legal: inside the CMRs, ascending, disjoint. */
export interface MemoryShape {
  /** Number of holes cut into one block, each a page or more; 16 in one GiB exhaust a TDMR's reserved areas. */
  readonly holes: number;
  /** One block is split into two adjacent ones (different node, or different flags in memblock). */
  readonly split: boolean;
  /** The page allocator does not get part of one CMR: room for hot-add inside the CMRs. */
  readonly room: boolean;
}

/** One block per CMR, on the node of its CMR, then modified as `shape` requires. Memory below 4 GiB is on node 0. */
export function drawMemory(random: Random, cmrs: readonly AddressRange[], shape: MemoryShape): MemoryBlock[] {
  const blocks: MemoryBlock[] = [];
  if (chance(random, 15)) blocks.push({ base: PAGE_4K, size: 0x9e000, node: 0 });
  const first = blocks.length;
  let node = 0;
  let end = 0;
  for (const { base, size } of cmrs) {
    if (size === 0) continue;
    // A CMR that continues its predecessor is the same memory, on the same node.
    const last = blocks.at(-1);
    if (base === end && last !== undefined)
      blocks[blocks.length - 1] = { base: last.base, size: last.size + size, node: last.node };
    else blocks.push({ base, size, node: base < 4 * GIB ? 0 : node++ });
    end = base + size;
  }
  if (shape.room) leaveRoom(random, blocks, first);
  if (chance(random, 25)) trimEnd(random, blocks, first);
  if (shape.split) splitBlock(random, blocks, first);
  if (shape.holes > 0) cutHoles(random, blocks, first, shape.holes);
  return blocks;
}

function pickBlock(random: Random, blocks: readonly MemoryBlock[], first: number): number {
  return random.nextInt(first, blocks.length - 1);
}

/** Takes at least 128 MiB (the granule of memory hotplug) off a block's end. */
function leaveRoom(random: Random, blocks: MemoryBlock[], first: number): void {
  const at = pickBlock(random, blocks, first);
  const block = blocks[at];
  const room = random.nextInt(1, 4) * 128 * MIB;
  if (block === undefined || block.size <= room + 128 * MIB) return;
  blocks[at] = { base: block.base, size: block.size - room, node: block.node };
}

/** Shortens a block by the pages, or bytes, that firmware keeps at its end. */
function trimEnd(random: Random, blocks: MemoryBlock[], first: number): void {
  const at = pickBlock(random, blocks, first);
  const block = blocks[at];
  if (block === undefined) return;
  const trim = chance(random, 80) ? random.nextInt(1, 0x200) * PAGE_4K : random.nextInt(1, PAGE_4K - 1);
  if (block.size > 2 * trim) blocks[at] = { base: block.base, size: block.size - trim, node: block.node };
}

function splitBlock(random: Random, blocks: MemoryBlock[], first: number): void {
  const at = pickBlock(random, blocks, first);
  const block = blocks[at];
  if (block === undefined || block.size < 4 * PAGE_4K) return;
  const head = chance(random, 50)
    ? roundDown(block.size / 2, 128 * MIB) || PAGE_4K
    : random.nextInt(1, Math.floor(block.size / PAGE_4K) - 1) * PAGE_4K;
  const node = chance(random, 60) ? block.node + 1 : block.node;
  blocks.splice(
    at,
    1,
    { base: block.base, size: head, node: block.node },
    { base: block.base + head, size: block.size - head, node },
  );
}

function roundDown(value: number, unit: number): number {
  return Math.floor(value / unit) * unit;
}

/** Cuts `holes` page-aligned holes into the first GiB, at most, of one block. */
function cutHoles(random: Random, blocks: MemoryBlock[], first: number, holes: number): void {
  const at = pickBlock(random, blocks, first);
  const block = blocks[at];
  if (block === undefined) return;
  const span = block.size < GIB ? block.size : GIB;
  const stride = roundDown(span / (holes + 1), PAGE_4K);
  if (stride < 4 * PAGE_4K) return;
  const pieces: MemoryBlock[] = [];
  let base = block.base;
  const end = block.base + block.size;
  for (let hole = 1; hole <= holes; hole += 1) {
    const holeBase = block.base + hole * stride;
    pieces.push({ base, size: holeBase - base, node: block.node });
    base = holeBase + random.nextInt(1, 3) * PAGE_4K;
  }
  pieces.push({ base, size: end - base, node: block.node });
  blocks.splice(at, 1, ...pieces);
}

/** Adds memory that BIOS reports to the kernel but not in a CMR: right after the last CMR or block, or farther up. */
export function addMemoryOutsideCMRs(random: Random, blocks: MemoryBlock[], cmrs: readonly AddressRange[]): void {
  let end = 0;
  for (const { base, size } of cmrs) if (base + size > end) end = base + size;
  const last = blocks.at(-1);
  if (last !== undefined && last.base + last.size > end) end = last.base + last.size;
  const base = chance(random, 40)
    ? Math.ceil(end / PAGE_4K) * PAGE_4K
    : Math.ceil(end / GIB) * GIB + random.nextInt(0, 4) * GIB;
  blocks.push({ base, size: pick(random, [PAGE_4K, 128 * MIB, GIB]), node: last?.node ?? 0 });
}

/** Ascending blocks of any base and size, up to twelve, without regard to CMRs. */
export function drawWildMemory(random: Random): MemoryBlock[] {
  const count = random.nextInt(0, chance(random, 90) ? 6 : 12);
  const blocks: MemoryBlock[] = [];
  let end = 0;
  for (let index = 0; index < count; index += 1) {
    const base = end + (chance(random, 30) ? 0 : drawWildAddress(random) % (8 * GIB));
    const size = 1 + (drawWildAddress(random) % (6 * GIB));
    blocks.push({ base, size, node: random.nextInt(0, 3) });
    end = base + size;
  }
  return blocks;
}
