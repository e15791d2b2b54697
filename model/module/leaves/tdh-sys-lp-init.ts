import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { U64 } from '../../abi/u64.ts';
import { CPUID_ROW_COUNT, cpuidRow, readCPUIDTable } from '../../platform/cpuid.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { compareCPUID, isPackageNumber } from '../cpuid-check.ts';
import { platformFMS } from '../known-fms.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, refuse, succeed } from '../leaf.ts';
import { BEFORE_CPUID_END, compareMSRs, limitsCPUID, SAMPLED_MSR_COUNT } from '../sampled-msrs.ts';
import type { HardwareSample, LPState, ModuleState } from '../state.ts';
import { lpState } from '../state.ts';
import { isCommonCPUID } from './tdh-sys-init.ts';

/**
 * Compares the calling LP with what TDH.SYS.INIT saw and counts it as initialised.
 *
 * A failed call may be made again. The LP's package is stored as soon as CPUID.1F is reached, so a later failure leaves
 * it behind (visible through TDH.SYS.KEY.CONFIG).
 */
export const TDH_SYS_LP_INIT = createLeaf({
  name: 'TDH.SYS.LP.INIT',
  beforeReady: true,
  mayChangeWhenRefused: {
    statuses: 'any',
    why: 'TDH.SYS.LP.INIT stores the package of the LP when it reaches CPUID 1F.0 (lpinit-*)',
  },
  source: 'TDX Module ABI specification, TDH.SYS.LP.INIT; recorded cases lpinit-*',
  run,
});

const ROW_1 = cpuidRow(1, null);
const ROW_1F_0 = cpuidRow(0x1f, 0);
/** CPUID.1:EAX bits that must be the same on all packages. */
const FMS_SAME_MASK = 0xf000c000;

function run(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  regs.rcx = 0;
  regs.rdx = 0;
  regs.r8 = 0;

  // Checks.
  if (conditions.globalLock === 'exclusive')
    return refuse(module, regs, STATUS.TDX_SYS_BUSY, 'global lock held exclusively');
  const { sample } = module;
  if (module.phase !== 'SYSINIT_DONE' || sample === null) {
    return refuse(module, regs, STATUS.TDX_SYS_LP_INIT_NOT_PENDING, 'not between TDH.SYS.INIT and TDH.SYS.CONFIG');
  }
  const self = lpState(module, lp);
  if (self.initialised) return refuse(module, regs, STATUS.TDX_SYS_LP_INIT_DONE, 'this LP is initialised already');
  if (conditions.entropy === 'none') return refuse(module, regs, STATUS.TDX_RND_NO_ENTROPY, 'RDRAND failed');
  if (hardware.loader.seamopsCaps !== sample.seamopsCaps) {
    return refuse(
      module,
      regs,
      STATUS.TDX_INCOMPATIBLE_SEAM_CAPABILITIES,
      'SEAMOPS capabilities differ from TDH.SYS.INIT',
    );
  }
  const commonMSRs = sample.msr === null && hardware.msr.length === 0;
  if (!commonMSRs) {
    const failure = compareMSRs(module, hardware, lp, sample, 0, BEFORE_CPUID_END);
    if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
    if (limitsCPUID(hardware, lp))
      return refuse(module, regs, STATUS.TDX_LIMIT_CPUID_MAXVAL_SET, 'IA32_MISC_ENABLE limits CPUID');
  }
  const cpuid = checkCPUID(module, hardware, lp, regs, sample, self);
  if (cpuid !== 0) return refuse(module, regs, cpuid, module.lastReason);
  if (!commonMSRs) {
    const failure = compareMSRs(module, hardware, lp, sample, BEFORE_CPUID_END, SAMPLED_MSR_COUNT);
    if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  }

  // Effect.
  self.initialised = true;
  module.initialisedLPs += 1;
  return succeed(module, regs);
}

function checkCPUID(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  sample: HardwareSample,
  self: LPState,
): U64 {
  if (sample.cpuid === null && isCommonCPUID(hardware) && hasCommonFMS(hardware, lp)) {
    return storePackage(module, self, hardware.lps[lp]?.x2apic ?? 0, sample.packageShift);
  }
  const seen = new Uint32Array(CPUID_ROW_COUNT * 4);
  readCPUIDTable(hardware, lp, seen, true);
  let before = sample.cpuid;
  if (before === null) {
    before = new Uint32Array(CPUID_ROW_COUNT * 4);
    readCPUIDTable(hardware, sample.lp, before, false);
    before[ROW_1 * 4] = platformFMS(hardware.loader);
  }
  const x2apic = seen[ROW_1F_0 * 4 + 3] ?? 0;
  return compareCPUID(module, seen, before, regs, () => storePackage(module, self, x2apic, sample.packageShift));
}

function storePackage(module: ModuleState, self: LPState, x2apic: number, packageShift: number): U64 {
  const number = x2apic >>> packageShift;
  if (!isPackageNumber(number)) {
    module.lastReason = 'package number past the 8 the module has room for';
    return withDetails(STATUS.TDX_INVALID_PKG_ID, number);
  }
  self.package = number;
  return 0;
}

function hasCommonFMS(hardware: Hardware, lp: number): boolean {
  const { fms } = hardware.loader;
  const own = fms[hardware.lps[lp]?.package ?? 0] ?? fms[0] ?? 0;
  return ((own ^ (fms[0] ?? 0)) & FMS_SAME_MASK) === 0;
}
