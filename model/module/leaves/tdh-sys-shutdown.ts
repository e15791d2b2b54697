import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { isBelow } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { GLOBAL_LOCK_HELD, OTHER_LP_INSIDE } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import type { ModuleState } from '../state.ts';

/** Ends the module for an update and leaves its tables in the handoff pages. */
export const TDH_SYS_SHUTDOWN = createLeaf({
  name: 'TDH.SYS.SHUTDOWN',
  beforeReady: false,
  source: 'TDX Module ABI specification, TDH.SYS.SHUTDOWN; recorded cases shutdown-*',
  run,
});

/**
 * KeyID entries (2048 x 8), packages (8 x 2064), TDMR entries (64 x 320), TDMR count, global KeyID, package bitmap.
 */
const HANDOFF_DATA_SIZE = 0xd08a;

const RCX_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX),
  'RCX: not a handoff version this module can write',
);

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const version = regs.rcx;
  const { moduleHv, minUpdateHv, noDowngrade } = hardware.loader;

  // Checks.
  if (!isBelow(version, moduleHv + 1) || version < minUpdateHv || (noDowngrade !== 0 && version !== moduleHv)) {
    return refuse(regs, RCX_INVALID);
  }
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (conditions.otherLPInside) return refuse(regs, OTHER_LP_INSIDE);

  // Effect. Nothing changes these tables after SHUTDOWN, so the handoff may share them.
  const { keyids, writeBack, tdmrs, globalKeyID, packagesConfigured, handoff } = module;
  module.phase = 'SHUTDOWN';
  handoff.valid = 1;
  handoff.version = version;
  handoff.size = HANDOFF_DATA_SIZE;
  handoff.data = { keyids, writeBack, tdmrs, globalKeyID, packagesConfigured };
  return succeed(regs);
}
