import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, succeed } from '../leaf.ts';
import type { ModuleState } from '../state.ts';

/** Does nothing, successfully; its work moved to TDH.MNG.VPFLUSHDONE. */
export const TDH_MNG_KEY_RECLAIMID = createLeaf({
  name: 'TDH.MNG.KEY.RECLAIMID',
  beforeReady: false,
  source: 'TDX Module ABI specification, TDH.MNG.KEY.RECLAIMID; recorded cases life-*',
  run,
});

function run(module: ModuleState, _hardware: Hardware, _lp: number, regs: Registers): ModuleOutcome {
  return succeed(module, regs);
}
