import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { KEYID_TABLE_LOCKED } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import { checkPageOfType, PAGE_IN_RCX } from '../pamt.ts';
import type { ModuleState, TDState } from '../state.ts';

/** Gives the KeyID of a blocked TD back once every package has written back its cache. */
export const TDH_MNG_KEY_FREEID = createLeaf({
  name: 'TDH.MNG.KEY.FREEID',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source:
    'TDX Module ABI specification, TDH.MNG.KEY.FREEID; tdh_mng_key_freeid.c, TDX module 1.5.01; recorded cases life-*',
  run,
});

const NOT_BLOCKED = refusal(STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is not blocked');
const CACHE_NOT_WRITTEN_BACK = refusal(STATUS.TDX_WBCACHE_NOT_COMPLETE, 'a package has not written back its cache');

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the life cycle before the lock, unlike TDH.MNG.VPFLUSHDONE.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (td.lifecycle !== 'BLOCKED') return refuse(regs, NOT_BLOCKED);
  if (conditions.kotLock !== 'free') return refuse(regs, KEYID_TABLE_LOCKED);
  if ((module.keyids.get(td.keyid)?.writeBackPending ?? 0) !== 0) {
    return refuse(regs, CACHE_NOT_WRITTEN_BACK);
  }

  // Effect.
  module.keyids.delete(td.keyid);
  td.lifecycle = 'TEARDOWN';
  return succeed(regs);
}
