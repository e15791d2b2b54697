import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, refuse, succeed } from '../leaf.ts';
import { checkPageOfType, PAGE_IN_RCX, pageOwner } from '../pamt.ts';
import type { ModuleState } from '../state.ts';

/**
 * The guest runs on the calling LP and comes back; what stays of it is the association of the vCPU (RCX = its TDVPR).
 *
 * Inferred throughout, as TDH.VP.CREATE is.
 */
export const TDH_VP_ENTER = createLeaf({
  name: 'TDH.VP.ENTER',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  kernelOnly: true,
  source: 'TDX Module ABI specification, TDH.VP.ENTER',
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
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDVPR, PAGE_IN_RCX, 'shared', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const page = regs.rcx as number;
  const td = module.tds.get(pageOwner(module, page));
  if (td?.lifecycle !== 'KEYS_CONFIGURED')
    return refuse(module, regs, STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is on its way out');
  const on = td.vcpus.get(page) ?? -1;
  if (on !== -1 && on !== lp)
    return refuse(module, regs, STATUS.TDX_VCPU_ASSOCIATED, 'the vCPU is associated with another LP');

  // Effect.
  td.vcpus.set(page, lp);
  return succeed(module, regs);
}
