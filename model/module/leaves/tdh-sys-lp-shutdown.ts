import type { Registers } from '../../abi/registers.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { succeed } from '../outcome.ts';
import type { ModuleState } from '../state.ts';

/** Kept for hosts of the 1.0 age: succeeds in every state and does nothing, even after TDH.SYS.SHUTDOWN. */
export const TDH_SYS_LP_SHUTDOWN = createLeaf({
  name: 'TDH.SYS.LP.SHUTDOWN',
  beforeReady: true,
  source: 'TDX Module ABI specification, TDH.SYS.LP.SHUTDOWN; recorded cases leaves-*, rax-*',
  run,
});

function run(_module: ModuleState, _hardware: Hardware, _lp: number, regs: Registers): ModuleOutcome {
  return succeed(regs);
}
