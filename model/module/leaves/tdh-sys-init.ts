import { STATUS, withDetails } from '../../abi/status.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import { MSR } from '../../abi/msr.ts';
import type { Registers } from '../../abi/registers.ts';
import type { U64 } from '../../abi/u64.ts';
import { lowHalf } from '../../abi/u64.ts';
import { CPUID_ROW_COUNT, cpuidRow, readCPUIDTable } from '../../platform/cpuid.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { createMemory } from '../../platform/memory.ts';
import { readMSR } from '../../platform/msr.ts';
import { isCMRListValid, mergeCMRs } from '../cmr-list.ts';
import type { Conditions } from '../conditions.ts';
import type { Topology } from '../cpuid-check.ts';
import { FATAL, hasWAITPKG, verifyCPUID, xfamAllowed } from '../cpuid-check.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, die, refuse, succeed } from '../leaf.ts';
import { platformFMS } from '../known-fms.ts';
import {
  takeKeyIDs,
  takeSEAMRR,
  verifyFirstMSRs,
  verifyLoader,
  verifyTME,
  verifyWriteBackBlocks,
} from '../platform-check.ts';
import { limitsCPUID, sampleMSRs } from '../sampled-msrs.ts';
import { hasSMRR2, verifySMRR } from '../smrr.ts';
import type { ModuleState } from '../state.ts';
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
  source: 'TDX Module ABI specification, TDH.SYS.INIT; recorded cases init-*',
  run,
});

const RCX_INVALID = withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX);
const ROW_1 = cpuidRow(1, null);

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
  regs.rcx = 0;
  regs.rdx = 0;
  regs.r8 = 0;
  regs.r9 = 0;
  regs.r10 = 0;

  // Checks.
  if (conditions.globalLock !== 'free') return refuse(module, regs, STATUS.TDX_SYS_BUSY, 'global lock held');
  if (attributes !== 0) return refuse(module, regs, RCX_INVALID, 'RCX: system attributes are all reserved');
  if (module.phase !== 'PENDING')
    return refuse(module, regs, STATUS.TDX_SYS_INIT_NOT_PENDING, 'TDH.SYS.INIT already succeeded');

  const commonMSRs = hardware.msr.length === 0;
  if (!commonMSRs) {
    const failure = verifyFirstMSRs(module, hardware, lp);
    if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
    if (limitsCPUID(hardware, lp))
      return refuse(module, regs, STATUS.TDX_LIMIT_CPUID_MAXVAL_SET, 'IA32_MISC_ENABLE limits CPUID');
  }
  let cpuid: Uint32Array | null = null;
  if (!isCommonCPUID(hardware)) {
    cpuid = new Uint32Array(CPUID_ROW_COUNT * 4);
    readCPUIDTable(hardware, lp, cpuid, true);
    const failure = verifyCPUID(module, cpuid, regs, TOPOLOGY);
    if (failure !== 0) return refuseOrDie(module, regs, failure);
  }
  if (!commonMSRs) {
    const failure = verifyVMX(module, hardware, lp, cpuid === null ? COMMON_WAITPKG : hasWAITPKG(cpuid));
    if (failure !== 0) return refuseOrDie(module, regs, failure);
  }
  const failure = verifyRest(module, hardware, lp, commonMSRs);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  if (conditions.entropy === 'none') return refuse(module, regs, STATUS.TDX_RND_NO_ENTROPY, 'RDRAND failed');
  if (!takeSEAMRR(module, hardware, lp)) return die(module, 'SEAMRR mask is empty');

  // Effect.
  if (cpuid !== null) cpuid[ROW_1 * 4] = platformFMS(hardware.loader);
  module.sample = {
    lp,
    cpuid,
    msr: commonMSRs ? null : sampleMSRs(hardware, lp),
    packageShift: cpuid === null ? hardware.packageShift : TOPOLOGY.packageShift,
    seamopsCaps: hardware.loader.seamopsCaps,
    smrr2: hasSMRR2(hardware, lp),
    writeBackBlocks: lowHalf(readMSR(hardware, lp, MSR.IA32_WBINVDP)),
    xfam: cpuid === null ? COMMON_XFAM : xfamAllowed(cpuid),
  };
  module.totLPs = hardware.loader.totLPs;
  module.totPackages = hardware.loader.totPackages;
  module.cmrs = mergeCMRs(hardware.loader.cmrs);
  module.phase = 'SYSINIT_DONE';
  return succeed(module, regs);
}

/** TME, KeyIDs, cache write-back, CMRs, SMRRs, loader: 0 or a status. */
function verifyRest(module: ModuleState, hardware: Hardware, lp: number, commonMSRs: boolean): U64 {
  if (!commonMSRs) {
    const failure = verifyTME(module, hardware, lp);
    if (failure !== 0) return failure;
  }
  const keyids = takeKeyIDs(module, hardware, lp);
  if (keyids !== 0) return keyids;
  if (!commonMSRs) {
    const blocks = verifyWriteBackBlocks(module, hardware, lp);
    if (blocks !== 0) return blocks;
  }
  if (!isCMRListValid(hardware.loader.cmrs, module.addressEnd)) {
    module.lastReason = 'CMR list: KeyID bits, not 4 KiB aligned, not ascending, or overlapping';
    return STATUS.TDX_CMR_LIST_INVALID;
  }
  const smrr = verifySMRR(module, hardware, lp);
  return smrr !== 0 ? smrr : verifyLoader(module, hardware);
}

function refuseOrDie(module: ModuleState, regs: Registers, failure: U64): ModuleOutcome {
  return failure === FATAL ? die(module, module.lastReason) : refuse(module, regs, failure, module.lastReason);
}

/**
 * True where CPUID is what a healthy machine answers, so that the walk would find nothing: no overrides, 52 address
 * bits, a package shift that leaf 4 can express. A test goes the long way and compares.
 */
export function isCommonCPUID(hardware: Hardware): boolean {
  return (
    hardware.cpuid.length === 0 && hardware.maxPa === 52 && hardware.packageShift >= 1 && hardware.packageShift <= 12
  );
}

const COMMON_TABLE = commonTable();
const COMMON_XFAM = xfamAllowed(COMMON_TABLE);
const COMMON_WAITPKG = hasWAITPKG(COMMON_TABLE);

function commonTable(): Uint32Array {
  const table = new Uint32Array(CPUID_ROW_COUNT * 4);
  const loader = {
    totLPs: 0,
    totPackages: 0,
    cmrs: [],
    fms: [],
    seamopsCaps: 0,
    handoffPages: 0,
    moduleHv: 0,
    minUpdateHv: 0,
    noDowngrade: 0,
    smrr2NotSupported: false,
    tdxWithoutIntegrity: false,
  };
  readCPUIDTable(
    {
      lps: [],
      maxPa: 52,
      keyidBits: 0,
      mktmeKeyids: 0,
      tdxKeyids: 0,
      packageShift: 4,
      smtShift: 1,
      seamrr: { base: 0, mask: 0 },
      smrr: [],
      wbBlocks: 1,
      loader,
      msr: [],
      cpuid: [],
      memory: createMemory(),
    },
    0,
    table,
    false,
  );
  return table;
}
