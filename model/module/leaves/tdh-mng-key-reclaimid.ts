import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { succeed } from '../outcome.ts';
import type { ModuleState } from '../state.ts';

/** Does nothing, successfully; its work moved to TDH.MNG.VPFLUSHDONE. */
export const TDH_MNG_KEY_RECLAIMID = createLeaf({
  name: 'TDH.MNG.KEY.RECLAIMID',
  beforeReady: false,
  source: 'TDX Module ABI specification, TDH.MNG.KEY.RECLAIMID; recorded cases life-*',
  run,
});

function run(_module: ModuleState, _hardware: Hardware, _lp: number, regs: Registers): ModuleOutcome {
  return succeed(regs);
}
