import { MSR } from '../../abi/msr.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { lowHalf } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { readMSR } from '../../platform/msr.ts';
import { isCMRListValid, mergeCMRs } from '../cmr-list.ts';
import { CPUID_LIMITED, GLOBAL_LOCK_HELD, RDRAND_FAILED } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import type { Topology } from '../cpuid-check.ts';
import { hasWAITPKG, verifyCPUID, xfamAllowed } from '../cpuid-check.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome, Refusal } from '../outcome.ts';
import { death, die, end, refusal, refuse, succeed } from '../outcome.ts';
import {
  takeKeyIDs,
  takeSEAMRR,
  verifyFirstMSRs,
  verifyLoader,
  verifyTME,
  verifyWriteBackBlocks,
} from '../platform-check.ts';
import { asSample, seenCPUID } from '../sampled-cpuid.ts';
import { limitsCPUID, sampleMSRs } from '../sampled-msrs.ts';
import { hasSMRR2, verifySMRR } from '../smrr.ts';
import type { HardwareSample, ModuleState } from '../state.ts';
import { verifyVMX } from '../vmx-check.ts';

/**
 * Checks the platform from one LP and takes the samples that every other LP is compared with.
 *
 * A failed call leaves the module PENDING: it may be made again. R11 alone is not zeroed.
 */
export const TDH_SYS_INIT = createLeaf({
  name: 'TDH.SYS.INIT',
  beforeReady: true,
  mayChangeWhenRefused: {
    statuses: 'any',
    why: 'TDH.SYS.INIT stores the KeyID range and address mask before later checks (init-*)',
  },
  source: 'TDX Module ABI specification, TDH.SYS.INIT; tdh_sys_init.c, TDX module 1.5.01; recorded cases init-*',
  run,
});

const RCX_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX),
  'RCX: system attributes are all reserved',
);
const NOT_PENDING = refusal(STATUS.TDX_SYS_INIT_NOT_PENDING, 'TDH.SYS.INIT already succeeded');
const CMR_LIST_INVALID = refusal(
  STATUS.TDX_CMR_LIST_INVALID,
  'CMR list: KeyID bits, not 4 KiB aligned, not ascending, or overlapping',
);
const NO_SEAMRR = death('SEAMRR mask is empty');

// Scratch for one call: nothing in it outlives the call.
const TOPOLOGY: Topology = { packageShift: 0, previousType: 0, sawCore: false, sawEnd: false };

function run(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const attributes = regs.rcx;
  clearResults(regs);

  // Checks.
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (attributes !== 0) return refuse(regs, RCX_INVALID);
  if (module.phase !== 'PENDING') return refuse(regs, NOT_PENDING);
  const msrs = verifyFirstMSRs(hardware, lp);
  if (msrs !== null) return refuse(regs, msrs);
  if (limitsCPUID(hardware, lp)) return refuse(regs, CPUID_LIMITED);
  const cpuid = seenCPUID(hardware, lp);
  const processor = verifyCPUID(cpuid, regs, TOPOLOGY);
  if (processor !== null) return end(module, regs, processor);
  const vmx = verifyVMX(hardware, lp, hasWAITPKG(cpuid));
  if (vmx !== null) return end(module, regs, vmx);
  const platform = verifyPlatform(module, hardware, lp);
  if (platform !== null) return refuse(regs, platform);
  if (conditions.entropy === 'none') return refuse(regs, RDRAND_FAILED);
  if (!takeSEAMRR(module, hardware, lp)) return die(module, NO_SEAMRR);

  // Effect.
  acceptPlatform(module, hardware, {
    lp,
    cpuid: asSample(cpuid, hardware.loader),
    msr: sampleMSRs(hardware, lp),
    packageShift: TOPOLOGY.packageShift,
    seamopsCaps: hardware.loader.seamopsCaps,
    smrr2: hasSMRR2(hardware, lp),
    writeBackBlocks: lowHalf(readMSR(hardware, lp, MSR.IA32_WBINVDP)),
    xfam: xfamAllowed(cpuid),
  });
  return succeed(regs);
}

/** TME, KeyIDs, cache write-back, CMRs, SMRRs, loader. */
export function verifyPlatform(module: ModuleState, hardware: Hardware, lp: number): Refusal | null {
  const tme = verifyTME(hardware, lp);
  if (tme !== null) return tme;
  const keyids = takeKeyIDs(module, hardware, lp);
  if (keyids !== null) return keyids;
  return verifyWriteBackBlocks(hardware, lp) ?? verifyCMRs(module, hardware, lp);
}

/** CMRs, SMRRs, loader. */
export function verifyCMRs(module: ModuleState, hardware: Hardware, lp: number): Refusal | null {
  if (!isCMRListValid(hardware.loader.cmrs, module.addressEnd)) return CMR_LIST_INVALID;
  return verifySMRR(hardware, lp) ?? verifyLoader(hardware);
}

/** RCX to R10, which are zeroed before anything else. */
export function clearResults(regs: Registers): void {
  regs.rcx = 0;
  regs.rdx = 0;
  regs.r8 = 0;
  regs.r9 = 0;
  regs.r10 = 0;
}

/** The effect of a call that succeeds; SEAMRR and KeyIDs are stored before. */
export function acceptPlatform(module: ModuleState, { loader }: Hardware, sample: HardwareSample): void {
  module.sample = sample;
  module.totLPs = loader.totLPs;
  module.totPackages = loader.totPackages;
  module.cmrs = mergeCMRs(loader.cmrs);
  module.phase = 'SYSINIT_DONE';
}
