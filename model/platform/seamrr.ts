import { MIB, PHYSICAL_END } from '../abi/size.ts';
import { isAligned } from '../abi/align.ts';
import type { AddressRange } from '../abi/range.ts';

/** Its enable and lock state are per core: an LP enters SEAM only where this core's registers are valid. */
export const SEAMRR_BASE_MSR = 0x1400;
export const SEAMRR_MASK_MSR = 0x1401;

/** IA32_SEAMRR_PHYS_BASE bit 3: BIOS configured the range. */
const CONFIGURED = 0x8;
/** IA32_SEAMRR_PHYS_MASK bits 10 and 11: locked, valid. */
const LOCKED_AND_VALID = 0xc00;
const VALID = 0x800;

const SEAMRR_GRANULARITY = 32 * MIB;
const SEAMRR_SIZE_MAX = 1024 * MIB;

export type SEAMRRRule =
  /** BIOS left SEAM off. */
  | 'seamrr-absent'
  /** Its base is not a multiple of 32 MiB. */
  | 'seamrr-unaligned'
  /** Not a power of two (the mask register can express nothing else) from 32 MiB to 1 GiB. */
  | 'seamrr-size'
  /** Not the same on every core. */
  | 'seamrr-differs';

/** The first rule the proposed range breaks by itself; whether all cores agree is MCHECK's business. */
export function brokenSEAMRRRule(seamrr: AddressRange | null): SEAMRRRule | null {
  if (seamrr === null) return 'seamrr-absent';
  if (!isAligned(seamrr.base, SEAMRR_GRANULARITY)) return 'seamrr-unaligned';
  let size = SEAMRR_GRANULARITY;
  while (size < seamrr.size && size < SEAMRR_SIZE_MAX) size *= 2;
  return size === seamrr.size ? null : 'seamrr-size';
}

/** The mask that says how many address bits above the range must match: 2^52 - size. */
export function seamrrMask(seamrr: AddressRange): number {
  return PHYSICAL_END - seamrr.size;
}

/** What RDMSR 0x1400 answers on a core whose SEAMRR is configured. */
export function seamrrBaseMSR(seamrr: AddressRange): number {
  return seamrr.base + CONFIGURED;
}

/** What RDMSR 0x1401 answers on a core whose SEAMRR is locked and valid. */
export function seamrrMaskMSR(seamrr: AddressRange): number {
  return seamrrMask(seamrr) + LOCKED_AND_VALID;
}

/** True if a value of MSR 0x1401 marks the range as valid (bit 11); `low` is the value's bits 31:0. */
export function isSEAMRRValid(low: number): boolean {
  return (low & VALID) !== 0;
}
