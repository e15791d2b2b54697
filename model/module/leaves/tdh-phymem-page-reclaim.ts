import { OPERAND } from '../../abi/operand-id.ts';
import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import { checkPage, coveringTDMR, isPageLocked, PAGE_IN_RCX, pageOwner, pageType, setPage } from '../pamt.ts';
import type { ModuleState, TDMRState } from '../state.ts';
import { clearPageResults } from './tdh-phymem-page-rdmd.ts';

/**
 * Takes a page back from a TD in TEARDOWN. Type, owner and level are reported before the owner is looked at, and stay
 * in the registers even if the call then fails.
 */
export const TDH_PHYMEM_PAGE_RECLAIM = createLeaf({
  name: 'TDH.PHYMEM.PAGE.RECLAIM',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source:
    'TDX Module ABI specification, TDH.PHYMEM.PAGE.RECLAIM; tdh_phymem_page_reclaim.c, TDX module 1.5.01; recorded cases life-*, reclaim-tdr-locked',
  run,
});

const PAGE_HAS_NO_OWNER = refusal(
  withDetails(STATUS.TDX_PAGE_METADATA_INCORRECT, OPERAND.RCX),
  'the page belongs to no TD',
);
const TDR_LOCKED = refusal(withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.TDR), 'the owning TDR is locked');
const NOT_IN_TEARDOWN = refusal(STATUS.TDX_LIFECYCLE_STATE_INCORRECT, 'the TD is not in TEARDOWN');
const TD_HAS_PAGES = refusal(STATUS.TDX_TD_ASSOCIATED_PAGES_EXIST, 'the TD still has pages');

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const page = regs.rcx;
  clearPageResults(regs);

  // Checks.
  const failure = checkPage(module, page, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  const address = page as number;
  const type = pageType(module, coveringTDMR(module, address) as TDMRState, address);
  if (type === PAGE_TYPE.NDA || type === PAGE_TYPE.RSVD) {
    return refuse(regs, PAGE_HAS_NO_OWNER);
  }
  const owner = pageOwner(module, address);
  regs.rcx = type;
  regs.rdx = owner;
  if (type !== PAGE_TYPE.TDR && isPageLocked(owner, 'shared', conditions)) {
    return refuse(regs, TDR_LOCKED);
  }
  const tdr = type === PAGE_TYPE.TDR ? address : owner;
  const td = module.tds.get(tdr);
  if (td === undefined || td.lifecycle !== 'TEARDOWN') {
    return refuse(regs, NOT_IN_TEARDOWN);
  }
  if (type === PAGE_TYPE.TDR && td.childCount !== 0) {
    return refuse(regs, TD_HAS_PAGES);
  }

  // Effect.
  if (type === PAGE_TYPE.TDR) module.tds.delete(tdr);
  else td.childCount -= 1;
  setPage(module, address, { type: PAGE_TYPE.NDA, owner });
  return succeed(regs);
}
