import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, die, refuse, succeed } from '../leaf.ts';
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
  source: 'TDX Module ABI specification, TDH.SYS.KEY.CONFIG; recorded cases keyconfig-*',
  run,
});

export const KET_BUSY = withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.KET);

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  if (conditions.globalLock !== 'free') return refuse(module, regs, STATUS.TDX_SYS_BUSY, 'global lock held');
  if (module.phase !== 'CONFIG_DONE') {
    return refuse(module, regs, STATUS.TDX_SYS_KEY_CONFIG_NOT_PENDING, 'not between TDH.SYS.CONFIG and READY');
  }
  const bit = 1 << packageOf(module, lp);
  if ((module.packagesConfigured & bit) !== 0)
    return refuse(module, regs, STATUS.TDX_KEY_CONFIGURED, 'this package is configured already');
  if (conditions.pconfig === 'busy') return refuse(module, regs, KET_BUSY, 'PCONFIG: key table busy');
  if (conditions.pconfig === 'no-entropy')
    return refuse(module, regs, STATUS.TDX_KEY_GENERATION_FAILED, 'PCONFIG: no entropy');
  if (conditions.pconfig !== 'ok') return die(module, 'PCONFIG failed unexpectedly');

  // Effect.
  module.packagesConfigured |= bit;
  if (bitCount(module.packagesConfigured) === module.totPackages) module.phase = 'READY';
  return succeed(module, regs);
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
