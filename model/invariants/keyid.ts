import { messageNames } from '../kernel/message-subject.ts';
import type { KernelTD } from '../kernel/td.ts';
import type { Always } from './invariant.ts';
import { TD_EVENTS, isOverlapped, isUndisturbed, offence, offenceOf, statusClass } from './look.ts';
import { ATTEMPTS, kernelCalls, times, triesOf } from './walk.ts';

/** KeyIDs: the range the host computes, which of them it uses, and which it loses. */

export const KEYID_RANGE: Always = {
  holds: 'always',
  id: 'keyid/range',
  severity: 'tdx-lost',
  statement: 'The private KeyID range does not wrap, excludes KeyID 0 and fits the KeyID bits of the machine.',
  source:
    'record_keyid_partitioning(), Linux 6.12 (low half + 1, taken verbatim); v3 00/21, Kai Huang, 6 Apr 2022 (checked on every CPU)',
  after: ['boot'],
  check: (world, _, report) => {
    const { keyidStart, keyidCount, platformEnabled } = world.kernel;
    if (!platformEnabled) return;
    if (keyidStart === 0)
      report(offence('zero', `the range [${keyidStart}, ${keyidStart + keyidCount}) begins with KeyID 0`));
    else if (keyidStart + keyidCount > 2 ** 32)
      report(offence('wraps', `the range of ${keyidCount} KeyIDs from ${keyidStart} wraps`));
    else if (keyidStart + keyidCount > 2 ** world.hardware.keyidBits)
      report(
        offence(
          'bits',
          `the range [${keyidStart}, ${keyidStart + keyidCount}) does not fit ${world.hardware.keyidBits} KeyID bits`,
        ),
      );
  },
};

export const KEYID_AT_LEAST_TWO: Always = {
  holds: 'always',
  id: 'keyid/at-least-two',
  severity: 'tdx-lost',
  statement: 'TDX is offered only with at least two private KeyIDs: one for the module, one for a guest.',
  source: 'tdx_init(), Linux 6.12',
  after: ['boot'],
  check: (world, _, report) => {
    if (world.kernel.platformEnabled && world.kernel.keyidCount < 2)
      report(offence('count', `TDX is offered with ${world.kernel.keyidCount} private KeyIDs`));
  },
};

export const KEYID_GLOBAL_IS_PRIVATE: Always = {
  holds: 'always',
  id: 'keyid/global-is-private',
  severity: 'tdx-lost',
  statement: "The module's global KeyID is in its private range and is the one the kernel chose.",
  source: 'tdx_init(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['is-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || !isUndisturbed(world)) return;
    const { globalKeyID, keyidFirst, keyidLast } = world.module;
    if (globalKeyID !== world.kernel.globalKeyID || globalKeyID < keyidFirst || globalKeyID > keyidLast)
      report(
        offence(
          'initialised',
          `global KeyID ${globalKeyID}, the kernel's ${world.kernel.globalKeyID}, private [${keyidFirst}, ${keyidLast}]`,
        ),
      );
  },
};

export const KEYID_GLOBAL_NEVER_HANDED_OUT: Always = {
  holds: 'always',
  id: 'keyid/global-never-handed-out',
  severity: 'memory',
  statement: 'No guest gets the global KeyID or a KeyID outside the private range.',
  source: 'tdx_guest_keyid_alloc(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.16; tdh_mng_create.c, TDX module 1.5.01',
  after: ['td-create'],
  needs: ['called'],
  check: (world, record, report) => {
    const { keyidStart, keyidCount } = world.kernel;
    for (const entry of kernelCalls(world, record, 'TDH.MNG.CREATE')) {
      const keyid = entry.inRDX;
      if (keyid === world.module.globalKeyID || keyid < keyidStart || keyid >= keyidStart + keyidCount)
        report(offenceOf(entry, `KeyID ${String(keyid)} for a guest`));
    }
  },
};

export const KEYID_NEVER_REUSED_AFTER_LEAK: Always = {
  holds: 'always',
  id: 'keyid/never-reused-after-leak',
  severity: 'memory',
  statement: 'A KeyID that the module has not freed is not given to another guest.',
  source:
    'tdx_mmu_release_hkid(), arch/x86/kvm/vmx/tdx.c, Linux 6.16 (a KeyID whose TDH.MNG.KEY.FREEID failed is leaked, never reused)',
  after: ['td-create'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    for (const entry of kernelCalls(world, record, 'TDH.MNG.CREATE'))
      if (statusClass(entry) === 'TDX_HKID_NOT_FREE')
        report(offenceOf(entry, `KeyID ${String(entry.inRDX)} is still another TD's`));
    for (const [keyid, { state }] of world.module.keyids)
      if (state !== 'RESERVED' && !world.kernel.guestKeyids.includes(keyid))
        report(offence(state, `KeyID ${keyid} is ${state} in the module, and free to the kernel`));
  },
};

/** True for a guest that is neither alive nor being created and whose KeyID was not returned. */
function isLost({ alive, hkid }: KernelTD): boolean {
  return !alive && hkid !== -1;
}

export const KEYID_LEAK_IS_TOLD: Always = {
  holds: 'always',
  id: 'keyid/leak-is-told',
  severity: 'part-lost',
  statement: 'A KeyID that is leaked until the next boot is named in dmesg.',
  source: 'tdx_mmu_release_hkid(), arch/x86/kvm/vmx/tdx.c, Linux 6.16 ("HKID %d is leaked.")',
  after: TD_EVENTS,
  check: (world, record, report) => {
    const { kernel } = record;
    if (record.outcome === 'ignored' || isOverlapped(world, record)) return;
    // A KeyID that an earlier event leaked was judged there.
    const own = [...kernelCalls(world, record, 'TDH.MNG.CREATE'), ...kernelCalls(world, record, 'TDH.MNG.VPFLUSHDONE')];
    for (const td of kernel.tds) {
      if (!isLost(td) || !own.some(({ inRCX }) => inRCX === td.tdr)) continue;
      if (!kernel.dmesg.some((message) => messageNames(message, 'keyid', td.hkid)))
        report(offence(record.kind, `KeyID ${td.hkid} is leaked, and no line names it`));
    }
  },
};

export const KEYID_TRANSIENT_STATUS_COSTS_NO_KEYID: Always = {
  holds: 'always',
  id: 'keyid/transient-status-costs-no-keyid',
  severity: 'part-lost',
  statement: 'A busy module does not make KVM leak a KeyID before it has tried ten times.',
  source:
    'tdh_mng_key_freeid.c and tdh_mng_vpflushdone.c, TDX module 1.5.01 (take the lock of the KeyID table by trying)',
  after: TD_EVENTS,
  needs: ['failed-call'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || !world.kernel.tds.some(isLost)) return;
    for (const name of ['TDH.MNG.VPFLUSHDONE', 'TDH.PHYMEM.CACHE.WB', 'TDH.MNG.KEY.FREEID']) {
      const calls = kernelCalls(world, record, name);
      const last = calls.at(-1);
      const tries = triesOf(calls);
      if (last === undefined || tries === 0 || tries >= ATTEMPTS) continue;
      if (statusClass(last) === 'TDX_OPERAND_BUSY' || statusClass(last) === 'TDX_SYS_BUSY') {
        report(offenceOf(last, `${name} was busy ${times(tries)}: a KeyID is leaked`));
        return;
      }
    }
  },
};
