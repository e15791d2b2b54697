import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { GLOBAL_LOCK_HELD } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import type { ModuleState } from '../state.ts';
import { hasEnoughLPs } from './tdh-sys-config.ts';

/** Takes over the tables of the module that was shut down before this one was loaded: READY without any key. */
export const TDH_SYS_UPDATE = createLeaf({
  name: 'TDH.SYS.UPDATE',
  beforeReady: true,
  source: 'TDX Module ABI specification, TDH.SYS.UPDATE; recorded cases update-*, perm-*U*',
  run,
});

const NOT_PENDING = refusal(STATUS.TDX_SYS_STATE_INCORRECT, 'not right after initialisation of every LP');
const NO_HANDOFF = refusal(STATUS.TDX_SYS_INVALID_HANDOFF, 'no handoff data, or of a version this module cannot read');

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const { handoff } = module;
  const { moduleHv, minUpdateHv } = hardware.loader;

  // Checks.
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (module.phase !== 'SYSINIT_DONE' || !hasEnoughLPs(module)) {
    return refuse(regs, NOT_PENDING);
  }
  const { data } = handoff;
  if (handoff.valid === 0 || data === null || handoff.version < minUpdateHv || handoff.version > moduleHv) {
    return refuse(regs, NO_HANDOFF);
  }

  // Effect. What a refused TDH.SYS.CONFIG left behind is overwritten; the header's version stays.
  module.keyids.clear();
  module.writeBack.clear();
  for (const [keyid, entry] of data.keyids) module.keyids.set(keyid, entry);
  for (const [number, session] of data.writeBack) module.writeBack.set(number, session);
  module.tdmrs = data.tdmrs;
  module.globalKeyID = data.globalKeyID;
  module.packagesConfigured = data.packagesConfigured;
  module.phase = 'READY';
  handoff.valid = 0;
  handoff.size = 0;
  handoff.data = null;
  return succeed(regs);
}
