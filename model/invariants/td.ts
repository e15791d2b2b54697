import { PAGE_TYPE } from '../abi/page.ts';
import { ENOMEM, ENOSPC } from '../kernel/errno.ts';
import { messageNames } from '../kernel/message-subject.ts';
import type { KernelTD } from '../kernel/td.ts';
import { bootLP } from '../platform/topology.ts';
import type { EventRecord, SeamcallEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import {
  failed,
  failedSeamcall,
  isOverlapped,
  isUndisturbed,
  leafName,
  offence,
  offenceOf,
  statusClass,
} from './look.ts';
import { packagesWithoutCPU } from './lp.ts';

/** Guests: what KVM may ask of the module, and what it owes to the packages, KeyIDs and pages that it asks it with. */

const TD_EVENTS = ['td-create', 'td-destroy'] as const;
const KVM = 'arch/x86/kvm/vmx/tdx.c, Linux 6.16';
const POLICY = 'v8 13/16, Kai Huang, 10 Jan 2023 (KVM: no TD without a CPU in every package)';

/** The event's own SEAMCALLs of a leaf. */
function callsOf(world: World, record: EventRecord, name: string): SeamcallEntry[] {
  const calls: SeamcallEntry[] = [];
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && leafName(entry.leaf) === name) calls.push(entry);
  }
  return calls;
}

/** How often the last of these calls was tried in a row, whatever each try met. 0: it did not fail. */
function triesOf(calls: readonly SeamcallEntry[]): number {
  let tries = 0;
  const last = calls.at(-1);
  for (let at = calls.length - 1; at >= 0; at -= 1) {
    const entry = calls[at] as SeamcallEntry;
    if (!failed(entry) || entry.lp !== last?.lp || entry.inRCX !== last.inRCX) break;
    tries += entry.calls;
  }
  return tries;
}

const times = (tries: number): string => (tries === 1 ? 'once' : `${tries} times`);

/** True if one of the event's lines names the package or KeyID. */
function isNamed(record: EventRecord, what: 'package' | 'keyid', value: number): boolean {
  for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
    const message = record.kernel.dmesg[index];
    if (message !== undefined && messageNames(message, what, value)) return true;
  }
  return false;
}

/** A guest that is neither alive nor being made and whose KeyID was not returned. */
function isLost({ alive, hkid }: KernelTD): boolean {
  return !alive && hkid !== -1;
}

export const A_TD_HAS_ITS_KEY_ON_EVERY_PACKAGE: Always = {
  holds: 'always',
  id: 'td/has-its-key-on-every-package',
  statement: 'A TD that was created has its key on every package that the module has configured.',
  source: `__tdx_td_init(), ${KVM}; tdh_mng_key_config.c, TDX module 1.5.01`,
  after: ['td-create'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || !isUndisturbed(world)) return;
    for (const { alive, tdr } of world.kernel.tds) {
      const td = alive ? world.module.tds.get(tdr) : undefined;
      if (alive && td?.lifecycle !== 'KEYS_CONFIGURED')
        report(
          offence(td?.lifecycle ?? 'unknown', `the module says ${td?.lifecycle ?? 'nothing'} of a TD that is alive`),
        );
    }
  },
};

export const A_TD_NEEDS_EVERY_PACKAGE: Always = {
  holds: 'always',
  id: 'td/create-needs-every-package',
  statement: 'A TD that cannot have its key on every counted package is refused before the module hears of it.',
  source: POLICY,
  after: ['td-create'],
  needs: ['called'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || isOverlapped(world, record)) return;
    const dark = packagesWithoutCPU(world);
    const create = callsOf(world, record, 'TDH.MNG.CREATE')[0];
    if (dark.length > 0 && create !== undefined)
      report(offence('', `package ${dark.join(', ')} has no online CPU, and a TD is begun all the same`));
  },
};

export const A_REFUSED_TD_NAMES_THE_PACKAGE: Always = {
  holds: 'always',
  id: 'naming/refused-td-names-the-package',
  statement:
    'A TD that is refused for want of an online CPU in a package is refused with a line that names the package.',
  source: `${POLICY}; Dave Hansen, same day ("no online CPUs in package 12")`,
  after: ['td-create'],
  needs: ['said-no'],
  check: (world, record, report) => {
    if (record.outcome !== 'refused' || !isUndisturbed(world) || isOverlapped(world, record)) return;
    // No memory, no KeyID and a refused SEAMCALL are other reasons.
    if (record.errno === ENOMEM || record.errno === ENOSPC || failedSeamcall(world, record) !== undefined) return;
    for (const pkg of packagesWithoutCPU(world)) {
      if (isNamed(record, 'package', pkg)) continue;
      report(offence('', `package ${pkg} has no online CPU, and no line names it`));
      return;
    }
  },
};

