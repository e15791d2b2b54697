import { KEYID_END } from '../../abi/keyid.ts';
import { PAGE_4K, PAGE_TYPE } from '../../abi/page.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { isBelow } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { zeroRange } from '../../platform/memory.ts';
import { KEYID_TABLE_LOCKED } from '../common-refusals.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
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
  source:
    'TDX Module ABI specification, TDH.MNG.CREATE; tdh_mng_create.c, TDX module 1.5.01; recorded cases create-*, life-no-entropy',
  run,
});

const RDX_INVALID = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RDX), 'RDX is no private KeyID');
const KEYID_NOT_FREE = refusal(STATUS.TDX_HKID_NOT_FREE, 'the KeyID is not free');
const RDSEED_FAILED = refusal(STATUS.TDX_RND_NO_ENTROPY, 'RDSEED failed; the page is zeroed');

function run(
  module: ModuleState,
  hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  const keyid = regs.rdx;

  // Checks.
  if (!isBelow(keyid, KEYID_END) || !isPrivateKeyID(module, keyid)) return refuse(regs, RDX_INVALID);
  const failure = checkPageOfType(module, regs.rcx, PAGE_TYPE.NDA, PAGE_IN_RCX, 'exclusive', conditions);
  if (failure !== null) return refuse(regs, failure);
  if (conditions.kotLock !== 'free') return refuse(regs, KEYID_TABLE_LOCKED);
  if (module.keyids.has(keyid)) return refuse(regs, KEYID_NOT_FREE);
  const tdr = regs.rcx as number;
  zeroRange(hardware.memory, tdr, PAGE_4K);
  if (conditions.entropy === 'none') return refuse(regs, RDSEED_FAILED);

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
  return succeed(regs);
}
