import { PAGE_4K } from '../abi/page.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { hex, offence } from './look.ts';

/** CPUs and memory that are added and removed. Bytes. */

/** True if [base, end) lies in the union of the kernel's TDX memory entries. */
function isInTDXMemory(world: World, base: number, end: number): boolean {
  let covered = base;
  for (let rounds = world.kernel.tdxMemory.length; rounds > 0 && covered < end; rounds -= 1)
    for (const { startPfn, endPfn } of world.kernel.tdxMemory)
      if (startPfn * PAGE_4K <= covered && covered < endPfn * PAGE_4K) covered = endPfn * PAGE_4K;
  return covered >= end;
}

export const HOTPLUG_UNION_OF_ENTRIES_IS_ACCEPTED: Always = {
  holds: 'always',
  id: 'hotplug/union-of-entries-is-accepted',
  severity: 'part-lost',
  statement: 'Memory inside the union of the TDX memory entries may go online, even if it spans two of them.',
  source: 'v7 10/20, Dave Hansen, 22 Nov 2022; is_tdx_memory(), Linux 6.12',
  after: ['memory-add'],
  needs: ['was-initialised', 'said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (event.kind !== 'memory-add' || record.outcome !== 'refused' || record.statusBefore !== 'initialised') return;
    if (isInTDXMemory(world, event.base, event.base + event.size))
      report(offence('refused', `[${hex(event.base)}, ${hex(event.base + event.size)}) is TDX memory and was refused`));
  },
};

export const HOTPLUG_OUTSIDE_IS_REFUSED: Always = {
  holds: 'always',
  id: 'hotplug/outside-is-refused',
  severity: 'part-lost',
  statement: 'Once TDX is initialised, memory that is not TDX memory does not reach the page allocator.',
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
        offence(event.how, `[${hex(event.base)}, ${hex(event.base + event.size)}) went online and is no TDX memory`),
      );
  },
};

export const HOTPLUG_ZONE_DEVICE_IS_ALLOWED: Always = {
  holds: 'always',
  id: 'hotplug/zone-device-is-allowed',
  severity: 'part-lost',
  statement: 'ZONE_DEVICE mappings, which never reach the page allocator, are not refused because of TDX.',
  source: 'v5 22/22, "Memory Hotplug" (memremap_pages() variants are still allowed)',
  after: ['memory-add'],
  needs: ['said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (event.kind === 'memory-add' && event.how === 'zone-device' && record.outcome === 'refused')
      report(offence(world.kernel.status, 'a ZONE_DEVICE mapping was refused'));
  },
};

export const HOTPLUG_LEAVES_TDX_ALONE: Always = {
  holds: 'always',
  id: 'hotplug/leaves-tdx-alone',
  severity: 'tdx-lost',
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

export const HOTPLUG_CPU_ADD_IS_NOT_VETOED: Always = {
  holds: 'always',
  id: 'hotplug/cpu-add-is-not-vetoed',
  severity: 'part-lost',
  statement: 'A hot-added CPU may be unusable for TDX, but is not refused altogether.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022; v5 02/22, Rafael Wysocki, 22 Jun 2022',
  after: ['acpi-cpu-add'],
  needs: ['said-no'],
  check: (_, record, report) => {
    if (record.outcome === 'refused') report(offence('', 'the CPU was refused'));
  },
};

export const HOTPLUG_MEMORY_ADD_IS_NOT_VETOED: Always = {
  holds: 'always',
  id: 'hotplug/memory-add-is-not-vetoed',
  severity: 'part-lost',
  statement:
    'While TDX is not initialised, or after initialisation has failed, memory can be added as on any other machine.',
  source: 'tdx_memory_notifier(), Linux 6.12 (an empty list allows everything); v5 03/22, Rafael Wysocki, 22 Jun 2022',
  after: ['memory-add'],
  needs: ['said-no'],
  check: (world, record, report) => {
    // A module that keeps the TDMRs of an attempt that will be continued counts as running.
    if (world.kernel.tdmrArrayLive) return;
    // So does an attempt in progress: its list is made, its outcome is open.
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
