import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { zeroRange } from '../../platform/memory.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, refuse, succeed } from '../leaf.ts';
import { checkPageOfType, PAGE_IN_RCX, PAGE_IN_RDX, setPage } from '../pamt.ts';
import type { ModuleState, TDState } from '../state.ts';

/**
 * Adds a page to a TD's control structure. The sixth one draws random numbers after the page was filled: without
 * entropy its contents are lost though the page stays free.
 */
export const TDH_MNG_ADDCX = createLeaf({
  name: 'TDH.MNG.ADDCX',
  beforeReady: false,
  readsPAMTOf: ['rcx', 'rdx'],
  mayChangeWhenRefused: {
    statuses: ['TDX_RND_NO_ENTROPY'],
    why: 'TDH.MNG.ADDCX fills the sixth page before it draws entropy (addcx-*)',
  },
  source: 'TDX Module ABI specification, TDH.MNG.ADDCX; recorded cases addcx-*, life-tdcx',
  run,
});

const TDCX_COUNT_MAX = 9;
const TDCX_INDEX_WITH_RANDOM = 5;

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the TDR comes first.
  const tdrFailure = checkPageOfType(module, regs.rdx, PAGE_TYPE.TDR, PAGE_IN_RDX, 'exclusive', conditions);
  if (tdrFailure !== 0) return refuse(module, regs, tdrFailure, module.lastReason);
  const tdr = regs.rdx as number;
  const td = module.tds.get(tdr) as TDState;
  if (td.lifecycle !== 'KEYS_CONFIGURED')
    return refuse(module, regs, STATUS.TDX_TD_KEYS_NOT_CONFIGURED, 'the TD has no key on every package');
  if (td.tdcxCount >= TDCX_COUNT_MAX)
    return refuse(module, regs, STATUS.TDX_TDCX_NUM_INCORRECT, 'the TD has all its TDCX pages');
  if (regs.rcx === tdr)
    return refuse(module, regs, PAGE_IN_RCX.busy, 'RCX: the TDR itself, whose PAMT entry this call holds');
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  const page = regs.rcx as number;
  zeroRange(hardware.memory, page, 4096);
  if (td.tdcxCount === TDCX_INDEX_WITH_RANDOM && conditions.entropy === 'none') {
    return refuse(module, regs, STATUS.TDX_RND_NO_ENTROPY, 'RDSEED failed; the page is filled');
  }

  // Effect.
  td.tdcxCount += 1;
  td.childCount += 1;
  setPage(module, page, { type: PAGE_TYPE.TDCX, owner: tdr });
  return succeed(module, regs);
}
