import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { NO_KEY_ON_EVERY_PACKAGE } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refuse, succeed } from '../outcome.ts';
import { checkPageOfType, PAGE_IN_RCX, PAGE_IN_RDX, setPage } from '../pamt.ts';
import type { ModuleState, TDState } from '../state.ts';

/**
 * Makes a vCPU's TDVPR out of a free page (RCX) and gives it to the TD (RDX).
 *
 * Inferred throughout: no recording has vCPUs. What else makes up a guest (TDH.MNG.INIT, its memory, its finalisation)
 * is not required of it, so only kernels call this leaf.
 */
export const TDH_VP_CREATE = createLeaf({
  name: 'TDH.VP.CREATE',
  beforeReady: false,
  readsPAMTOf: ['rcx', 'rdx'],
  kernelOnly: true,
  source: 'TDX Module ABI specification, TDH.VP.CREATE',
  run,
});

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const { rcx: page, rdx: tdr } = regs;

  // Checks.
  const pageFailure = checkPageOfType(module, page, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions);
  if (pageFailure !== null) return refuse(regs, pageFailure);
  const tdrFailure = checkPageOfType(module, tdr, PAGE_TYPE.TDR, PAGE_IN_RDX, 'shared', conditions);
  if (tdrFailure !== null) return refuse(regs, tdrFailure);
  const td = module.tds.get(tdr as number) as TDState;
  if (td.lifecycle !== 'KEYS_CONFIGURED') return refuse(regs, NO_KEY_ON_EVERY_PACKAGE);

  // Effect.
  td.vcpus.set(page as number, -1);
  td.childCount += 1;
  setPage(module, page as number, { type: PAGE_TYPE.TDVPR, owner: tdr as number });
  return succeed(regs);
}
