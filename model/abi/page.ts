/** Page and block sizes in bytes, and the types a page can have in the PAMT (TDX Module ABI specification, "PAGE_TYPE"). */
export const PAGE_4K = 4096;
export const PAGE_2M = 2 * 1024 * 1024;
export const PAGE_1G = 1024 * 1024 * 1024;

/** Bytes of a PAMT entry, of each of the three sizes. */
export const PAMT_ENTRY_SIZE = 16;

export const PAGE_TYPE = {
  NDA: 0,
  RSVD: 1,
  REG: 3,
  TDR: 4,
  TDCX: 5,
  TDVPR: 6,
} as const satisfies Record<string, number>;

/** Levels as they stand in the details of PAMT errors. */
export const LEVEL_4K = 0;
export const LEVEL_2M = 1;
export const LEVEL_1G = 2;
