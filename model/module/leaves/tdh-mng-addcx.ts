import { PAGE_4K, PAGE_TYPE } from '../../abi/page.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { zeroRange } from '../../platform/memory.ts';
import { NO_KEY_ON_EVERY_PACKAGE } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
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

const ALL_TDCX_PAGES_THERE = refusal(STATUS.TDX_TDCX_NUM_INCORRECT, 'the TD has all its TDCX pages');
const PAGE_IS_THE_TDR = refusal(
  withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.RCX),
  'RCX: the TDR itself, whose PAMT entry this call holds',
);
const RDSEED_FAILED = refusal(STATUS.TDX_RND_NO_ENTROPY, 'RDSEED failed; the page is filled');

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks: the TDR comes first.
  const tdrFailure = checkPageOfType(module, regs.rdx, PAGE_TYPE.TDR, PAGE_IN_RDX, 'exclusive', conditions);
  if (tdrFailure !== null) return refuse(regs, tdrFailure);
  const tdr = regs.rdx as number;
  const td = module.tds.get(tdr) as TDState;
  if (td.lifecycle !== 'KEYS_CONFIGURED') return refuse(regs, NO_KEY_ON_EVERY_PACKAGE);
  if (td.tdcxCount >= TDCX_COUNT_MAX) return refuse(regs, ALL_TDCX_PAGES_THERE);
  if (regs.rcx === tdr) return refuse(regs, PAGE_IS_THE_TDR);
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const page = regs.rcx as number;
  zeroRange(hardware.memory, page, PAGE_4K);
  if (td.tdcxCount === TDCX_INDEX_WITH_RANDOM && conditions.entropy === 'none') {
    return refuse(regs, RDSEED_FAILED);
  }

  // Effect.
  td.tdcxCount += 1;
  td.childCount += 1;
  setPage(module, page, { type: PAGE_TYPE.TDCX, owner: tdr });
  return succeed(regs);
}
