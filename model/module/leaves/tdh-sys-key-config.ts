import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { GLOBAL_LOCK_HELD } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { end, refusal, refuse, succeed } from '../outcome.ts';
import { programKey } from '../pconfig.ts';
import type { ModuleState } from '../state.ts';
import { packageOf } from '../state.ts';

/**
 * Programs the global private key on the calling LP's package; the last package makes the module READY.
 *
 * It does not ask whether the LP was initialised: one that never ran TDH.SYS.LP.INIT counts as package 0.
 */
export const TDH_SYS_KEY_CONFIG = createLeaf({
  name: 'TDH.SYS.KEY.CONFIG',
  beforeReady: true,
  source:
    'TDX Module ABI specification, TDH.SYS.KEY.CONFIG; tdh_sys_key_config.c, TDX module 1.5.01; recorded cases keyconfig-*',
  run,
});

const NOT_PENDING = refusal(STATUS.TDX_SYS_KEY_CONFIG_NOT_PENDING, 'not between TDH.SYS.CONFIG and READY');
const PACKAGE_CONFIGURED = refusal(STATUS.TDX_KEY_CONFIGURED, 'this package is configured already');

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (module.phase !== 'CONFIG_DONE') {
    return refuse(regs, NOT_PENDING);
  }
  const bit = 1 << packageOf(module, lp);
  if ((module.packagesConfigured & bit) !== 0) return refuse(regs, PACKAGE_CONFIGURED);
  const keyFailure = programKey(conditions);
  if (keyFailure !== null) return end(module, regs, keyFailure);

  // Effect.
  module.packagesConfigured |= bit;
  if (bitCount(module.packagesConfigured) === module.totPackages) module.phase = 'READY';
  return succeed(regs);
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
