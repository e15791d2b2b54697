import type { Flaw } from './flaw.ts';
import { LEAVES_S3_ALONE, INITIALISED_BY_ANOTHER, NO_KEXEC, NO_MACHINE_CHECK } from './not-applicable.ts';

/** Flaws about the machine around it: BIOS, hot-plug, kexec, machine checks, sleep. */
export const FLAWS_OF_PLATFORM: readonly Flaw[] = [
  {
    number: 15,
    name: 'BIOS announces KeyIDs and leaves SEAM off',
    severity: 'misleading',
    statement: 'The kernel reports "TDX enabled by BIOS" on the basis of MSR 0x87 alone.',
    source:
      'v11 05/20, Kai Huang, 7 Jun 2023; github.com/canonical/tdx/issues/33 and /102; github.com/intel/td-partitioning/issues/1',
    shownBy: ['boot/offered-means-seam-enabled'],
    notApplicable: {},
    said: ['v7', 'v8', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
  {
    number: 27,
    name: 'hot-add after initialisation',
    severity: 'misleading',
    statement: 'Memory added after initialisation is refused by a notifier that prints nothing.',
    source:
      'tdx_memory_notifier(), Linux 6.12; "tdx, memory hotplug: Check whole hot-adding memory range for TDX", Huang Ying, 30 Sep 2024',
    shownBy: ['naming/refused-memory-add-is-explained|TDX initialised'],
    notApplicable: {},
    said: ['v8', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: { v7: 'its arch_add_memory() refuses with -EINVAL and prints nothing either' },
  },
  {
    number: 28,
    name: 'ZONE_DEVICE is refused',
    severity: 'part-lost',
    statement: 'The veto in arch_add_memory() also hits mappings that never reach the page allocator.',
    source:
      'v8 00/16, Kai Huang, 9 Dec 2022 (moved to a notifier, as Dan Williams and David Hildenbrand asked); v5 22/22',
    shownBy: ['hotplug/zone-device-is-allowed'],
    notApplicable: {},
    said: ['v7'],
    differences: {},
  },
  {
    number: 29,
    name: 'a range across two list entries',
    severity: 'part-lost',
    statement:
      'Memory that is already TDX memory is refused when it comes back online and spans two entries of the list.',
    source: 'v7 10/20, Dave Hansen, 22 Nov 2022; is_tdx_memory(), Linux 6.12',
    shownBy: ['hotplug/union-of-entries-is-accepted'],
    notApplicable: { v5: 'it keeps no list' },
    said: ['v7'],
    differences: {
      v8: INITIALISED_BY_ANOTHER,
      v11: 'the list quotes the comment that calls it impossible; touching memblock entries of one node make it possible (recording 6.12-demos, line 33)',
      '6.12':
        'the list quotes the comment that calls it impossible; touching memblock entries of one node make it possible (recording 6.12-demos, line 33)',
      '6.12-cmr':
        'the list quotes the comment that calls it impossible; touching memblock entries of one node make it possible (recording 6.12-demos, line 33)',
      '6.17':
        'the list quotes the comment that calls it impossible; touching memblock entries of one node make it possible (recording 6.12-demos, line 33)',
      '7.3':
        'the list quotes the comment that calls it impossible; touching memblock entries of one node make it possible (recording 6.12-demos, line 33)',
    },
  },
  {
    number: 30,
    name: 'ACPI hot-add is vetoed',
    severity: 'part-lost',
    statement: 'A CPU or memory added by ACPI is refused altogether, not only for TDX.',
    source:
      'v5 02/22 and v5 03/22; v5 02/22, Rafael Wysocki, 22 Jun 2022; v5 03/22, Rafael Wysocki, 22 Jun 2022; v7 04/20, Thomas Gleixner, 23 Nov 2022',
    shownBy: [
      'hotplug/cpu-add-is-not-vetoed',
      'hotplug/memory-add-is-not-vetoed|acpi, not yet',
      'hotplug/memory-add-is-not-vetoed|driver, not yet',
    ],
    notApplicable: {},
    said: ['v5'],
    differences: {},
  },
  {
    number: 31,
    name: 'BUG() on hot-removal',
    severity: 'crash',
    statement: 'A firmware event panics the host.',
    source: 'v5 02/22 and v5 03/22; v5 02/22, Kai Huang, 27 Jun 2022',
    shownBy: ['sw-error/no-crash|acpi-cpu-remove', 'sw-error/no-crash|memory-remove'],
    notApplicable: {},
    said: ['v5'],
    differences: {},
  },
  {
    number: 36,
    name: 'kexec leaves the module open',
    severity: 'tdx-lost',
    statement: 'The next kernel finds a module that the old kernel has initialised; its first leaf fails.',
    source: 'v5 22/22, "Kexec()"; v7 00/20, Kai Huang, 21 Nov 2022',
    shownBy: ['kexec/module-is-not-left-open', 'flow/second-kernel-knows-why'],
    notApplicable: { '6.12': NO_KEXEC, '6.12-cmr': NO_KEXEC },
    said: ['v5', 'v7', 'v8', 'v11', '6.17'],
    differences: {
      '7.3':
        'it calls TDH.SYS.DISABLE and starts the next kernel whatever the status: a module without that leaf (`later`) stays initialised, one that has it (`sys-disable`) does not',
    },
  },
  {
    number: 37,
    name: 'kexec with dirty lines',
    severity: 'memory',
    statement: 'Dirty cache lines of private KeyIDs are written back over memory of the next kernel.',
    source:
      'v5 22/22; v5 21/22; "x86/virt/tdx: Mark memory cache state incoherent when making SEAMCALL", Kai Huang, 14 May 2025; "x86/virt/tdx: Mark memory cache state incoherent when making SEAMCALL", Kai Huang, 1 Sep 2025; hlt_play_dead(), arch/x86/kernel/smpboot.c, Linux 6.12 (every revision listed here flushes; a CPU that goes offline does so as it dies)',
    shownBy: ['kexec/caches-are-flushed'],
    notApplicable: { '6.12': NO_KEXEC, '6.12-cmr': NO_KEXEC },
    said: [],
    differences: {},
  },
  {
    number: 38,
    name: 'kexec and the partial-write erratum',
    severity: 'memory',
    statement: 'The next kernel gets private memory as it is; its first partial write to a line poisons that line.',
    source:
      'v11 18/20; "x86/kexec: Disable kexec/kdump on platforms with TDX partial write erratum", Kai Huang, 18 Jul 2025',
    shownBy: ['kexec/erratum-is-minded'],
    notApplicable: { '6.12': NO_KEXEC, '6.12-cmr': NO_KEXEC },
    said: ['v5', 'v7', 'v8'],
    differences: {
      '7.3':
        'kexec is no longer refused on these parts, as TDH.SYS.DISABLE gives the memory back without poison; the kernel does not check that the module has that leaf, and ignores its status',
    },
  },
  {
    number: 43,
    name: 'the machine-check helper asks after a failure',
    severity: 'crash',
    statement:
      'The machine check handler calls a module whose initialisation has failed, and may walk a freed TDMR list.',
    source: 'tdx_dump_mce_info() and paddr_is_tdx_private(), Linux 6.12',
    shownBy: [
      'machine-check/asks-only-when-tdx-runs',
      'balance/no-count-outlives-its-array',
      'sw-error/no-crash|machine-check',
    ],
    notApplicable: { v5: NO_MACHINE_CHECK, v7: NO_MACHINE_CHECK, v8: NO_MACHINE_CHECK },
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
  {
    number: 44,
    name: 'KeyID bits in the address',
    severity: 'misleading',
    statement: 'The machine check handler passes on the address as the hardware reports it, with KeyID bits.',
    source:
      '"x86/mce: Fix missing address mask in recovery for errors in TDX/SEAM non-root mode", Adrian Hunter, 12 Aug 2025 (MCI_ADDR_PHYSADDR); tdx_dump_mce_info(), Linux 6.12',
    shownBy: ['machine-check/address-is-masked'],
    notApplicable: { v5: NO_MACHINE_CHECK, v7: NO_MACHINE_CHECK, v8: NO_MACHINE_CHECK },
    said: ['v11', '6.12', '6.12-cmr', '6.17'],
    differences: { '7.3': 'the list has the mask in later trees; the recorded 7.3 passes the address on unmasked' },
  },
  {
    number: 54,
    name: 'the KeyID range is believed',
    severity: 'tdx-lost',
    statement: 'MSR 0x87 is used without a check: the range may begin with 0, wrap, or exceed the KeyID bits.',
    source: 'record_keyid_partitioning(), Linux 6.12; v3 00/21, Kai Huang, 6 Apr 2022 (checked on every CPU)',
    shownBy: ['keyid/range'],
    notApplicable: {},
    said: ['v5', 'v7', 'v8', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
  {
    number: 55,
    name: 'S3 is lost for nothing',
    severity: 'part-lost',
    statement: 'ACPI S3 is disabled as soon as MSR 0x87 has KeyIDs, with or without a module.',
    source: 'tdx_init(), Linux 6.12',
    shownBy: ['boot/s3-is-not-lost-for-nothing'],
    notApplicable: {
      v5: LEAVES_S3_ALONE,
      v7: LEAVES_S3_ALONE,
      v8: LEAVES_S3_ALONE,
      v11: LEAVES_S3_ALONE,
    },
    said: ['6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
  {
    number: 64,
    name: 'S3 and hibernation stay while TDX runs',
    severity: 'crash',
    statement:
      'TDX survives neither, and neither is disabled: after either the kernel still treats TDX as initialised.',
    source: 'tdx_init(), Linux 6.12, which does',
    shownBy: ['boot/hibernation-excludes-tdx', 'suspend/tdx-ends-with-its-module'],
    notApplicable: {},
    said: ['v5', 'v7', 'v8', 'v11'],
    differences: {},
  },
  {
    number: 71,
    name: 'S3 is refused last',
    severity: 'misleading',
    statement:
      'S3 is disabled by clearing the function pointer that enters it: S3 is still offered, and all other CPUs go offline and come back before it is refused.',
    source: 'tdx_init(), acpi_suspend_enter() and suspend_enter(), Linux 6.12',
    shownBy: ['suspend/refusal-comes-first', 'suspend/every-cpu-comes-back'],
    notApplicable: { v5: LEAVES_S3_ALONE, v7: LEAVES_S3_ALONE, v8: LEAVES_S3_ALONE, v11: LEAVES_S3_ALONE },
    said: ['6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {},
  },
];
