import type { AddressRange } from './range.ts';
import type { U64 } from './u64.ts';

/**
 * TDMR_INFO as TDH.SYS.CONFIG reads it: 40 words of 8 bytes used, 512-byte aligned (TDX Module ABI specification,
 * "TDMR_INFO"). Offsets of reserved areas are relative to the TDMR's base; unused areas are zero.
 */
export interface TDMRInfo {
  readonly base: number;
  readonly size: number;
  readonly pamt1G: AddressRange;
  readonly pamt2M: AddressRange;
  readonly pamt4K: AddressRange;
  /** At most 16; `base` is the offset. */
  readonly reserved: readonly AddressRange[];
}

export const TDMR_COUNT_MAX = 64;
export const TDMR_RESERVED_MAX = 16;
/** Bytes between two TDMR_INFO structures, and the alignment of each and of the array of their addresses. */
export const TDMR_INFO_ALIGNMENT = 512;
export const TDMR_INFO_WORDS = 8 + 2 * TDMR_RESERVED_MAX;

/** Word indices within TDMR_INFO. */
export const TDMR_WORD = { BASE: 0, SIZE: 1, PAMT_1G: 2, PAMT_2M: 4, PAMT_4K: 6, RESERVED: 8 } as const;

/** The words of a TDMR_INFO, trailing zeroes left out. */
export function encodeTDMRInfo(tdmr: TDMRInfo): U64[] {
  const { base, size, pamt1G, pamt2M, pamt4K, reserved } = tdmr;
  const words: U64[] = [base, size, pamt1G.base, pamt1G.size, pamt2M.base, pamt2M.size, pamt4K.base, pamt4K.size];
  for (const area of reserved) words.push(area.base, area.size);
  return words;
}
