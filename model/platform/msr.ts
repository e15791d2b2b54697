import { MSR } from '../abi/msr.ts';
import type { U64 } from '../abi/u64.ts';
import { highHalf, lowHalf, u64FromHalves } from '../abi/u64.ts';
import type { Hardware, SMRR } from './hardware.ts';
import { readOverride } from './msr-override.ts';

/**
 * What RDMSR answers on one LP: the newest override for this LP, else the newest for all LPs, else the value of a
 * healthy machine (a Sapphire Rapids class server on which TDH.SYS.INIT succeeds).
 */
export function readMSR(hardware: Hardware, lp: number, msr: number): U64 {
  const healthy = healthyMSR(hardware, msr);
  return hardware.msr.length === 0 ? healthy : readOverride(hardware.msr, lp, msr, healthy);
}

/** The value without overrides. */
export function healthyMSR(hardware: Hardware, msr: number): U64 {
  switch (msr) {
    case MSR.IA32_MKTME_KEYID_PARTITIONING:
      return u64FromHalves(hardware.tdxKeyids, hardware.mktmeKeyids);
    case MSR.IA32_WBINVDP:
    case MSR.IA32_WBNOINVDP:
      return hardware.wbBlocks;
    case MSR.IA32_MTRRCAP:
      return hardware.smrr.length > 1 ? 0xfd0a : 0xdd0a;
    case MSR.IA32_SMRR_BASE:
      return hardware.smrr[0]?.base ?? 0;
    case MSR.IA32_SMRR_MASK:
      return smrrMask(hardware.smrr[0]);
    case MSR.IA32_SMRR2_BASE:
      return hardware.smrr[1]?.base ?? 0;
    case MSR.IA32_SMRR2_MASK:
      return smrrMask(hardware.smrr[1]);
    case MSR.IA32_TME_CAPABILITY:
      return tmeCapability(hardware.keyidBits);
    case MSR.IA32_TME_ACTIVATE:
      return u64FromHalves((hardware.keyidBits | (hardware.loader.tdxWithoutIntegrity ? 0x50000 : 0x30000)) >>> 0, 3);
    case MSR.IA32_SEAMRR_BASE:
      return u64FromHalves(highHalf(hardware.seamrr.base), (lowHalf(hardware.seamrr.base) | 8) >>> 0);
    case MSR.IA32_SEAMRR_MASK:
      return u64FromHalves(highHalf(hardware.seamrr.mask), (lowHalf(hardware.seamrr.mask) | 0xc00) >>> 0);
    default:
      return HEALTHY.get(msr) ?? 0;
  }
}

/** MSRs that are the same on every healthy machine. */
const HEALTHY: ReadonlyMap<number, U64> = new Map<number, U64>([
  [MSR.IA32_CORE_CAPABILITIES, 0x20],
  [MSR.IA32_ARCH_CAPABILITIES, 0x20fd6b],
  [MSR.IA32_XAPIC_DISABLE_STATUS, 1],
  [MSR.IA32_MISC_PACKAGE_CTLS, 1],
  [MSR.IA32_PERF_CAPABILITIES, 0x2000],
  [MSR.IA32_VMX_BASIC, 0xd8040000000010n],
  [MSR.IA32_VMX_TRUE_PINBASED_CTLS, 0xffffffff00000000n],
  [MSR.IA32_VMX_TRUE_PROCBASED_CTLS, 0xffffffff00000000n],
  [MSR.IA32_VMX_PROCBASED_CTLS2, 0xffffffff00000000n],
  [MSR.IA32_VMX_TRUE_EXIT_CTLS, 0xffffffff00000000n],
  [MSR.IA32_VMX_TRUE_ENTRY_CTLS, 0xffffffff00000000n],
  [MSR.IA32_VMX_PROCBASED_CTLS3, 0xffffffffffffffffn],
  [MSR.IA32_VMX_MISC, 0x600441e5],
  [MSR.IA32_VMX_EPT_VPID_CAP, 0xffffffffffffffffn],
  [MSR.IA32_VMX_CR0_FIXED0, 0x80000021],
  [MSR.IA32_VMX_CR0_FIXED1, 0xffffffff],
  [MSR.IA32_VMX_CR4_FIXED0, 0x2000],
  [MSR.IA32_VMX_CR4_FIXED1, 0x3ffffff],
]);

function smrrMask(smrr: SMRR | undefined): U64 {
  if (smrr === undefined) return 0;
  return u64FromHalves(highHalf(smrr.mask), (lowHalf(smrr.mask) | (smrr.lock << 10) | (smrr.valid << 11)) >>> 0);
}

/** All four AES-XTS algorithms, `keyidBits` bits and 2^keyidBits - 1 keys (bits 50:36). */
function tmeCapability(keyidBits: number): U64 {
  return u64FromHalves((keyidBits | ((2 ** keyidBits - 1) << 4)) >>> 0, 0xf);
}
