import type { U64 } from './u64.ts';

/** One CMR_INFO entry: base and size as two 64-bit words (TDX Module ABI specification, "CMR_INFO"). */
export interface CMRInfo {
  readonly base: U64;
  readonly size: U64;
}

/** Slots of the CMR_INFO array (MAX_CMRS), and bytes of an entry. The array is 512-byte aligned. */
export const CMR_COUNT_MAX = 32;
export const CMR_INFO_SIZE = 16;
