import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { KEYID_TABLE_LOCKED } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import type { ModuleState } from '../state.ts';
import { packageOf } from '../state.ts';

/**
 * Writes back the calling LP's package cache, block by block, for the KeyIDs that are FLUSHED when the session begins;
 * a pending interrupt stops it between two blocks, and a call with RCX = 1 goes on.
 *
 * A KeyID stays FLUSHED until it is freed, so that another session succeeds too.
 */
export const TDH_PHYMEM_CACHE_WB = createLeaf({
  name: 'TDH.PHYMEM.CACHE.WB',
  beforeReady: false,
  mayChangeWhenRefused: {
    statuses: 'any',
    why: 'TDH.PHYMEM.CACHE.WB forgets an interrupted session, and keeps one when interrupted (cachewb-*)',
  },
  source: 'TDX Module ABI specification, TDH.PHYMEM.CACHE.WB; recorded cases cachewb-*, life-walk*',
  run,
});

const START = 0;
const RESUME = 1;

const RCX_INVALID = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX), 'RCX is neither start nor resume');
const ALREADY_WRITING_BACK = refusal(
  withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.WBCACHE),
  'the package is writing back already',
);
const NOTHING_FLUSHED = refusal(STATUS.TDX_NO_HKID_READY_TO_WBCACHE, 'no KeyID is FLUSHED');
const NOTHING_TO_RESUME = refusal(STATUS.TDX_WBCACHE_RESUME_ERROR, 'no interrupted session to resume');
const INTERRUPTED = refusal(STATUS.TDX_INTERRUPTED_RESUMABLE, 'interrupt pending between two blocks');

function run(
  module: ModuleState,
  _hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const command = regs.rcx;
  const self = packageOf(module, lp);

  // Checks.
  if (command !== START && command !== RESUME) return refuse(regs, RCX_INVALID);
  if (conditions.writeBackLock !== 'free') return refuse(regs, ALREADY_WRITING_BACK);
  if (conditions.kotLock === 'exclusive') return refuse(regs, KEYID_TABLE_LOCKED);
  let block = 0;
  let keyids: readonly number[];
  if (command === START) {
    // The one effect of a start that finds nothing to do: an interrupted session is forgotten.
    module.writeBack.delete(self);
    keyids = flushedKeyIDs(module);
    if (keyids.length === 0) return refuse(regs, NOTHING_FLUSHED);
  } else {
    const session = module.writeBack.get(self);
    if (session === undefined) return refuse(regs, NOTHING_TO_RESUME);
    ({ block, keyids } = session);
  }

  // Effect. Interrupts are polled after each block but the last.
  const blockCount = module.sample?.writeBackBlocks ?? 1;
  if (conditions.interruptPending && block + 1 < blockCount) {
    module.writeBack.set(self, { block: block + 1, keyids });
    return refuse(regs, INTERRUPTED);
  }
  module.writeBack.delete(self);
  const mask = ~(1 << self);
  for (const keyid of keyids) {
    const entry = module.keyids.get(keyid);
    if (entry !== undefined) entry.writeBackPending &= mask;
  }
  return succeed(regs);
}

function flushedKeyIDs(module: ModuleState): readonly number[] {
  const keyids: number[] = [];
  for (const [keyid, entry] of module.keyids) if (entry.state === 'FLUSHED') keyids.push(keyid);
  return keyids;
}
