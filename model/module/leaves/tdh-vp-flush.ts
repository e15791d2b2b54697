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
 * Ends the association of a vCPU (RCX = its TDVPR) with the calling LP.
 *
 * Inferred throughout, as TDH.VP.CREATE is.
 */
export const TDH_VP_FLUSH = createLeaf({
  name: 'TDH.VP.FLUSH',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  kernelOnly: true,
  source: 'TDX Module ABI specification, TDH.VP.FLUSH, TDH.MNG.VPFLUSHDONE',
  run,
});

const NOT_ON_THIS_LP = refusal(STATUS.TDX_VCPU_NOT_ASSOCIATED, 'the vCPU is not associated with this LP');

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDVPR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const page = regs.rcx as number;
  const td = module.tds.get(pageOwner(module, page));
  if (td?.vcpus.get(page) !== lp) return refuse(regs, NOT_ON_THIS_LP);

  // Effect.
  td.vcpus.set(page, -1);
  return succeed(regs);
}
