import { OPERAND } from '../../abi/operand-id.ts';
import { PAGE_TYPE } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { isBelow } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { zeroRange } from '../../platform/memory.ts';
import type { Conditions } from '../conditions.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, refuse, succeed } from '../leaf.ts';
import { checkPageOfType, PAGE_IN_RCX, setPage } from '../pamt.ts';
import type { ModuleState } from '../state.ts';
import { isPrivateKeyID } from '../state.ts';

/**
 * Makes a TDR out of a free page and gives the TD a KeyID.
 *
 * The page is zeroed before the random numbers are drawn: without entropy its contents are lost, though page and KeyID
 * stay free.
 */
export const TDH_MNG_CREATE = createLeaf({
  name: 'TDH.MNG.CREATE',
  beforeReady: false,
  readsPAMTOf: ['rcx'],
  mayChangeWhenRefused: {
    statuses: ['TDX_RND_NO_ENTROPY'],
    why: 'TDH.MNG.CREATE zeroes the page before it draws entropy (create-*)',
  },
  source: 'TDX Module ABI specification, TDH.MNG.CREATE; recorded cases create-*, life-no-entropy',
  run,
});

const RDX_INVALID = withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RDX);
export const KOT_BUSY = withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.KOT);
const KEYID_END = 0x10000;

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const keyid = regs.rdx;

  // Checks.
  if (!isBelow(keyid, KEYID_END) || !isPrivateKeyID(module, keyid))
    return refuse(module, regs, RDX_INVALID, 'RDX is no private KeyID');
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== 0) return refuse(module, regs, failure, module.lastReason);
  if (conditions.kotLock !== 'free') return refuse(module, regs, KOT_BUSY, 'KeyID table locked');
  if (module.keyids.has(keyid)) return refuse(module, regs, STATUS.TDX_HKID_NOT_FREE, 'the KeyID is not free');
  const tdr = regs.rcx as number;
  zeroRange(hardware.memory, tdr, 4096);
  if (conditions.entropy === 'none')
    return refuse(module, regs, STATUS.TDX_RND_NO_ENTROPY, 'RDSEED failed; the page is zeroed');

  // Effect.
  module.keyids.set(keyid, { state: 'ASSIGNED', writeBackPending: 0 });
  module.tds.set(tdr, {
    lifecycle: 'HKID_ASSIGNED',
    keyid,
    packagesConfigured: 0,
    tdcxCount: 0,
    childCount: 0,
    vcpus: new Map(),
  });
  setPage(module, tdr, { type: PAGE_TYPE.TDR, owner: 0 });
  return succeed(module, regs);
}