export const THE_LAST_CPU_OF_A_PACKAGE_STAYS: Always = {
  holds: 'always',
  id: 'td/last-cpu-of-package-stays',
  statement: 'While a guest has a KeyID, no counted package loses its last online CPU.',
  source: `tdx_offline_cpu(), ${KVM}; L54903689223, core VMXON series; ${POLICY}`,
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['done'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'done' || !('lp' in event) || !isUndisturbed(world) || isOverlapped(world, record)) return;
    if (!world.kernel.tds.some(({ tdr, hkid }) => hkid !== -1 && world.module.tds.has(tdr))) return;
    const pkg = world.kernel.cpus[event.lp]?.package ?? -1;
    if (packagesWithoutCPU(world).includes(pkg))
      report(offence(event.kind, `LP ${event.lp} was the last of package ${pkg}, and a guest has a KeyID`));
  },
};

export const A_CPU_THAT_STAYS_IS_EXPLAINED: Always = {
  holds: 'always',
  id: 'naming/cpu-that-stays-names-the-package',
  statement: "A CPU that may not go offline for a guest's sake stays with a line that names its package.",
  source: `tdx_offline_cpu(), ${KVM} (the line names no package); v8 13/16, Dave Hansen, 10 Jan 2023`,
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'refused' || !('lp' in event) || event.lp === bootLP(world.platform.lps)) return;
    const pkg = world.kernel.cpus[event.lp]?.package ?? -1;
    if (world.kernel.guestKeyids.length > 0 && !isNamed(record, 'package', pkg))
      report(offence('', `LP ${event.lp} stays online, and no line names package ${pkg}`));
  },
};

export const THE_GLOBAL_KEYID_IS_NEVER_HANDED_OUT: Always = {
  holds: 'always',
  id: 'keyid/global-never-handed-out',
  statement: 'No guest gets the global KeyID, or one outside the private range.',
  source: `tdx_guest_keyid_alloc(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.16; tdh_mng_create.c, TDX module 1.5.01`,
  after: ['td-create'],
  needs: ['called'],
  check: (world, record, report) => {
    const { keyidStart, keyidCount } = world.kernel;
    for (const entry of callsOf(world, record, 'TDH.MNG.CREATE')) {
      const keyid = entry.inRDX;
      if (keyid === world.module.globalKeyID || keyid < keyidStart || keyid >= keyidStart + keyidCount)
        report(offenceOf(entry, `KeyID ${String(keyid)} for a guest`));
    }
  },
};

export const A_LEAKED_KEYID_IS_NEVER_REUSED: Always = {
  holds: 'always',
  id: 'keyid/never-reused-after-leak',
  statement: 'A KeyID that the module has not freed is not given to another guest.',
  source: `tdx_mmu_release_hkid(), ${KVM} (a KeyID whose TDH.MNG.KEY.FREEID failed is leaked, never reused)`,
  after: ['td-create'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    for (const entry of callsOf(world, record, 'TDH.MNG.CREATE'))
      if (statusClass(entry) === 'TDX_HKID_NOT_FREE')
        report(offenceOf(entry, `KeyID ${String(entry.inRDX)} is still another TD's`));
    for (const [keyid, { state }] of world.module.keyids)
      if (state !== 'RESERVED' && !world.kernel.guestKeyids.includes(keyid))
        report(offence(state, `KeyID ${keyid} is ${state} in the module, and free to the kernel`));
  },
};

export const A_LEAK_IS_TOLD: Always = {
  holds: 'always',
  id: 'keyid/leak-is-told',
  statement: 'A KeyID that is lost until the next boot is named in dmesg.',
  source: `tdx_mmu_release_hkid(), ${KVM} ("HKID %d is leaked.")`,
  after: TD_EVENTS,
  check: (world, record, report) => {
    const { kernel } = record;
    if (record.outcome === 'ignored' || isOverlapped(world, record)) return;
    // What an earlier event lost was that one's to tell.
    const own = [...callsOf(world, record, 'TDH.MNG.CREATE'), ...callsOf(world, record, 'TDH.MNG.VPFLUSHDONE')];
    for (const td of kernel.tds) {
      if (!isLost(td) || !own.some(({ inRCX }) => inRCX === td.tdr)) continue;
      if (!kernel.dmesg.some((message) => messageNames(message, 'keyid', td.hkid)))
        report(offence(record.kind, `KeyID ${td.hkid} is lost without a word`));
    }
  },
};

/** Tries after which a transient status may count as final. */
const ATTEMPTS = 10;

