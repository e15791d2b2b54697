import type { MemoryBlock } from './platform.ts';

/**
 * A memory map as firmware's e820 becomes memblock: ascending by address, and where entries overlap the earlier one
 * keeps what both claim. Touching entries stay apart, as the init flow sees them. Empty ones vanish.
 * Source: memblock_add_range(), mm/memblock.c.
 */
export function asMemblock(memory: readonly MemoryBlock[]): readonly MemoryBlock[] {
  if (isOrdered(memory)) return memory;
  const sorted = memory.slice().sort((a, b) => a.base - b.base);
  const result: MemoryBlock[] = [];
  let end = 0;
  for (const block of sorted) {
    const base = block.base < end ? end : block.base;
    const blockEnd = block.base + block.size;
    if (blockEnd <= base) continue;
    result.push({ base, size: blockEnd - base, node: block.node });
    end = blockEnd;
  }
  return result;
}

function isOrdered(memory: readonly MemoryBlock[]): boolean {
  let end = 0;
  for (const { base, size } of memory) {
    if (base < end || size === 0) return false;
    end = base + size;
  }
  return true;
}
