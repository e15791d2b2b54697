import { MSR } from '../abi/msr.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { highHalf, lowHalf } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { readMSR } from '../platform/msr.ts';
import { type Death, death, type Refusal, refusal } from './outcome.ts';

/**
 * The VMX capability MSRs as TDH.SYS.INIT judges them. A control MSR (low half: must be 1, high half: may be 1) passes
 * if every must-be-1 bit is in INIT or UNKNOWN, every INIT bit may be 1, and no VARIABLE bit is forced either way.
 * Source: public source of TDX module 1.5.01; recorded cases init-msr-0x48*.
 */
interface ControlRule {
  readonly msr: number;
  readonly init: number;
  readonly variable: number;
  readonly unknown: number;
  readonly refusal: Refusal;
}

function incorrectMSR(msr: number): Refusal {
  return refusal(
    withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, msr),
    'VMX capability MSR: a control TDX needs is missing or forced',
  );
}

const CONTRADICTION = death('VMX capability MSR: a bit must be 1 and may not be 1');

function rule(msr: number, init: number, variable: number, unknown: number): ControlRule {
  return { msr, init, variable, unknown, refusal: incorrectMSR(msr) };
}

const PIN = rule(MSR.IA32_VMX_TRUE_PINBASED_CTLS, 0x29, 0x80, 0xffffff16);
const PROC = rule(MSR.IA32_VMX_TRUE_PROCBASED_CTLS, 0x91220088, 0x20400c00, 0x4046173);
const PROC2 = rule(MSR.IA32_VMX_PROCBASED_CTLS2, 0x133cb3fa, 0xcc000400, 0);
const EXIT = rule(MSR.IA32_VMX_TRUE_EXIT_CTLS, 0x1f3c8204, 0x40001000, 0x36dfb);
const ENTRY = rule(MSR.IA32_VMX_TRUE_ENTRY_CTLS, 0x3ec004, 0x402200, 0xff8011fb);

/** The second pass, for nested VMs. */
const NESTED_PIN = rule(MSR.IA32_VMX_TRUE_PINBASED_CTLS, 0x29, 0, 0xffffff16);
const NESTED_PROC = rule(MSR.IA32_VMX_TRUE_PROCBASED_CTLS, 0x91220088, 0x68d81e04, 0x4046173);
const NESTED_PROC2 = rule(MSR.IA32_VMX_PROCBASED_CTLS2, 0x1338b3fa, 0xc513e0c, 0);

const PROC3_NEEDED = 0x80 | 0x20;
const NESTED_PROC3_NEEDED = 0x80 | 0x2e;
const CR0_INIT = 0x21;
const CR4_INIT = 0x2040;
const NESTED_CR0_VARIABLE = 0x8005001f;
const WAITPKG_BIT = 1 << 26;
const ENCLV_BIT = 1 << 28;
/** Bits 0 and 31 of CR0 (PE, PG) are the CPU's own business. */
const CR0_IGNORED = 0x80000001;

const INCORRECT_480 = incorrectMSR(MSR.IA32_VMX_BASIC);
const INCORRECT_485 = incorrectMSR(MSR.IA32_VMX_MISC);
const INCORRECT_486 = incorrectMSR(MSR.IA32_VMX_CR0_FIXED0);
const INCORRECT_487 = incorrectMSR(MSR.IA32_VMX_CR0_FIXED1);
const INCORRECT_488 = incorrectMSR(MSR.IA32_VMX_CR4_FIXED0);
const INCORRECT_489 = incorrectMSR(MSR.IA32_VMX_CR4_FIXED1);
const INCORRECT_48C = incorrectMSR(MSR.IA32_VMX_EPT_VPID_CAP);
const INCORRECT_492 = incorrectMSR(MSR.IA32_VMX_PROCBASED_CTLS3);