export const A_TRANSIENT_STATUS_COSTS_NO_KEYID: Always = {
  holds: 'always',
  id: 'keyid/transient-status-costs-no-keyid',
  statement: 'A KeyID is not lost because the module was busy once: taking a guest down tries ten times.',
  source:
    'flaw KOT-BUSY: TDH.MNG.KEY.FREEID and TDH.MNG.VPFLUSHDONE take the KeyID table lock by trying (module 1.5.01)',
  after: TD_EVENTS,
  needs: ['failed-call'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || !world.kernel.tds.some(isLost)) return;
    for (const name of ['TDH.MNG.VPFLUSHDONE', 'TDH.PHYMEM.CACHE.WB', 'TDH.MNG.KEY.FREEID']) {
      const calls = callsOf(world, record, name);
      const last = calls.at(-1);
      const tries = triesOf(calls);
      if (last === undefined || tries === 0 || tries >= ATTEMPTS) continue;
      if (statusClass(last) === 'TDX_OPERAND_BUSY' || statusClass(last) === 'TDX_SYS_BUSY') {
        report(offenceOf(last, `${name} was busy ${times(tries)}: a KeyID is lost`));
        return;
      }
    }
  },
};

/** What a module says that was busy, or had no luck with its random numbers, where another try might do. */
const TRANSIENT = ['TDX_OPERAND_BUSY', 'TDX_SYS_BUSY', 'TDX_KEY_GENERATION_FAILED'];

export const A_TRANSIENT_STATUS_COSTS_NO_TD: Always = {
  holds: 'always',
  id: 'td/transient-status-costs-no-td',
  statement: 'A guest is not given up because the module was busy once: making one tries ten times.',
  source:
    'flaw KOT-BUSY: TDH.MNG.CREATE takes the KeyID table lock by trying (module 1.5.01); __tdx_td_init(), Linux 6.16',
  after: ['td-create'],
  needs: ['said-no', 'failed-call'],
  check: (world, record, report) => {
    if (record.outcome !== 'refused' || !isUndisturbed(world)) return;
    for (const name of ['TDH.MNG.CREATE', 'TDH.MNG.KEY.CONFIG', 'TDH.MNG.ADDCX']) {
      const calls = callsOf(world, record, name);
      const last = calls.at(-1);
      const tries = triesOf(calls);
      if (last === undefined || tries >= ATTEMPTS || !TRANSIENT.includes(statusClass(last))) continue;
      report(offenceOf(last, `${name} was refused ${times(tries)}: no guest`));
      return;
    }
  },
};

export const NO_VCPU_STAYS_ON_A_CPU_THAT_GOES: Always = {
  holds: 'always',
  id: 'td/no-vcpu-stays-on-a-cpu-that-goes',
  statement: 'A CPU that goes offline takes no vCPU with it: the module has let go of all that last ran there.',
  source: `tdx_disable_virtualization_cpu(), ${KVM}; TDX Module ABI specification, TDH.VP.FLUSH (inferred: no recording has vCPUs)`,
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['done'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'done' || !('lp' in event) || !isUndisturbed(world) || isOverlapped(world, record)) return;
    for (const { vcpus } of world.module.tds.values())
      for (const [page, lp] of vcpus) {
        if (lp !== event.lp) continue;
        const flush = callsOf(world, record, 'TDH.VP.FLUSH').find(({ inRCX }) => inRCX === page);
        const message = `LP ${lp} is gone, and a vCPU is still associated with it: its guest cannot end`;
        report(flush === undefined ? offence('no flush', message) : offenceOf(flush, message));
      }
  },
};

export const A_TD_GIVES_EVERYTHING_BACK: Always = {
  holds: 'always',
  id: 'td/gives-everything-back',
  statement: 'A TD whose end no SEAMCALL refused leaves no KeyID, no page and no TD behind, here or in the module.',
  source: `tdx_mmu_release_hkid() and tdx_reclaim_td_control_pages(), ${KVM}`,
  after: ['td-destroy'],
  needs: ['called', 'done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || !isUndisturbed(world) || isOverlapped(world, record)) return;
    let tdr = -1;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall') continue;
      if (failed(entry)) return;
      if (leafName(entry.leaf) === 'TDH.MNG.VPFLUSHDONE' && typeof entry.inRCX === 'number') tdr = entry.inRCX;
    }
    if (world.module.tds.has(tdr) || world.kernel.tds.some((td) => td.tdr === tdr))
      report(offence('TDR', `the TD at 0x${tdr.toString(16)} is still there`));
  },
};

export const NO_CONTROL_PAGE_IS_FREED_TOO_EARLY: Always = {
  holds: 'always',
  id: 'td/no-control-page-is-freed-too-early',
  statement: 'A page that the module holds as TDR, TDCX or TDVPR is not given back to the page allocator.',
  source: `tdx_reclaim_td_control_pages(), ${KVM}; tdh_phymem_page_reclaim.c, TDX module 1.5.01`,
  after: TD_EVENTS,
  needs: ['traced'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || isOverlapped(world, record)) return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'free') continue;
      const type = world.module.pages.get(entry.address)?.type;
      if (type === PAGE_TYPE.TDR || type === PAGE_TYPE.TDCX || type === PAGE_TYPE.TDVPR)
        report(offence('', `the page at 0x${entry.address.toString(16)} is freed and still the module's`));
    }
  },
};
