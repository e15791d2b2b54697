import { PHYSICAL_END } from '../../abi/size.ts';
import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import type { U64 } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refuse, succeed } from '../outcome.ts';
import { checkPageOfType, PAGE_IN_RCX } from '../pamt.ts';
import type { ModuleState } from '../state.ts';

/** Writes back and invalidates the lines of a page that no TD owns any more; its KeyID bits are stripped first. */
export const TDH_PHYMEM_PAGE_WBINVD = createLeaf({
  name: 'TDH.PHYMEM.PAGE.WBINVD',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  source: 'TDX Module ABI specification, TDH.PHYMEM.PAGE.WBINVD; recorded case pagewbinvd',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  // Checks.
  const failure = checkPageOfType(
    module,
    withoutKeyID(module, regs.rcx),
    PAGE_TYPE.NDA,
    PAGE_IN_RCX,
    'shared',
    conditions,
  );
  if (failure !== null) return refuse(regs, failure);

  // Effect: none that a register or the PAMT would show.
  return succeed(regs);
}

function withoutKeyID(module: ModuleState, value: U64): U64 {
  return typeof value === 'number' && value < PHYSICAL_END ? value % module.addressEnd : value;
}
