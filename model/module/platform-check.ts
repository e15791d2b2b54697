import { alignDown, isAligned } from '../abi/align.ts';
import { MSR } from '../abi/msr.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { highHalf, lowHalf } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { readMSR } from '../platform/msr.ts';
import type { ModuleState } from './state.ts';

const INCORRECT_10A = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_ARCH_CAPABILITIES);
const INCORRECT_BD = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_XAPIC_DISABLE_STATUS);
const INCORRECT_BC = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_MISC_PACKAGE_CTLS);
const INCORRECT_345 = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_PERF_CAPABILITIES);
const INCORRECT_981 = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_TME_CAPABILITY);
const INCORRECT_982 = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_TME_ACTIVATE);
const INCORRECT_99 = withDetails(STATUS.TDX_INCORRECT_MSR_VALUE, MSR.IA32_WBNOINVDP);
const TOO_MANY_KEYIDS = withDetails(STATUS.TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED, 0x800);

const ARCH_CAPABILITIES_SET = 0x20fd6b;
const ARCH_CAPABILITIES_CLEAR = 0x4;
const KEYID_COUNT_MAX = 2048;
const TWO_32 = 2 ** 32;
/** The module counts in 52 bits whatever the CPU has; CPUID.80000008H was checked to agree. */
const PHYSICAL_END = 2 ** 52;
const HANDOFF_PAGES_MIN = 14;

/** The MSRs TDH.SYS.INIT looks at before CPUID: 0 or a status. Recorded: init-msr-0x10a to -0x345, init-msr-bd, -bc. */
export function verifyFirstMSRs(module: ModuleState, hardware: Hardware, lp: number): U64 {
  module.lastReason = 'MSR: a bit TDX needs is not as it must be';
  const capabilities = lowHalf(readMSR(hardware, lp, MSR.IA32_ARCH_CAPABILITIES));
  if ((capabilities & (ARCH_CAPABILITIES_SET | ARCH_CAPABILITIES_CLEAR)) !== ARCH_CAPABILITIES_SET)
    return INCORRECT_10A;
  if (readMSR(hardware, lp, MSR.IA32_XAPIC_DISABLE_STATUS) !== 1) return INCORRECT_BD;
  if ((lowHalf(readMSR(hardware, lp, MSR.IA32_MISC_PACKAGE_CTLS)) & 1) === 0) return INCORRECT_BC;
  return (lowHalf(readMSR(hardware, lp, MSR.IA32_PERF_CAPABILITIES)) & 0x2000) === 0 ? INCORRECT_345 : 0;
}

/** TME locked and with an algorithm the loader asks for. Recorded: init-msr-0x981, -0x982, init-integrity. */
export function verifyTME(module: ModuleState, hardware: Hardware, lp: number): U64 {
  const capability = readMSR(hardware, lp, MSR.IA32_TME_CAPABILITY);
  const activate = readMSR(hardware, lp, MSR.IA32_TME_ACTIVATE);
  if ((lowHalf(activate) & 1) === 0) {
    module.lastReason = 'IA32_TME_ACTIVATE not locked';
    return INCORRECT_982;
  }
  const withoutIntegrity = hardware.loader.tdxWithoutIntegrity;
  if ((lowHalf(capability) & (withoutIntegrity ? 0x5 : 0xa)) === 0) {
    module.lastReason = 'IA32_TME_CAPABILITY lacks the encryption algorithm';
    return INCORRECT_981;
  }
  if ((highHalf(activate) & (withoutIntegrity ? 0x50000 : 0xa0000)) === 0) {
    module.lastReason = 'IA32_TME_ACTIVATE lacks the encryption algorithm';
    return INCORRECT_982;
  }
  return 0;
}

/**
 * Takes the KeyID partition (MSR 0x87) and the width of KeyIDs. Sums are 32-bit ones and may wrap, which as a rule
 * leaves no private KeyID. 0 or a status. Recorded: init-msr-0x87*, keyid-bits*.
 */
export function takeKeyIDs(module: ModuleState, hardware: Hardware, lp: number): U64 {
  const partition = readMSR(hardware, lp, MSR.IA32_MKTME_KEYID_PARTITIONING);
  const shared = lowHalf(partition);
  const last = lowHalf(shared + highHalf(partition));
  module.keyidFirst = lowHalf(shared + 1);
  module.keyidLast = last;
  module.addressEnd = PHYSICAL_END / (1 << (highHalf(readMSR(hardware, lp, MSR.IA32_TME_ACTIVATE)) & 0xf));
  if (last < KEYID_COUNT_MAX) return 0;
  module.lastReason = 'more KeyIDs activated than the module has room for';
  return TOO_MANY_KEYIDS;
}

/** The two cache write-back MSRs must count the same blocks. Recorded: init-msr-0x98, -0x99. */
export function verifyWriteBackBlocks(module: ModuleState, hardware: Hardware, lp: number): U64 {
  if (readMSR(hardware, lp, MSR.IA32_WBNOINVDP) === readMSR(hardware, lp, MSR.IA32_WBINVDP)) return 0;
  module.lastReason = 'IA32_WBNOINVDP and IA32_WBINVDP disagree';
  return INCORRECT_99;
}

/** SEAMOPS capabilities and the loader's handoff fields. Recorded: init-seamops-caps, init-sigstruct. */
export function verifyLoader(module: ModuleState, hardware: Hardware): U64 {
  const { seamopsCaps, moduleHv, handoffPages } = hardware.loader;
  if ((seamopsCaps & 0x30) !== 0x30) {
    module.lastReason = 'SEAMOPS lacks SEAMREPORT or SEAMDB';
    return STATUS.TDX_INCOMPATIBLE_SEAM_CAPABILITIES;
  }
  // The loader stores the count minus one in 16 bits: 0 means 65,536.
  if (moduleHv !== 0 || (handoffPages !== 0 && handoffPages < HANDOFF_PAGES_MIN)) {
    module.lastReason = 'handoff version or room does not fit this module';
    return STATUS.TDX_SYS_INCOMPATIBLE_SIGSTRUCT;
  }
  return 0;
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
