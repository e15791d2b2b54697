import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, refuse, succeed } from '../leaf.ts';
import { checkPageOfType, PAGE_IN_RCX } from '../pamt.ts';
import type { ModuleState, TDState } from '../state.ts';
import { KOT_BUSY } from './tdh-mng-create.ts';

/** Gives the KeyID of a blocked TD back once every package has written back its cache. */
export const TDH_MNG_KEY_FREEID = createLeaf({
  name: 'TDH.MNG.KEY.FREEID',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source: 'TDX Module ABI specification, TDH.MNG.KEY.FREEID; recorded cases life-*',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the life cycle before the lock, unlike TDH.MNG.VPFLUSHDONE.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (td.lifecycle !== 'BLOCKED')
    return refuse(module, regs, STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is not blocked');
  if (conditions.kotLock !== 'free') return refuse(module, regs, KOT_BUSY, 'KeyID table locked');
  if ((module.keyids.get(td.keyid)?.writeBackPending ?? 0) !== 0) {
    return refuse(module, regs, STATUS.TDX_WBCACHE_NOT_COMPLETE, 'a package has not written back its cache');
  }

  // Effect.
  module.keyids.delete(td.keyid);
  td.lifecycle = 'TEARDOWN';
  return succeed(module, regs);
}
