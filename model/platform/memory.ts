import type { U64 } from '../abi/u64.ts';

/**
 * Physical memory, sparse: 8-byte little-endian words. A word never written reads as zero.
 * PAMT contents are not here (the module keeps them abstractly); pages handed over through memory (TDMR_INFO, CMR
 * arrays, TDSYSINFO) are.
 */
export interface PhysicalMemory {
  /**
   * Block number (address / 512) to the first of its 64 words, those missing being zero: no structure the module reads
   * is longer or crosses a block.
   */
  readonly blocks: Map<number, U64[]>;
  /** The block that was written to last, -1 for none, and its words: a structure is written word after word. */
  recent: number;
  recentWords: U64[];
}

// Captured once: under Jest every mention of a global crosses a VM context. A division by a power of two is exact, and
// far cheaper than a remainder of two floating-point numbers, which is what addresses above 2 GiB are.
const floor = Math.floor;

const BLOCK_SIZE = 512;
export const BLOCK_WORDS = 64;
/**
 * What a block begins with: most have no more in them. Once an array has had a bigint in it, it can hold whatever a word
 * can be; one that has had only small numbers would be made over when the first address comes.
 */
const FIRST_WORDS: readonly U64[] = new Array<U64>(12).fill(0n).fill(0);

const NO_WORDS: U64[] = [];

export function createMemory(): PhysicalMemory {
  return { blocks: new Map(), recent: -1, recentWords: NO_WORDS };
}

/** Reads the word at `address` (bytes, 8-byte aligned). */
export function readWord(memory: PhysicalMemory, address: number): U64 {
  const block = floor(address / BLOCK_SIZE);
  return memory.blocks.get(block)?.[(address - block * BLOCK_SIZE) / 8] ?? 0;
}

/** The words of the 512-byte block at `address` (bytes, 512-byte aligned), to read only; those missing are zero. */
export function readBlock(memory: PhysicalMemory, address: number): readonly U64[] {
  return memory.blocks.get(address / BLOCK_SIZE) ?? FIRST_WORDS;
}

/** Writes the word at `address` (bytes, 8-byte aligned). */
export function writeWord(memory: PhysicalMemory, address: number, value: U64): void {
  const block = floor(address / BLOCK_SIZE);
  const at = (address - block * BLOCK_SIZE) / 8;
  if (block === memory.recent) {
    memory.recentWords[at] = value;
    return;
  }
  const words = memory.blocks.get(block) ?? (value === 0 ? undefined : createBlock(memory, block));
  if (words === undefined) return;
  words[at] = value;
  memory.recent = block;
  memory.recentWords = words;
}

/** Writes `words` from `address` on (bytes, 8-byte aligned). */
export function writeWords(memory: PhysicalMemory, address: number, words: readonly U64[]): void {
  let offset = (address % BLOCK_SIZE) / 8;
  let number = (address - (address % BLOCK_SIZE)) / BLOCK_SIZE;
  let block = memory.blocks.get(number) ?? createBlock(memory, number);
  for (let index = 0; index < words.length; index += 1) {
    if (offset === BLOCK_WORDS) {
      offset = 0;
      number += 1;
      block = memory.blocks.get(number) ?? createBlock(memory, number);
    }
    block[offset] = words[index] ?? 0;
    offset += 1;
  }
}

/** Zeroes `size` bytes from `base`; both multiples of 8. */
export function zeroRange(memory: PhysicalMemory, base: number, size: number): void {
  const { blocks } = memory;
  const first = floor(base / BLOCK_SIZE);
  const end = base + size;
  // Whichever is less: the blocks there are, or those of the range.
  if (blocks.size <= size / BLOCK_SIZE) {
    for (const block of blocks.keys())
      if (block >= first && block * BLOCK_SIZE < end) zeroInBlock(memory, block, base, end);
  } else for (let block = first; block * BLOCK_SIZE < end; block += 1) zeroInBlock(memory, block, base, end);
}

/** Zeroes what of [base, end) lies in one block. */
function zeroInBlock(memory: PhysicalMemory, block: number, base: number, end: number): void {
  const { blocks } = memory;
  const from = base - block * BLOCK_SIZE;
  const to = end - block * BLOCK_SIZE;
  if (from <= 0 && to >= BLOCK_SIZE) {
    blocks.delete(block);
    if (memory.recent === block) memory.recent = -1;
  } else blocks.get(block)?.fill(0, from <= 0 ? 0 : from / 8, to >= BLOCK_SIZE ? BLOCK_WORDS : to / 8);
}

function createBlock(memory: PhysicalMemory, block: number): U64[] {
  const words = FIRST_WORDS.slice();
  memory.blocks.set(block, words);
  return words;
}
