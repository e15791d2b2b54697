import type { CMRInfo } from '../abi/cmr-info.ts';
import { MSR } from '../abi/msr.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import { lowHalf } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { readMSR } from '../platform/msr.ts';
import { type Refusal, refusal } from './outcome.ts';

const CAP_SMRR = 1 << 11;
const CAP_SMRR2 = 1 << 13;
const CAP_SMRR_LOCK = 1 << 14;
const MASK_LOCK = 1 << 10;
const MASK_VALID = 1 << 11;
const TWO_32 = 2 ** 32;

const NO_SMRR = refusal(STATUS.TDX_SMRR_NOT_SUPPORTED, 'IA32_MTRRCAP: no SMRR');
const NO_SMRR_LOCK = refusal(STATUS.TDX_SMRR_LOCK_NOT_SUPPORTED, 'IA32_MTRRCAP: SMRR cannot be locked');

/** True if this machine has a second SMRR that the module has to look at. */
export function hasSMRR2(hardware: Hardware, lp: number): boolean {
  return !hardware.loader.smrr2NotSupported && (lowHalf(readMSR(hardware, lp, MSR.IA32_MTRRCAP)) & CAP_SMRR2) !== 0;
}

/**
 * SMRRs must exist, be locked, be well formed and stay clear of the CMRs; those that are not valid (V = 0) only have to
 * be locked. Source: recorded cases init-smrr*, init-msr-fe.
 */
export function verifySMRR(hardware: Hardware, lp: number): Refusal | null {
  const capabilities = lowHalf(readMSR(hardware, lp, MSR.IA32_MTRRCAP));
  if ((capabilities & CAP_SMRR) === 0) return NO_SMRR;
  if ((capabilities & CAP_SMRR_LOCK) === 0) return NO_SMRR_LOCK;
  const count = hasSMRR2(hardware, lp) ? 2 : 1;
  for (let index = 0; index < count; index += 1) {
    if ((maskOf(hardware, lp, index) & MASK_LOCK) === 0)
      return refusal(withDetails(STATUS.TDX_SMRR_NOT_LOCKED, index), 'SMRR not locked');
  }
  for (let index = 0; index < count; index += 1) {
    const failure = verifyOne(hardware, lp, index);
    if (failure !== null) return failure;
  }
  return null;
}

function verifyOne(hardware: Hardware, lp: number, index: number): Refusal | null {
  const raw = maskOf(hardware, lp, index);
  if ((raw & MASK_VALID) === 0) return null;
  const mask = (raw & 0xfffff000) >>> 0;
  const base =
    (lowHalf(readMSR(hardware, lp, index === 0 ? MSR.IA32_SMRR_BASE : MSR.IA32_SMRR2_BASE)) & 0xfffff000) >>> 0;
  // A contiguous mask 31:n is a power of two away from 2^32.
  const size = TWO_32 - mask;
  if (mask === 0 || (size & (size - 1)) !== 0 || (base & (size - 1)) !== 0) {
    return refusal(
      withDetails(STATUS.TDX_INVALID_SMRR_CONFIGURATION, index),
      'SMRR mask not contiguous or base not aligned to it',
    );
  }
  for (const [slot, cmr] of hardware.loader.cmrs.entries()) {
    if (overlapsCMR(cmr, base, size))
      return refusal(withDetails(STATUS.TDX_SMRR_OVERLAPS_CMR, index + slot * 0x100), 'SMRR overlaps a CMR');
  }
  return null;
}

/** The list was found valid before: bases and sizes of real CMRs are numbers. */
function overlapsCMR(cmr: CMRInfo, base: number, size: number): boolean {
  if (typeof cmr.base !== 'number' || typeof cmr.size !== 'number' || cmr.size === 0) return false;
  return cmr.base < base + size && base < cmr.base + cmr.size;
}

function maskOf(hardware: Hardware, lp: number, index: number): number {
  return lowHalf(readMSR(hardware, lp, index === 0 ? MSR.IA32_SMRR_MASK : MSR.IA32_SMRR2_MASK));
}
