import { KEYID_END } from '../../abi/keyid.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { TDMR_COUNT_MAX, TDMR_INFO_ALIGNMENT } from '../../abi/tdmr-info.ts';
import { isBelow } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { readBlock, readWord } from '../../platform/memory.ts';
import { sharedAddress } from '../address.ts';
import { GLOBAL_LOCK_HELD } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import type { ModuleState, TDMRState } from '../state.ts';
import { isPrivateKeyID } from '../state.ts';
import { acceptTDMR } from '../tdmr.ts';

/**
 * Takes the TDMRs and the global private KeyID. One TDMR passes all its checks before the next one is read.
 *
 * Once the operands are accepted the KeyID is RESERVED for ever, whatever becomes of the TDMRs; everything else is kept
 * only on success.
 *
 * Of tdh_sys_config.c the model leaves out complete_cpuid_handling(), as no recorded answer depends on it;
 * pkg_config_bitmap = 0, as a module that was just loaded has no bit set; and the entries that accepted TDMRs leave in the
 * module's table when a later one fails, as their count stays 0.
 */
export const TDH_SYS_CONFIG = createLeaf({
  name: 'TDH.SYS.CONFIG',
  beforeReady: true,
  mayChangeWhenRefused: {
    statuses: 'any',
    why: 'TDH.SYS.CONFIG reserves the KeyID before it looks at the TDMRs (config-hkid-leak)',
  },
  source:
    'TDX Module ABI specification, TDH.SYS.CONFIG; tdh_sys_config.c, TDX module 1.5.01; recorded cases config-*, fuzzcfg-*',
  run,
});

const NOT_PENDING = refusal(STATUS.TDX_SYS_CONFIG_NOT_PENDING, 'not between TDH.SYS.INIT and TDH.SYS.CONFIG');
const LPS_MISSING = refusal(STATUS.TDX_SYS_CONFIG_NOT_PENDING, 'an LP has not run TDH.SYS.LP.INIT');
const RCX_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX),
  'RCX: array not 512-byte aligned, private, or in SEAMRR',
);
const RDX_INVALID = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RDX), 'RDX: no TDMR, or more than 64');
const R8_INVALID = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.R8), 'R8: no private KeyID');
const ENTRY_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX),
  'array entry: not 512-byte aligned, private, or in SEAMRR',
);

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const { rdx: count, r8: keyid } = regs;

  // Checks.
  if (conditions.globalLock !== 'free') return refuse(regs, GLOBAL_LOCK_HELD);
  if (module.phase !== 'SYSINIT_DONE') return refuse(regs, NOT_PENDING);
  if (!hasEnoughLPs(module)) return refuse(regs, LPS_MISSING);
  const array = sharedAddress(module, regs.rcx, TDMR_INFO_ALIGNMENT);
  if (array < 0) return refuse(regs, RCX_INVALID);
  if (!isBelow(count, TDMR_COUNT_MAX + 1) || count === 0) return refuse(regs, RDX_INVALID);
  if (!isBelow(keyid, KEYID_END) || !isPrivateKeyID(module, keyid)) return refuse(regs, R8_INVALID);

  // The one effect that comes before the TDMRs are looked at (recorded: config-hkid-leak).
  module.keyids.set(keyid, { state: 'RESERVED', writeBackPending: 0 });
  module.globalKeyID = keyid;

  const tdmrs: TDMRState[] = [];
  for (let index = 0; index < count; index += 1) {
    const entry = sharedAddress(module, readWord(hardware.memory, array + index * 8), TDMR_INFO_ALIGNMENT);
    if (entry < 0) return refuse(regs, ENTRY_INVALID);
    const failure = acceptTDMR(module, tdmrs, readBlock(hardware.memory, entry));
    if (failure !== null) return refuse(regs, failure);
  }

  // Effect.
  module.tdmrs = tdmrs;
  module.phase = 'CONFIG_DONE';
  return succeed(regs);
}

/** As many LPs have run TDH.SYS.LP.INIT as the release waits for. */
export function hasEnoughLPs(module: ModuleState): boolean {
  if (module.release.configWaitsFor === 'every-lp') return module.initialisedLPs >= module.totLPs;
  let packages = 0;
  for (const { initialised, package: number } of module.lps) if (initialised) packages |= 1 << number;
  let count = 0;
  for (let rest = packages; rest !== 0; rest &= rest - 1) count += 1;
  return count >= module.totPackages;
}
