import type { U64 } from '../abi/u64.ts';

/**
 * Physical memory, sparse: 8-byte little-endian words by page. A word never written reads as zero.
 * PAMT contents are not here (the module keeps them abstractly); pages handed over through memory (TDMR_INFO, CMR
 * arrays, TDSYSINFO) are.
 */
export interface PhysicalMemory {
  /** 4 KiB page number to its 512 words. */
  readonly pages: Map<number, U64[]>;
}

export function createMemory(): PhysicalMemory {
  return { pages: new Map() };
}

/** Reads the word at `address` (bytes, 8-byte aligned). */
export function readWord(memory: PhysicalMemory, address: number): U64 {
  const offset = address % 4096;
  return memory.pages.get((address - offset) / 4096)?.[offset / 8] ?? 0;
}

const ZERO_PAGE: readonly U64[] = new Array<U64>(512).fill(0);

/** The 512 words of the page `address` lies in, to read only. */
export function pageWords(memory: PhysicalMemory, address: number): readonly U64[] {
  return memory.pages.get((address - (address % 4096)) / 4096) ?? ZERO_PAGE;
}

/** Writes the word at `address` (bytes, 8-byte aligned). */
export function writeWord(memory: PhysicalMemory, address: number, value: U64): void {
  const offset = address % 4096;
  const page = (address - offset) / 4096;
  let words = memory.pages.get(page);
  if (words === undefined) {
    if (value === 0) return;
    words = new Array<U64>(512).fill(0);
    memory.pages.set(page, words);
  }
  words[offset / 8] = value;
}

/** Zeroes `size` bytes from `base`; both multiples of 8. */
export function zeroRange(memory: PhysicalMemory, base: number, size: number): void {
  for (let address = base; address < base + size; ) {
    const offset = address % 4096;
    const stretch = 4096 - offset < base + size - address ? 4096 - offset : base + size - address;
    if (stretch === 4096) memory.pages.delete(address / 4096);
    else memory.pages.get((address - offset) / 4096)?.fill(0, offset / 8, (offset + stretch) / 8);
    address += stretch;
  }
}
