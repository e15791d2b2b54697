import type { KernelState } from '../kernel/state.ts';
import { EMERALD_RAPIDS, SAPPHIRE_RAPIDS } from '../kernel/steps/linux/detect.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { inOrder, leafName, offence } from './look.ts';

/** CPUs and memory that come and go, machine checks, kexec. Bytes. */

const PAGE = 4096;

/** True if [base, end) lies in the union of the kernel's TDX memory entries. */
function isInTDXMemory(world: World, base: number, end: number): boolean {
  let covered = base;
  for (let rounds = world.kernel.tdxMemory.length; rounds > 0 && covered < end; rounds -= 1)
    for (const { startPfn, endPfn } of world.kernel.tdxMemory)
      if (startPfn * PAGE <= covered && covered < endPfn * PAGE) covered = endPfn * PAGE;
  return covered >= end;
}

export const A_RANGE_INSIDE_TDX_MEMORY_MAY_COME_BACK: Always = {
  holds: 'always',
  id: 'hotplug/union-of-entries-is-accepted',
  statement: 'Memory that lies in the union of the TDX memory entries may go online, also across two of them.',
  source: 'v7 10/20 review, Dave Hansen (L36974333584); is_tdx_memory(), Linux 6.12',
  after: ['memory-add'],
  needs: ['was-initialised', 'said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (event.kind !== 'memory-add' || record.outcome !== 'refused' || record.statusBefore !== 'initialised') return;
    if (isInTDXMemory(world, event.base, event.base + event.size))
      report(
        offence(
          'refused',
          `[0x${event.base.toString(16)}, 0x${(event.base + event.size).toString(16)}) is TDX memory and was refused`,
        ),
      );
  },
};

export const A_RANGE_OUTSIDE_TDX_MEMORY_IS_REFUSED: Always = {
  holds: 'always',
  id: 'hotplug/outside-is-refused',
  statement: 'Once TDX is initialised, memory outside the TDX memory does not reach the page allocator.',
  source: 'tdx_memory_notifier(), Linux 6.12; v5 22/22, "Memory Hotplug"',
  after: ['memory-add'],
  needs: ['was-initialised', 'done'],
  check: (world, record, report) => {
    const { event } = record;
    if (
      event.kind !== 'memory-add' ||
      event.how === 'zone-device' ||
      record.outcome !== 'done' ||
      record.statusBefore !== 'initialised'
    )
      return;
    if (!isInTDXMemory(world, event.base, event.base + event.size))
      report(
        offence(
          event.how,
          `[0x${event.base.toString(16)}, 0x${(event.base + event.size).toString(16)}) went online and is no TDX memory`,
        ),
      );
  },
};

export const ZONE_DEVICE_IS_LEFT_ALONE: Always = {
  holds: 'always',
  id: 'hotplug/zone-device-is-allowed',
  statement: "ZONE_DEVICE mappings, which never reach the page allocator, are not refused for TDX's sake.",
  source: 'v5 22/22, "Memory Hotplug" (memremap_pages() variants are still allowed)',
  after: ['memory-add'],
  needs: ['said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (event.kind === 'memory-add' && event.how === 'zone-device' && record.outcome === 'refused')
      report(offence(world.kernel.status, 'a ZONE_DEVICE mapping was refused'));
  },
};

export const HOT_PLUG_LEAVES_TDX_ALONE: Always = {
  holds: 'always',
  id: 'hotplug/leaves-tdx-alone',
  statement: 'Hot-plugging a CPU or memory does not change the state of a running TDX.',
  source:
    'v7 04/20, Thomas Gleixner, 23 Nov 2022 ("should not have any impact on the TDX integrity of the already running system")',
  after: ['acpi-cpu-add', 'acpi-cpu-remove', 'memory-add', 'memory-remove', 'cpu-offline', 'cpu-online'],
  needs: ['was-initialised'],
  check: (_, record, report) => {
    if (record.statusBefore === 'initialised' && record.statusAfter !== 'initialised')
      report(offence(record.kind, `TDX is ${record.statusAfter} after ${record.kind}`));
  },
};

export const A_HOT_ADDED_CPU_IS_ACCEPTED: Always = {
  holds: 'always',
  id: 'hotplug/cpu-add-is-not-vetoed',
  statement: 'A hot-added CPU is at most unusable for TDX; it is not refused altogether.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022; L14617071103, Rafael Wysocki on v5',
  after: ['acpi-cpu-add'],
  needs: ['said-no'],
  check: (_, record, report) => {
    if (record.outcome === 'refused') report(offence('', 'the CPU was refused'));
  },
};

export const MACHINE_CHECK_ADDRESSES_ARE_MASKED: Always = {
  holds: 'always',
  id: 'machine-check/address-is-masked',
  statement: 'The address given to TDH.PHYMEM.PAGE.RDMD carries no KeyID bits.',
  source: 'L30873133620 (MCI_ADDR_PHYSADDR); tdx_dump_mce_info(), Linux 6.12',
  after: ['machine-check'],
  needs: ['leaf-rdmd'],
  check: (world, record, report) => {
    const keyidUnit = 2 ** (52 - world.hardware.keyidBits);
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw || leafName(entry.leaf) !== 'TDH.PHYMEM.PAGE.RDMD') continue;
      if (typeof entry.inRCX === 'bigint' || entry.inRCX >= keyidUnit)
        report(offence('', `RCX of ${leafName(entry.leaf)} is 0x${entry.inRCX.toString(16)}`));
    }
  },
};

