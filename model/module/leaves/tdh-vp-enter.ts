import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
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

const TD_ON_ITS_WAY_OUT = refusal(STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is on its way out');
const ON_ANOTHER_LP = refusal(STATUS.TDX_VCPU_ASSOCIATED, 'the vCPU is associated with another LP');

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDVPR, PAGE_IN_RCX, 'shared', conditions);
  if (failure !== null) return refuse(regs, failure);
  const page = regs.rcx as number;
  const td = module.tds.get(pageOwner(module, page));
  if (td?.lifecycle !== 'KEYS_CONFIGURED') return refuse(regs, TD_ON_ITS_WAY_OUT);
  const on = td.vcpus.get(page) ?? -1;
  if (on !== -1 && on !== lp) return refuse(regs, ON_ANOTHER_LP);

  // Effect.
  td.vcpus.set(page, lp);
  return succeed(regs);
}
