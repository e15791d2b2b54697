import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { PAGE_TYPE } from '../abi/page.ts';
import type { Registers } from '../abi/registers.ts';
import { STATUS } from '../abi/status.ts';
import type { Conditions } from './conditions.ts';
import { type Leaf, type ModuleOutcome, refuse, succeed } from './leaf.ts';
import { checkPageOfType, PAGE_IN_RCX, PAGE_IN_RDX, pageOwner, setPage } from './pamt.ts';
import type { ModuleState, TDState } from './state.ts';

/**
 * A guest's vCPUs, as far as the LPs they are associated with go: TDH.VP.CREATE (RCX = TDVPR page, RDX = TDR),
 * TDH.VP.ENTER and TDH.VP.FLUSH (RCX = TDVPR page). Inferred throughout: no recording has vCPUs. Whatever else makes up
 * a guest (TDH.MNG.INIT, its memory, its finalisation) is not asked for, so this is for kernels only: the dispatcher,
 * and with it every comparison with a module, goes on calling these leaves unsupported.
 *
 * Source: TDX Module ABI specification, TDH.VP.CREATE, TDH.VP.ENTER, TDH.VP.FLUSH, TDH.MNG.VPFLUSHDONE.
 */
export function callVCPULeaf(module: ModuleState, lp: number, regs: Registers, conditions: Conditions): ModuleOutcome {
  switch (regs.rax) {
    case LEAF_NUMBER['TDH.VP.CREATE']:
      return create(module, regs, conditions);
    case LEAF_NUMBER['TDH.VP.ENTER']:
      return enter(module, lp, regs, conditions);
    case LEAF_NUMBER['TDH.VP.FLUSH']:
      return flush(module, lp, regs, conditions);
    default:
      return 'unsupported';
  }
}

/** What each reads of the PAMT. */
export const VCPU_LEAVES: readonly Pick<Leaf, 'name' | 'readsPAMTOf'>[] = [
  { name: 'TDH.VP.CREATE', readsPAMTOf: ['rcx', 'rdx'] },
  { name: 'TDH.VP.ENTER', readsPAMTOf: ['rcx'] },
  { name: 'TDH.VP.FLUSH', readsPAMTOf: ['rcx'] },
];

function create(module: ModuleState, regs: Registers, conditions: Conditions): ModuleOutcome {
  const { rcx: page, rdx: tdr } = regs;
  const failure =
    checkPageOfType(module, page, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions) ||
    checkPageOfType(module, tdr, PAGE_TYPE.TDR, PAGE_IN_RDX, 'shared', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const td = module.tds.get(tdr as number) as TDState;
  if (td.lifecycle !== 'KEYS_CONFIGURED')
    return refuse(module, regs, STATUS.TDX_TD_KEYS_NOT_CONFIGURED, 'the TD has no key on every package');
  td.vcpus.set(page as number, -1);
  td.childCount += 1;
  setPage(module, page as number, { type: PAGE_TYPE.TDVPR, owner: tdr as number });
  return succeed(module, regs);
}

/** The guest runs and comes back; what stays of it is the association. */
function enter(module: ModuleState, lp: number, regs: Registers, conditions: Conditions): ModuleOutcome {
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDVPR, PAGE_IN_RCX, 'shared', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const page = regs.rcx as number;
  const td = module.tds.get(pageOwner(module, page));
  if (td?.lifecycle !== 'KEYS_CONFIGURED')
    return refuse(module, regs, STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is on its way out');
  const on = td.vcpus.get(page) ?? -1;
  if (on !== -1 && on !== lp)
    return refuse(module, regs, STATUS.TDX_VCPU_ASSOCIATED, 'the vCPU is associated with another LP');
  td.vcpus.set(page, lp);
  return succeed(module, regs);
}

function flush(module: ModuleState, lp: number, regs: Registers, conditions: Conditions): ModuleOutcome {
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.TDVPR, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const page = regs.rcx as number;
  const td = module.tds.get(pageOwner(module, page));
  if (td?.vcpus.get(page) !== lp)
    return refuse(module, regs, STATUS.TDX_VCPU_NOT_ASSOCIATED, 'the vCPU is not associated with this LP');
  td.vcpus.set(page, -1);
  return succeed(module, regs);
}
