import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { end, refusal, refuse, succeed } from '../outcome.ts';
import { checkPageOfType, PAGE_IN_RCX } from '../pamt.ts';
import { programKey } from '../pconfig.ts';
import type { ModuleState, TDState } from '../state.ts';
import { packageOf } from '../state.ts';

/** Programs a TD's key on the calling LP's package; with the last package that has the global key the TD is usable. */
export const TDH_MNG_KEY_CONFIG = createLeaf({
  name: 'TDH.MNG.KEY.CONFIG',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source:
    'TDX Module ABI specification, TDH.MNG.KEY.CONFIG; tdh_mng_key_config.c, TDX module 1.5.01; recorded cases life-*',
  run,
});

const NOT_WAITING_FOR_KEY = refusal(STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is not waiting for its key');
const PACKAGE_HAS_THE_KEY = refusal(STATUS.TDX_KEY_CONFIGURED, 'this package has the key already');

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (td.lifecycle !== 'HKID_ASSIGNED') return refuse(regs, NOT_WAITING_FOR_KEY);
  const bit = 1 << packageOf(module, lp);
  if ((td.packagesConfigured & bit) !== 0) return refuse(regs, PACKAGE_HAS_THE_KEY);
  const keyFailure = programKey(conditions);
  if (keyFailure !== null) return end(module, regs, keyFailure);

  // Effect.
  td.packagesConfigured |= bit;
  if (td.packagesConfigured === module.packagesConfigured) td.lifecycle = 'KEYS_CONFIGURED';
  return succeed(regs);
}