export const A_MACHINE_CHECK_TOUCHES_THE_MODULE_ONLY_WHEN_TDX_RUNS: Always = {
  holds: 'always',
  id: 'machine-check/asks-only-when-tdx-runs',
  statement: 'After a failed initialisation no SEAMCALL is made, not even by the machine check handler.',
  source: 'tdx_dump_mce_info() and paddr_is_tdx_private(), Linux 6.12 (gated on the platform feature alone)',
  after: ['machine-check'],
  needs: ['called'],
  check: (world, record, report) => {
    if (record.statusBefore !== 'error' && record.statusBefore !== 'shutdown') return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw) continue;
      report(offence(record.statusBefore, `${leafName(entry.leaf)} on LP ${entry.lp} after initialisation had failed`));
      return;
    }
  },
};

/** Where in the trace the kernel of an event began: what an earlier one left behind was judged at its own kexec. */
function bootOf({ records }: World, { kernel }: EventRecord): number {
  for (const record of records) if (record.kind === 'boot' && record.kernel === kernel) return record.from;
  return 0;
}

export const CACHES_ARE_FLUSHED_BEFORE_KEXEC: Always = {
  holds: 'always',
  id: 'kexec/caches-are-flushed',
  statement: 'Every CPU that made a SEAMCALL executes WBINVD before the next kernel runs.',
  source: 'v5 21/22 "x86/virt/tdx: Flush cache in kexec() when TDX is enabled"; L17560340124 (cache_state_incoherent)',
  after: ['kexec'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done') return;
    const trace = inOrder(world);
    const since = bootOf(world, record);
    for (let lp = 0; lp < world.hardware.lps.length; lp += 1) {
      // A CPU that went offline executed WBINVD as it died: hlt_play_dead(), arch/x86/kernel/smpboot.c.
      if (record.kernel.cpus[lp]?.online !== true) continue;
      for (let at = record.to - 1; at >= since; at -= 1) {
        const entry = trace[at];
        if (entry?.kind === 'wbinvd' && (entry.cpu === -1 || entry.cpu === lp)) break;
        // A raw call is nothing the kernel could have known of.
        if (entry?.kind !== 'seamcall' || entry.raw || entry.lp !== lp || entry.trap !== 'none') continue;
        report(offence('', `LP ${lp} made a SEAMCALL and never flushed its caches`));
        return;
      }
    }
  },
};

/** The machine has the partial-write erratum, whether or not the revision has heard of it. Source: check_tdx_erratum(), Linux 6.12. */
function hasErratum({ facts }: KernelState): boolean {
  return facts.cpuModel === SAPPHIRE_RAPIDS || facts.cpuModel === EMERALD_RAPIDS;
}

export const KEXEC_MINDS_THE_ERRATUM: Always = {
  holds: 'always',
  id: 'kexec/erratum-is-minded',
  statement:
    'On CPUs with the partial-write erratum a kernel whose predecessor ran TDX is not started, or only on PAMTs that were reset, or given back by the module.',
  source:
    'L36715403186 (kexec refused on erratum parts, 6.18); v11 18/20; "x86/tdx: Disable the TDX module during kexec and kdump" (Linux 7.2)',
  after: ['kexec'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || !hasErratum(record.kernel) || record.statusBefore !== 'initialised') return;
    // As it was loaded: it gave all memory back, without poison.
    if (record.phaseAfter === 'PENDING') return;
    for (let at = record.from; at < record.to; at += 1) if (world.trace[at]?.kind === 'reset') return;
    report(offence('initialised', 'private memory is left to the next kernel: a partial write there poisons it'));
  },
};

export const KEXEC_DOES_NOT_LEAVE_THE_MODULE_OPEN: Always = {
  holds: 'always',
  id: 'kexec/module-is-not-left-open',
  statement: 'A new kernel is not started beside a module the old one has initialised.',
  source: 'v5 22/22, "Kexec()" (the kernel leaves the module in open state)',
  after: ['kexec'],
  needs: ['done'],
  check: (_, record, report) => {
    if (
      record.outcome === 'done' &&
      (record.phaseAfter === 'READY' || record.phaseAfter === 'CONFIG_DONE' || record.phaseAfter === 'SYSINIT_DONE')
    )
      report(offence('', `the new kernel finds the module ${record.phaseAfter}`));
  },
};

export const MEMORY_MAY_COME_WHILE_TDX_DOES_NOT_RUN: Always = {
  holds: 'always',
  id: 'hotplug/memory-add-is-not-vetoed',
  statement: 'While TDX is not initialised, or has failed, memory may be added as on any other machine.',
  source: 'tdx_memory_notifier(), Linux 6.12 (an empty list allows everything); L14910658532, Rafael Wysocki on v5',
  after: ['memory-add'],
  needs: ['said-no'],
  check: (world, record, report) => {
    // A module that holds the TDMRs of an attempt to be gone on with counts as running.
    if (world.kernel.tdmrArrayLive) return;
    // So does an attempt under way: its list is made, its outcome open.
    if (record.statusBefore !== record.statusAfter || world.kernel.status !== record.statusAfter) return;
    if (record.event.kind === 'memory-add' && record.outcome === 'refused' && record.statusBefore !== 'initialised')
      report(
        offence(
          `${record.event.how}, ${record.statusBefore === 'uninitialised' ? 'not yet' : 'failed'}`,
          `TDX is ${record.statusBefore} and the memory is refused`,
        ),
      );
  },
};
