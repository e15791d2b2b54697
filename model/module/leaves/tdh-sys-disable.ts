import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { GLOBAL_LOCK_HELD, OTHER_LP_INSIDE } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refuse, succeed } from '../outcome.ts';
import { forgetEverything, type ModuleState } from '../state.ts';

/**
 * Gives back all memory the module was given, and leaves it as it was when it was loaded: it can be initialised anew.
 *
 * Inferred: no module that has it was recorded. That an interrupt ends it early (TDX_INTERRUPTED_RESUMABLE) is not
 * modelled, nor its bit in TDX_FEATURES0 (53), which no kernel looks at.
 */
export const TDH_SYS_DISABLE = createLeaf({
  name: 'TDH.SYS.DISABLE',
  beforeReady: false,
  source: 'commit b7d2173946ef "x86/virt/tdx: Add SEAMCALL wrapper for TDH.SYS.DISABLE", Linux 7.2',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (conditions.otherLPInside) return refuse(regs, OTHER_LP_INSIDE);

  // Effect.
  forgetEverything(module);
  return succeed(regs);
}
