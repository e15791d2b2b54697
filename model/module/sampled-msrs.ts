import { MSR } from '../abi/msr.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { lowHalf } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { healthyMSR, readMSR } from '../platform/msr.ts';
import { type Refusal, refusal } from './outcome.ts';
import type { HardwareSample } from './state.ts';

/** One MSR that must be on every LP as it was on the one that ran TDH.SYS.INIT. */
interface SampledMSR {
  readonly msr: number;
  /** Where INIT's value to compare with stands in SAMPLED; itself but for one. */
  readonly against: number;
  readonly refusal: Refusal;
}

/** In the order in which TDH.SYS.LP.INIT compares them; CPUID comes after the first four. Recorded: lpinit-msr-order*. */
const ORDER = [
  MSR.IA32_CORE_CAPABILITIES,
  MSR.IA32_ARCH_CAPABILITIES,
  MSR.IA32_MISC_PACKAGE_CTLS,
  MSR.IA32_XAPIC_DISABLE_STATUS,
  MSR.IA32_TSC_ADJUST,
  MSR.IA32_MTRRCAP,
  MSR.IA32_SMRR_BASE,
  MSR.IA32_SMRR_MASK,
  MSR.IA32_SMRR2_BASE,
  MSR.IA32_SMRR2_MASK,
  MSR.IA32_VMX_BASIC,
  MSR.IA32_VMX_TRUE_PINBASED_CTLS,
  MSR.IA32_VMX_TRUE_PROCBASED_CTLS,
  MSR.IA32_VMX_PROCBASED_CTLS2,
  MSR.IA32_VMX_PROCBASED_CTLS3,
  MSR.IA32_VMX_TRUE_EXIT_CTLS,
  MSR.IA32_VMX_TRUE_ENTRY_CTLS,
  MSR.IA32_VMX_MISC,
  MSR.IA32_VMX_EPT_VPID_CAP,
  MSR.IA32_VMX_CR0_FIXED0,
  MSR.IA32_VMX_CR0_FIXED1,
  MSR.IA32_VMX_CR4_FIXED0,
  MSR.IA32_VMX_CR4_FIXED1,
  MSR.IA32_PERF_CAPABILITIES,
  MSR.IA32_TME_CAPABILITY,
  MSR.IA32_TME_ACTIVATE,
  MSR.IA32_MKTME_KEYID_PARTITIONING,
  MSR.IA32_WBINVDP,
  MSR.IA32_WBNOINVDP,
] as const;

const SAMPLED: readonly SampledMSR[] = ORDER.map((msr, index) => ({
  msr,
  // WBNOINVDP must equal what INIT saw in WBINVDP.
  against: msr === MSR.IA32_WBNOINVDP ? index - 1 : index,
  refusal: refusal(withDetails(STATUS.TDX_INCONSISTENT_MSR, msr), 'MSR differs from the LP that ran TDH.SYS.INIT'),
}));

export const BEFORE_CPUID_END = 4;
export const SAMPLED_MSR_COUNT = SAMPLED.length;
const SMRR2_FIRST = 8;
const SMRR2_END = 10;

/** TDH.SYS.INIT's sample on `lp`. */
export function sampleMSRs(hardware: Hardware, lp: number): readonly U64[] {
  return SAMPLED.map(({ msr }) => readMSR(hardware, lp, msr));
}

/** Compares SAMPLED[first, end) on `lp` with INIT's sample. */
export function compareMSRs(
  hardware: Hardware,
  lp: number,
  sample: HardwareSample,
  first: number,
  end: number,
): Refusal | null {
  for (let index = first; index < end; index += 1) {
    if (!sample.smrr2 && index >= SMRR2_FIRST && index < SMRR2_END) continue;
    const sampled = SAMPLED[index];
    if (sampled === undefined) continue;
    if (readMSR(hardware, lp, sampled.msr) !== sampledMSR(hardware, sample, sampled.against)) return sampled.refusal;
  }
  return null;
}

/** What INIT kept of SAMPLED[position]; where it kept nothing, the machine as it was built says it again. */
function sampledMSR(hardware: Hardware, { msr }: HardwareSample, position: number): U64 | undefined {
  return msr === null ? healthyMSR(hardware, ORDER[position] ?? 0) : msr[position];
}

/** IA32_MISC_ENABLE bit 22: CPUID is cut to its first leaves. */
export function limitsCPUID(hardware: Hardware, lp: number): boolean {
  return (lowHalf(readMSR(hardware, lp, MSR.IA32_MISC_ENABLE)) & 0x400000) !== 0;
}
