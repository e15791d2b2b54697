import { BUSY_STATUSES } from '../abi/transient-status.ts';
import { PAGE_TYPE } from '../abi/page.ts';
import type { Always } from './invariant.ts';
import {
  failed,
  hex,
  isOverlapped,
  isUndisturbed,
  leafName,
  offence,
  offenceOf,
  packagesWithoutCPU,
  statusClass,
  TD_EVENTS,
} from './look.ts';
import { ATTEMPTS, kernelCalls, times, triesOf } from './walk.ts';

/** Guests: which packages, LPs and pages KVM needs for one, and what it gives back. */

export const TD_HAS_ITS_KEY_ON_EVERY_PACKAGE: Always = {
  holds: 'always',
  id: 'td/has-its-key-on-every-package',
  severity: 'tdx-refused',
  statement: 'A TD that was created has its key on every package that the module has configured.',
  source: '__tdx_td_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; tdh_mng_key_config.c, TDX module 1.5.01',
  after: ['td-create'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || !isUndisturbed(world)) return;
    for (const { alive, tdr } of world.kernel.tds) {
      const td = alive ? world.module.tds.get(tdr) : undefined;
      if (alive && td?.lifecycle !== 'KEYS_CONFIGURED')
        report(
          offence(
            td?.lifecycle ?? 'unknown',
            `a TD is alive, and its state in the module is ${td?.lifecycle ?? 'unknown'}`,
          ),
        );
    }
  },
};

export const TD_CREATE_NEEDS_EVERY_PACKAGE: Always = {
  holds: 'always',
  id: 'td/create-needs-every-package',
  severity: 'tdx-refused',
  statement: 'A TD whose key cannot be programmed on every counted package is refused before the first SEAMCALL.',
  source: 'v8 13/16, Kai Huang, 10 Jan 2023 (KVM: no TD without a CPU in every package)',
  after: ['td-create'],
  needs: ['called'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || isOverlapped(world, record)) return;
    const dark = packagesWithoutCPU(world);
    const create = kernelCalls(world, record, 'TDH.MNG.CREATE')[0];
    if (dark.length > 0 && create !== undefined)
      report(offence('', `package ${dark.join(', ')} has no online CPU, and a TD is created anyway`));
  },
};

export const TD_LAST_CPU_OF_PACKAGE_STAYS: Always = {
  holds: 'always',
  id: 'td/last-cpu-of-package-stays',
  severity: 'part-lost',
  statement: 'While a guest holds a KeyID, no counted package loses its last online CPU.',
  source:
    'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; "KVM: x86/tdx: Have TDX handle VMXON during bringup", Sean Christopherson, 10 Oct 2025; v8 13/16, Kai Huang, 10 Jan 2023 (KVM: no TD without a CPU in every package)',
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

export const TD_TRANSIENT_STATUS_COSTS_NO_TD: Always = {
  holds: 'always',
  id: 'td/transient-status-costs-no-td',
  severity: 'part-lost',
  statement: 'A busy module does not make KVM give up a guest before it has tried ten times.',
  source:
    'tdh_mng_create.c, TDX module 1.5.01 (takes the lock of the KeyID table by trying); __tdx_td_init(), Linux 6.16',
  after: ['td-create'],
  needs: ['said-no', 'failed-call'],
  check: (world, record, report) => {
    if (record.outcome !== 'refused' || !isUndisturbed(world)) return;
    for (const name of ['TDH.MNG.CREATE', 'TDH.MNG.KEY.CONFIG', 'TDH.MNG.ADDCX']) {
      const calls = kernelCalls(world, record, name);
      const last = calls.at(-1);
      const tries = triesOf(calls);
      if (last === undefined || tries >= ATTEMPTS || !(BUSY_STATUSES as readonly string[]).includes(statusClass(last)))
        continue;
      report(offenceOf(last, `${name} was refused ${times(tries)}, and the guest is given up`));
      return;
    }
  },
};

export const TD_NO_VCPU_STAYS_ON_A_CPU_THAT_GOES: Always = {
  holds: 'always',
  id: 'td/no-vcpu-stays-on-a-cpu-that-goes',
  severity: 'part-lost',
  statement: 'Before a CPU goes offline, every vCPU that last ran there has been flushed.',
  source:
    'tdx_disable_virtualization_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; TDX Module ABI specification, TDH.VP.FLUSH (inferred: no recording has vCPUs)',
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['done'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'done' || !('lp' in event) || !isUndisturbed(world) || isOverlapped(world, record)) return;
    for (const { vcpus } of world.module.tds.values())
      for (const [page, lp] of vcpus) {
        if (lp !== event.lp) continue;
        const flush = kernelCalls(world, record, 'TDH.VP.FLUSH').find(({ inRCX }) => inRCX === page);
        const message = `LP ${lp} is offline, and a vCPU is still associated with it: its guest cannot be torn down`;
        report(flush === undefined ? offence('no flush', message) : offenceOf(flush, message));
      }
  },
};

export const TD_GIVES_EVERYTHING_BACK: Always = {
  holds: 'always',
  id: 'td/gives-everything-back',
  severity: 'part-lost',
  statement:
    'A TD whose teardown met no refused SEAMCALL leaves no KeyID, no page and no TD behind, in the kernel or in the module.',
  source: 'tdx_mmu_release_hkid() and tdx_reclaim_td_control_pages(), arch/x86/kvm/vmx/tdx.c, Linux 6.16',
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
      report(offence('TDR', `the TD at ${hex(tdr)} is still there`));
  },
};

export const TD_NO_CONTROL_PAGE_IS_FREED_TOO_EARLY: Always = {
  holds: 'always',
  id: 'td/no-control-page-is-freed-too-early',
  severity: 'memory',
  statement: 'A page that the module holds as TDR, TDCX or TDVPR is not returned to the page allocator.',
  source:
    'tdx_reclaim_td_control_pages(), arch/x86/kvm/vmx/tdx.c, Linux 6.16; tdh_phymem_page_reclaim.c, TDX module 1.5.01',
  after: TD_EVENTS,
  needs: ['traced'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || isOverlapped(world, record)) return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'free') continue;
      const type = world.module.pages.get(entry.address)?.type;
      if (type === PAGE_TYPE.TDR || type === PAGE_TYPE.TDCX || type === PAGE_TYPE.TDVPR)
        report(offence('', `the page at ${hex(entry.address)} is freed, and the module still holds it`, entry));
    }
  },
};
