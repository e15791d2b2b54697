import { MSR } from '../abi/msr.ts';
import type { Registers } from '../abi/registers.ts';
import { lowHalf } from '../abi/u64.ts';
import { HEALTHY_CPUID } from '../platform/cpuid.ts';
import type { Hardware } from '../platform/hardware.ts';
import { readMSR } from '../platform/msr.ts';
import { RDRAND_FAILED } from './common-refusals.ts';
import type { Conditions } from './conditions.ts';
import { hasWAITPKG, xfamAllowed } from './cpuid-check.ts';
import type { Leaf } from './leaf.ts';
import {
  acceptPlatform,
  clearResults as clearINITResults,
  TDH_SYS_INIT,
  verifyCMRs,
  verifyPlatform,
} from './leaves/tdh-sys-init.ts';
import {
  acceptLP,
  clearResults as clearLPINITResults,
  storePackage,
  TDH_SYS_LP_INIT,
} from './leaves/tdh-sys-lp-init.ts';
import { type Answer, refuse, succeed } from './outcome.ts';
import { takeKeyIDs, takeSEAMRR, verifyFirstMSRs } from './platform-check.ts';
import { BEFORE_CPUID_END, compareMSRs, limitsCPUID, SAMPLED_MSR_COUNT, sampleMSRs } from './sampled-msrs.ts';
import { hasSMRR2 } from './smrr.ts';
import { lpState, type ModuleState } from './state.ts';
import { verifyVMX } from './vmx-check.ts';

/**
 * The short way through TDH.SYS.INIT and TDH.SYS.LP.INIT on a common machine: one on which CPUID is that of a healthy
 * CPU, so that the walk over some 65 leaves finds nothing; where no MSR is overridden, most of them need no check either.
 * Most cases have such a machine, and the long way would take a good part of their time.
 *
 * What is decided before the walk is left to the leaves. Tests go both ways and compare.
 */

/** The call as its leaf would answer it, or `null`: it has to go the long way, and nothing that matters there has changed. */
export function takeShortcut(
  leaf: Leaf,
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): Answer | null {
  if (leaf === TDH_SYS_INIT) return init(module, hardware, lp, regs, conditions);
  return leaf === TDH_SYS_LP_INIT ? initLP(module, hardware, lp, regs, conditions) : null;
}

/** No overrides of CPUID, 52 address bits, a package shift that leaf 4 can express. */
function isCommon({ cpuid, maxPa, packageShift }: Hardware): boolean {
  return cpuid.length === 0 && maxPa === 52 && packageShift >= 1 && packageShift <= 12;
}

const COMMON_XFAM = xfamAllowed(HEALTHY_CPUID);
const COMMON_WAITPKG = hasWAITPKG(HEALTHY_CPUID);

function init(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): Answer | null {
  const { loader, packageShift, msr } = hardware;
  if (!isCommon(hardware) || conditions.globalLock !== 'free') return null;
  if (regs.rcx !== 0 || module.phase !== 'PENDING' || (msr.length !== 0 && !hasGoodMSRs(hardware, lp))) return null;
  const failure =
    (msr.length === 0
      ? (takeKeyIDs(module, hardware, lp) ?? verifyCMRs(module, hardware, lp))
      : verifyPlatform(module, hardware, lp)) ?? (conditions.entropy === 'none' ? RDRAND_FAILED : null);
  if (failure === null && !takeSEAMRR(module, hardware, lp)) return null;
  clearINITResults(regs);
  if (failure !== null) return refuse(regs, failure);
  acceptPlatform(module, hardware, {
    lp,
    cpuid: null,
    msr: msr.length === 0 ? null : sampleMSRs(hardware, lp),
    packageShift,
    seamopsCaps: loader.seamopsCaps,
    smrr2: hasSMRR2(hardware, lp),
    writeBackBlocks: lowHalf(readMSR(hardware, lp, MSR.IA32_WBINVDP)),
    xfam: COMMON_XFAM,
  });
  return succeed(regs);
}

/** The MSRs that TDH.SYS.INIT looks at before it comes to TME. */
function hasGoodMSRs(hardware: Hardware, lp: number): boolean {
  return (
    verifyFirstMSRs(hardware, lp) === null &&
    !limitsCPUID(hardware, lp) &&
    verifyVMX(hardware, lp, COMMON_WAITPKG) === null
  );
}

function initLP(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): Answer | null {
  const { sample } = module;
  if (!isCommon(hardware) || sample === null || sample.cpuid !== null || !hasCommonSignature(hardware, lp)) return null;
  if (conditions.globalLock === 'exclusive' || conditions.entropy === 'none') return null;
  if (module.phase !== 'SYSINIT_DONE' || hardware.loader.seamopsCaps !== sample.seamopsCaps) return null;
  const self = lpState(module, lp);
  if (self.initialised) return null;
  const comparesMSRs = sample.msr !== null || hardware.msr.length !== 0;
  if (comparesMSRs && compareMSRs(hardware, lp, sample, 0, BEFORE_CPUID_END) !== null) return null;
  if (comparesMSRs && limitsCPUID(hardware, lp)) return null;
  clearLPINITResults(regs);
  const failure =
    storePackage(self, hardware.lps[lp]?.x2apic ?? 0, sample.packageShift) ??
    (comparesMSRs ? compareMSRs(hardware, lp, sample, BEFORE_CPUID_END, SAMPLED_MSR_COUNT) : null);
  if (failure !== null) return refuse(regs, failure);
  acceptLP(module, self);
  return succeed(regs);
}

/** CPUID.1:EAX bits that must be the same on all packages. */
const SIGNATURE_SAME = 0xf000c000;

function hasCommonSignature({ loader, lps }: Hardware, lp: number): boolean {
  const { fms } = loader;
  const own = fms[lps[lp]?.package ?? 0] ?? fms[0] ?? 0;
  return ((own ^ (fms[0] ?? 0)) & SIGNATURE_SAME) === 0;
}
