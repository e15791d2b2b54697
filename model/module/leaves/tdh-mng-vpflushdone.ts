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

/** The TD runs nowhere any more: its KeyID becomes FLUSHED and every package's cache has to be written back. */
export const TDH_MNG_VPFLUSHDONE = createLeaf({
  name: 'TDH.MNG.VPFLUSHDONE',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source: 'TDX Module ABI specification, TDH.MNG.VPFLUSHDONE; recorded cases life-*',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the lock before the life cycle, unlike TDH.MNG.KEY.FREEID.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (conditions.kotLock !== 'free') return refuse(module, regs, KOT_BUSY, 'KeyID table locked');
  if (td.lifecycle !== 'HKID_ASSIGNED' && td.lifecycle !== 'KEYS_CONFIGURED') {
    return refuse(module, regs, STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is blocked already');
  }
  // Inferred: no recording has vCPUs.
  for (const lp of td.vcpus.values())
    if (lp !== -1) return refuse(module, regs, STATUS.TDX_FLUSHVP_NOT_DONE, 'a vCPU is still associated with an LP');

  // Effect.
  td.lifecycle = 'BLOCKED';
  module.keyids.set(td.keyid, { state: 'FLUSHED', writeBackPending: module.packagesConfigured });
  return succeed(module, regs);
}
