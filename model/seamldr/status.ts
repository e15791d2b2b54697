import type { U64 } from '../abi/u64.ts';

/**
 * P-SEAMLDR completion codes: bit 63 is the error, bits 23:16 the class. Nothing like the module's layout.
 * Source: Intel P-SEAMLDR, pseamldr_api_defs.h.
 */
export const SEAMLDR_STATUS = {
  SUCCESS: 0,
  /** Unknown leaf, or an operand or parameter page is wrong. */
  EBADPARAM: 0x8000000000000000n,
  /** INSTALL: on an LP that has had its turn, or with a shutdown under way. SHUTDOWN: the last call, on a wrong LP. */
  EBADCALL: 0x8000000000000003n,
} as const satisfies Record<string, U64>;

/** RAX of the leaves. */
export const SEAMLDR_LEAF = {
  INFO: 0x8000000000000000n,
  INSTALL: 0x8000000000000001n,
  SHUTDOWN: 0x8000000000000002n,
  SEAMINFO: 0x8000000000000003n,
} as const satisfies Record<string, U64>;
