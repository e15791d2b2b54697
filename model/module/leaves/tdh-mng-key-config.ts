import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, die, refuse, succeed } from '../leaf.ts';
import { checkPageOfType, PAGE_IN_RCX } from '../pamt.ts';
import type { ModuleState, TDState } from '../state.ts';
import { packageOf } from '../state.ts';
import { KET_BUSY } from './tdh-sys-key-config.ts';

/** Programs a TD's key on the calling LP's package; with the last package that has the global key the TD is usable. */
export const TDH_MNG_KEY_CONFIG = createLeaf({
  name: 'TDH.MNG.KEY.CONFIG',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source: 'TDX Module ABI specification, TDH.MNG.KEY.CONFIG; recorded cases life-*',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (td.lifecycle !== 'HKID_ASSIGNED')
    return refuse(module, regs, STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is not waiting for its key');
  const bit = 1 << packageOf(module, lp);
  if ((td.packagesConfigured & bit) !== 0)
    return refuse(module, regs, STATUS.TDX_KEY_CONFIGURED, 'this package has the key already');
  if (conditions.pconfig === 'busy') return refuse(module, regs, KET_BUSY, 'PCONFIG: key table busy');
  if (conditions.pconfig === 'no-entropy')
    return refuse(module, regs, STATUS.TDX_KEY_GENERATION_FAILED, 'PCONFIG: no entropy');
  if (conditions.pconfig !== 'ok') return die(module, 'PCONFIG failed unexpectedly');

  // Effect.
  td.packagesConfigured |= bit;
  if (td.packagesConfigured === module.packagesConfigured) td.lifecycle = 'KEYS_CONFIGURED';
  return succeed(module, regs);
}
