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

/** The TD runs nowhere any more: its KeyID becomes FLUSHED and every package's cache has to be written back. */
export const TDH_MNG_VPFLUSHDONE = createLeaf({
  name: 'TDH.MNG.VPFLUSHDONE',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source:
    'TDX Module ABI specification, TDH.MNG.VPFLUSHDONE; tdh_mng_vpflushdone.c, TDX module 1.5.01; recorded cases life-*',
  run,
});

const ALREADY_BLOCKED = refusal(STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is blocked already');
const VCPU_ASSOCIATED = refusal(STATUS.TDX_FLUSHVP_NOT_DONE, 'a vCPU is still associated with an LP');

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the lock before the life cycle, unlike TDH.MNG.KEY.FREEID.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const td = module.tds.get(regs.rcx as number) as TDState;
  if (conditions.kotLock !== 'free') return refuse(regs, KEYID_TABLE_LOCKED);
  if (td.lifecycle !== 'HKID_ASSIGNED' && td.lifecycle !== 'KEYS_CONFIGURED') {
    return refuse(regs, ALREADY_BLOCKED);
  }
  // Inferred: no recording has vCPUs.
  for (const lp of td.vcpus.values()) if (lp !== -1) return refuse(regs, VCPU_ASSOCIATED);

  // Effect.
  td.lifecycle = 'BLOCKED';
  module.keyids.set(td.keyid, { state: 'FLUSHED', writeBackPending: module.packagesConfigured });
  return succeed(regs);
}