/** All VMX MSRs in the module's order; `waitpkg` is CPUID.7.0:ECX[5]. */
export function verifyVMX(hardware: Hardware, lp: number, waitpkg: boolean): Refusal | Death | null {
  if (!isBasicGood(readMSR(hardware, lp, MSR.IA32_VMX_BASIC))) return INCORRECT_480;
  const failure = verifyControls(hardware, lp, waitpkg, PIN, PROC, PROC2, PROC3_NEEDED);
  if (failure !== null) return failure;
  if (!isMiscGood(lowHalf(readMSR(hardware, lp, MSR.IA32_VMX_MISC)))) return INCORRECT_485;
  if (!hasEPTCapabilities(readMSR(hardware, lp, MSR.IA32_VMX_EPT_VPID_CAP))) return INCORRECT_48C;

  const cr0Fixed0 = readMSR(hardware, lp, MSR.IA32_VMX_CR0_FIXED0);
  const cr0Fixed1 = readMSR(hardware, lp, MSR.IA32_VMX_CR0_FIXED1);
  const cr0MustBeOne = lowHalf(cr0Fixed0) & ~CR0_IGNORED;
  if (highHalf(cr0Fixed0) !== 0 || (cr0MustBeOne & ~CR0_INIT) !== 0) return INCORRECT_486;
  if ((CR0_INIT & ~lowHalf(cr0Fixed1)) !== 0) return INCORRECT_487;
  const cr4 = checkCR4(hardware, lp);
  if (cr4 !== null) return cr4;

  const nested = verifyControls(hardware, lp, waitpkg, NESTED_PIN, NESTED_PROC, NESTED_PROC2, NESTED_PROC3_NEEDED);
  if (nested !== null) return nested;
  if ((cr0MustBeOne & NESTED_CR0_VARIABLE) !== 0 || (NESTED_CR0_VARIABLE & ~lowHalf(cr0Fixed1)) !== 0)
    return INCORRECT_486;
  return null;
}

/** Region size at most 2,048 bytes, bits 54 (INS/OUTS information) and 55 (true controls) set. */
function isBasicGood(value: U64): boolean {
  const high = highHalf(value);
  return (high & 0x1fff) <= 2048 && (high & 0xc00000) === 0xc00000;
}

/** Unrestricted guest, HLT, shutdown, PT, VMWRITE to any field; at least four CR3 targets. */
function isMiscGood(low: number): boolean {
  return (low & 0x200040e0) === 0x200040e0 && ((low >>> 16) & 0x1ff) >= 4;
}

/** All of 0x10106334041. */
function hasEPTCapabilities(value: U64): boolean {
  return (highHalf(value) & 0x101) === 0x101 && (lowHalf(value) & 0x06334041) === 0x06334041;
}

function checkCR4(hardware: Hardware, lp: number): Refusal | null {
  const fixed0 = readMSR(hardware, lp, MSR.IA32_VMX_CR4_FIXED0);
  if (highHalf(fixed0) !== 0 || (lowHalf(fixed0) & ~CR4_INIT) !== 0) return INCORRECT_488;
  return (CR4_INIT & ~lowHalf(readMSR(hardware, lp, MSR.IA32_VMX_CR4_FIXED1))) !== 0 ? INCORRECT_489 : null;
}

function verifyControls(
  hardware: Hardware,
  lp: number,
  waitpkg: boolean,
  pin: ControlRule,
  proc: ControlRule,
  proc2: ControlRule,
  proc3Needed: number,
): Refusal | Death | null {
  let failure = checkControl(pin, pin.init, readMSR(hardware, lp, pin.msr));
  if (failure !== null) return failure;
  failure = checkControl(proc, proc.init, readMSR(hardware, lp, proc.msr));
  if (failure !== null) return failure;
  const value = readMSR(hardware, lp, proc2.msr);
  let init = waitpkg ? proc2.init | WAITPKG_BIT : proc2.init;
  if ((highHalf(value) & ENCLV_BIT) === 0) init &= ~ENCLV_BIT;
  failure = checkControl(proc2, init, value);
  if (failure !== null) return failure;
  if ((proc3Needed & ~lowHalf(readMSR(hardware, lp, MSR.IA32_VMX_PROCBASED_CTLS3))) !== 0) return INCORRECT_492;
  failure = checkControl(EXIT, EXIT.init, readMSR(hardware, lp, EXIT.msr));
  if (failure !== null) return failure;
  return checkControl(ENTRY, ENTRY.init, readMSR(hardware, lp, ENTRY.msr));
}

function checkControl(
  { variable, unknown, refusal: wrong }: ControlRule,
  init: number,
  value: U64,
): Refusal | Death | null {
  const mustBeOne = lowHalf(value);
  const mayBeOne = highHalf(value);
  if ((mustBeOne & ~mayBeOne) !== 0) return CONTRADICTION;
  const isWrong =
    (mustBeOne & ~(init | unknown)) !== 0 || (init & ~mayBeOne) !== 0 || (variable & (mustBeOne | ~mayBeOne)) !== 0;
  return isWrong ? wrong : null;
}
