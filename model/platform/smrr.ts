import { MIB } from '../abi/size.ts';
import type { AddressRange } from '../abi/range.ts';
import type { SMRR } from './hardware.ts';

const TWO_32 = 2 ** 32;
const SIZE = 8 * MIB;
/** Where the recorded machines have it. */
const USUAL_BASE = 0x7f000000;
/** IA32_SMRR_PHYSBASE bits 2:0: write-back. */
const WRITE_BACK = 6;

function touches(range: AddressRange, base: number): boolean {
  return range.base < base + SIZE && base < range.base + range.size;
}

function isFree(cmrs: readonly AddressRange[], seamrr: AddressRange | null, base: number): boolean {
  if (seamrr !== null && touches(seamrr, base)) return false;
  for (const cmr of cmrs) if (touches(cmr, base)) return false;
  return true;
}

/**
 * The SMRR of a healthy machine: 8 MiB, locked and valid, outside every CMR and the SEAMRR: at the usual place, else
 * at the highest free place below 4 GiB, else at the usual place all the same (TDH.SYS.INIT then complains).
 */
export function healthySMRR(cmrs: readonly AddressRange[], seamrr: AddressRange | null): SMRR {
  let base = USUAL_BASE;
  if (!isFree(cmrs, seamrr, base)) {
    base = TWO_32 - SIZE;
    while (base > 0 && !isFree(cmrs, seamrr, base)) base -= SIZE;
    if (base === 0) base = USUAL_BASE;
  }
  return { base: base + WRITE_BACK, mask: TWO_32 - SIZE, lock: 1, valid: 1 };
}
