import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { cpuidRow } from '../../platform/cpuid.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { CPUID_LIMITED, RDRAND_FAILED } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { compareCPUID, isPackageNumber } from '../cpuid-check.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome, Refusal } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import { sampledCPUID, seenCPUID } from '../sampled-cpuid.ts';
import { BEFORE_CPUID_END, compareMSRs, limitsCPUID, SAMPLED_MSR_COUNT } from '../sampled-msrs.ts';
import type { LPState, ModuleState } from '../state.ts';
import { lpState } from '../state.ts';

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
  source:
    'TDX Module ABI specification, TDH.SYS.LP.INIT; tdh_sys_lp_init.c, TDX module 1.5.01; recorded cases lpinit-*',
  run,
});

const GLOBAL_LOCK_HELD_EXCLUSIVELY = refusal(STATUS.TDX_SYS_BUSY, 'global lock held exclusively');
const NOT_PENDING = refusal(STATUS.TDX_SYS_LP_INIT_NOT_PENDING, 'not between TDH.SYS.INIT and TDH.SYS.CONFIG');
const ALREADY_INITIALISED = refusal(STATUS.TDX_SYS_LP_INIT_DONE, 'this LP is initialised already');
const SEAMOPS_DIFFER = refusal(
  STATUS.TDX_INCOMPATIBLE_SEAM_CAPABILITIES,
  'SEAMOPS capabilities differ from TDH.SYS.INIT',
);
const ROW_1F_0 = cpuidRow(0x1f, 0);

function run(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  clearResults(regs);

  // Checks.
  if (conditions.globalLock === 'exclusive') return refuse(regs, GLOBAL_LOCK_HELD_EXCLUSIVELY);
  const { sample } = module;
  if (module.phase !== 'SYSINIT_DONE' || sample === null) return refuse(regs, NOT_PENDING);
  const self = lpState(module, lp);
  if (self.initialised) return refuse(regs, ALREADY_INITIALISED);
  if (conditions.entropy === 'none') return refuse(regs, RDRAND_FAILED);
  if (hardware.loader.seamopsCaps !== sample.seamopsCaps) return refuse(regs, SEAMOPS_DIFFER);
  const firstMSRs = compareMSRs(hardware, lp, sample, 0, BEFORE_CPUID_END);
  if (firstMSRs !== null) return refuse(regs, firstMSRs);
  if (limitsCPUID(hardware, lp)) return refuse(regs, CPUID_LIMITED);
  const seen = seenCPUID(hardware, lp);
  const x2apic = seen[ROW_1F_0 * 4 + 3] ?? 0;
  const cpuid = compareCPUID(seen, sampledCPUID(hardware, sample), regs, () =>
    storePackage(self, x2apic, sample.packageShift),
  );
  if (cpuid !== null) return refuse(regs, cpuid);
  const otherMSRs = compareMSRs(hardware, lp, sample, BEFORE_CPUID_END, SAMPLED_MSR_COUNT);
  if (otherMSRs !== null) return refuse(regs, otherMSRs);

  // Effect.
  acceptLP(module, self);
  return succeed(regs);
}

/** RCX, RDX and R8, which are zeroed before anything else. */
export function clearResults(regs: Registers): void {
  regs.rcx = 0;
  regs.rdx = 0;
  regs.r8 = 0;
}

/** Keeps the package of the LP; refused where the module has no room for it. */
export function storePackage(self: LPState, x2apic: number, packageShift: number): Refusal | null {
  const number = x2apic >>> packageShift;
  if (!isPackageNumber(number)) {
    return refusal(withDetails(STATUS.TDX_INVALID_PKG_ID, number), 'package number past the 8 the module has room for');
  }
  self.package = number;
  return null;
}

/** The effect of a call that succeeds; the package is stored before. */
export function acceptLP(module: ModuleState, self: LPState): void {
  self.initialised = true;
  module.initialisedLPs += 1;
}
