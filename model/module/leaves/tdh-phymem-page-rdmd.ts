import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refuse, succeed } from '../outcome.ts';
import { checkPage, coveringTDMR, PAGE_IN_RCX, pageOwner, pageType } from '../pamt.ts';
import type { ModuleState, TDMRState } from '../state.ts';

/**
 * Tells whose a page is. Nothing can be read before the whole 1 GiB around it is initialised; the former owner of a
 * reclaimed page is still named.
 */
export const TDH_PHYMEM_PAGE_RDMD = createLeaf({
  name: 'TDH.PHYMEM.PAGE.RDMD',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  onlyReads: true,
  source: 'TDX Module ABI specification, TDH.PHYMEM.PAGE.RDMD; recorded cases rdmd-*',
  run,
});

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
  const failure = checkPage(module, page, PAGE_IN_RCX, 'shared', conditions);
  if (failure !== null) return refuse(regs, failure);

  // Effect. R8 (size level) is 0: these leaves make 4 KiB pages only.
  const address = page as number;
  regs.rcx = pageType(module, coveringTDMR(module, address) as TDMRState, address);
  regs.rdx = pageOwner(module, address);
  return succeed(regs);
}

/** RCX to R11, which RDMD and RECLAIM zero before anything else. */
export function clearPageResults(regs: Registers): void {
  regs.rcx = 0;
  regs.rdx = 0;
  regs.r8 = 0;
  regs.r9 = 0;
  regs.r10 = 0;
  regs.r11 = 0;
}
