import { PHYSICAL_END } from '../abi/size.ts';
import { alignDown, isAligned } from '../abi/align.ts';
import { MSR } from '../abi/msr.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { highHalf, lowHalf } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { readMSR } from '../platform/msr.ts';
import { type Refusal, refusal } from './outcome.ts';
import type { ModuleState } from './state.ts';

const BIT_WRONG = 'MSR: a bit TDX needs is not as it must be';
const INCORRECT_10A = incorrectMSR(MSR.IA32_ARCH_CAPABILITIES, BIT_WRONG);
const INCORRECT_BD = incorrectMSR(MSR.IA32_XAPIC_DISABLE_STATUS, BIT_WRONG);
const INCORRECT_BC = incorrectMSR(MSR.IA32_MISC_PACKAGE_CTLS, BIT_WRONG);
const INCORRECT_345 = incorrectMSR(MSR.IA32_PERF_CAPABILITIES, BIT_WRONG);
const TME_NOT_LOCKED = incorrectMSR(MSR.IA32_TME_ACTIVATE, 'IA32_TME_ACTIVATE not locked');
const TME_NOT_CAPABLE = incorrectMSR(MSR.IA32_TME_CAPABILITY, 'IA32_TME_CAPABILITY lacks the encryption algorithm');
const TME_NOT_ACTIVE = incorrectMSR(MSR.IA32_TME_ACTIVATE, 'IA32_TME_ACTIVATE lacks the encryption algorithm');
const BLOCKS_DISAGREE = incorrectMSR(MSR.IA32_WBNOINVDP, 'IA32_WBNOINVDP and IA32_WBINVDP disagree');
const TOO_MANY_KEYIDS = refusal(
  withDetails(STATUS.TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED, 0x800),
  'more KeyIDs activated than the module has room for',
);
const SEAMOPS_LACKING = refusal(STATUS.TDX_INCOMPATIBLE_SEAM_CAPABILITIES, 'SEAMOPS lacks SEAMREPORT or SEAMDB');
const HANDOFF_DOES_NOT_FIT = refusal(
  STATUS.TDX_SYS_INCOMPATIBLE_SIGSTRUCT,
  'handoff version or room does not fit this module',
);

const ARCH_CAPABILITIES_SET = 0x20fd6b;
const ARCH_CAPABILITIES_CLEAR = 0x4;
const KEYID_COUNT_MAX = 2048;
const TWO_32 = 2 ** 32;
const HANDOFF_PAGES_MIN = 14;

function incorrectMSR(msr: number, reason: string): Refusal {
  return refusal(withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, msr), reason);
}

/** The MSRs TDH.SYS.INIT looks at before CPUID. Recorded: init-msr-0x10a to -0x345, init-msr-bd, -bc. */
export function verifyFirstMSRs(hardware: Hardware, lp: number): Refusal | null {
  const capabilities = lowHalf(readMSR(hardware, lp, MSR.IA32_ARCH_CAPABILITIES));
  if ((capabilities & (ARCH_CAPABILITIES_SET | ARCH_CAPABILITIES_CLEAR)) !== ARCH_CAPABILITIES_SET)
    return INCORRECT_10A;
  if (readMSR(hardware, lp, MSR.IA32_XAPIC_DISABLE_STATUS) !== 1) return INCORRECT_BD;
  if ((lowHalf(readMSR(hardware, lp, MSR.IA32_MISC_PACKAGE_CTLS)) & 1) === 0) return INCORRECT_BC;
  return (lowHalf(readMSR(hardware, lp, MSR.IA32_PERF_CAPABILITIES)) & 0x2000) === 0 ? INCORRECT_345 : null;
}

/** TME locked and with an algorithm the loader asks for. Recorded: init-msr-0x981, -0x982, init-integrity. */
export function verifyTME(hardware: Hardware, lp: number): Refusal | null {
  const capability = readMSR(hardware, lp, MSR.IA32_TME_CAPABILITY);
  const activate = readMSR(hardware, lp, MSR.IA32_TME_ACTIVATE);
  if ((lowHalf(activate) & 1) === 0) return TME_NOT_LOCKED;
  const withoutIntegrity = hardware.loader.tdxWithoutIntegrity;
  if ((lowHalf(capability) & (withoutIntegrity ? 0x5 : 0xa)) === 0) return TME_NOT_CAPABLE;
  return (highHalf(activate) & (withoutIntegrity ? 0x50000 : 0xa0000)) === 0 ? TME_NOT_ACTIVE : null;
}

/**
 * Takes the KeyID partition (MSR 0x87) and the width of KeyIDs. Sums are 32-bit ones and may wrap, which as a rule
 * leaves no private KeyID. Addresses have 52 bits whatever the CPU has; CPUID.80000008H was checked to agree.
 * Recorded: init-msr-0x87*, keyid-bits*.
 */
export function takeKeyIDs(module: ModuleState, hardware: Hardware, lp: number): Refusal | null {
  const partition = readMSR(hardware, lp, MSR.IA32_MKTME_KEYID_PARTITIONING);
  const shared = lowHalf(partition);
  const last = lowHalf(shared + highHalf(partition));
  module.keyidFirst = lowHalf(shared + 1);
  module.keyidLast = last;
  module.addressEnd = PHYSICAL_END / (1 << (highHalf(readMSR(hardware, lp, MSR.IA32_TME_ACTIVATE)) & 0xf));
  return last < KEYID_COUNT_MAX ? null : TOO_MANY_KEYIDS;
}

/** The two cache write-back MSRs must count the same blocks. Recorded: init-msr-0x98, -0x99. */
export function verifyWriteBackBlocks(hardware: Hardware, lp: number): Refusal | null {
  const same = readMSR(hardware, lp, MSR.IA32_WBNOINVDP) === readMSR(hardware, lp, MSR.IA32_WBINVDP);
  return same ? null : BLOCKS_DISAGREE;
}

/** SEAMOPS capabilities and the loader's handoff fields. Recorded: init-seamops-caps, init-sigstruct. */
export function verifyLoader({ loader }: Hardware): Refusal | null {
  const { seamopsCaps, moduleHv, handoffPages } = loader;
  if ((seamopsCaps & 0x30) !== 0x30) return SEAMOPS_LACKING;
  // The loader stores the count minus one in 16 bits: 0 means 65,536.
  const tooFewPages = handoffPages !== 0 && handoffPages < HANDOFF_PAGES_MIN;
  return moduleHv !== 0 || tooFewPages ? HANDOFF_DOES_NOT_FIT : null;
}

/** Takes SEAMRR from its MSRs: base bits 51:25, size = lowest set mask bit. False if no mask bit is set. */
export function takeSEAMRR(module: ModuleState, hardware: Hardware, lp: number): boolean {
  const base = alignSEAMRR(readMSR(hardware, lp, MSR.IA32_SEAMRR_BASE));
  const mask = alignSEAMRR(readMSR(hardware, lp, MSR.IA32_SEAMRR_MASK));
  if (mask === 0) return false;
  let size = SEAMRR_ALIGNMENT;
  while (isAligned(mask, size * 2)) size *= 2;
  module.seamrr = { base, size };
  return true;
}

const SEAMRR_ALIGNMENT = 2 ** 25;

/** Bits 51:25 of the value. */
function alignSEAMRR(value: U64): number {
  return (highHalf(value) & 0xfffff) * TWO_32 + alignDown(lowHalf(value), SEAMRR_ALIGNMENT);
}
