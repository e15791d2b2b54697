import { defineFlow, type FlowEntry, goto, label } from '../flow.ts';
import { tdxMemoryNotifier } from '../memory-hotplug.ts';
import type { Revision } from '../revision.ts';
import * as acpi from '../steps/linux/acpi.ts';
import * as configure from '../steps/linux/configure.ts';
import * as hotplug from '../steps/linux/cpu-hotplug.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memoryHotplug from '../steps/linux/memory-hotplug.ts';
import * as memory from '../steps/linux/memory.ts';
import * as suspend from '../steps/linux/suspend.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import * as undo from '../steps/linux/undo.ts';

/** What more than one revision consists of. */

/**
 * init_tdx_module() from alloc_tdmr_list() on, clean-up included: the same since v11, whose labels begin with `out_`. The
 * clean-up stands before out_put_tdxmem, so that failures fall through to it.
 *
 * construct_tdmrs() is its three parts. It and tdmrs_set_up_pamt_all() free the PAMTs of a failure themselves and return to
 * err_free_tdmrs, which is what err_free_pamts does.
 *
 * Source: init_tdx_module(), construct_tdmrs(), config_tdx_module(), config_global_keyid(),
 * arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */
export const CONSTRUCT_AND_CONFIGURE: readonly FlowEntry[] = [
  [tdmr.ALLOC_TDMR_LIST, 'err_free_tdxmem'],
  [tdmr.FILL_OUT_TDMRS, 'err_free_tdmrs'],
  [tdmr.TDMRS_SET_UP_PAMT_ALL, 'err_free_pamts'],
  [tdmr.TDMRS_POPULATE_RSVD_AREAS_ALL, 'err_free_pamts'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'err_free_pamts'],
  [configure.SYS_CONFIG, 'err_free_pamts'],
  [configure.ALLOCATE_PACKAGE_MASK, 'err_reset_pamts'],
  [configure.FLUSH_CACHES],
  [configure.DO_GLOBAL_KEY_CONFIG, 'err_reset_pamts'],
  [configure.INIT_TDMRS, 'err_reset_pamts'],
  [configure.REPORT_PAMT],
  goto('out_put_tdxmem'),

  label('err_reset_pamts'),
  [undo.FLUSH_BEFORE_RESET],
  [undo.TDMRS_RESET_PAMT_ALL],
  label('err_free_pamts'),
  [tdmr.TDMRS_FREE_PAMT_ALL],
  label('err_free_tdmrs'),
  [tdmr.FREE_TDMR_LIST],
  label('err_free_tdxmem'),
  [memory.FREE_TDX_MEMLIST],
  label('out_put_tdxmem'),
  [lock.PUT_ONLINE_MEMS],
];

/** A kernel whose KVM cannot make guests. */
export const NO_KVM: Pick<Revision, 'tdCreate' | 'tdRun' | 'tdDestroy'> = {
  tdCreate: null,
  tdRun: null,
  tdDestroy: null,
};

/** TDX is initialised on request, on CPUs that are in VMX operation already; the first failure is final. */
export const ON_DEMAND: Pick<Revision, 'vmxGet' | 'enablesAtBoot' | 'failureIsFinal'> = {
  vmxGet: null,
  enablesAtBoot: false,
  failureIsFinal: true,
};

/**
 * A CPU comes online, with `callbacks` to run on it first; `out` is where they go to refuse it.
 * Source: _cpu_up(), kernel/cpu.c, Linux 6.12.
 */
export function cpuOnline(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_ONLINE, 'end', 'out'],
    ...callbacks,
    label('up'),
    [hotplug.BRING_CPU_UP],
    label('out'),
    [lock.CPUS_WRITE_UNLOCK],
  ];
}

/**
 * A CPU goes offline, with `callbacks` to run on it first; `out` is where they go to refuse it.
 * Source: _cpu_down(), kernel/cpu.c, Linux 6.12.
 */
export function cpuOffline(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_OFFLINE, 'end', 'out'],
    ...callbacks,
    label('down'),
    [hotplug.TAKE_CPU_DOWN],
    label('out'),
    [lock.CPUS_WRITE_UNLOCK],
  ];
}

/** A CPU is taken out of the machine, offline first. Source: acpi_processor_remove(), drivers/acpi/acpi_processor.c. */
export function cpuRemove(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_OFFLINE, 'end', 'remove'],
    ...callbacks,
    label('down'),
    [hotplug.TAKE_CPU_DOWN],
    label('remove'),
    [acpi.REMOVE_CPU],
    label('out'),
    [lock.CPUS_WRITE_UNLOCK],
  ];
}

type CPUHotplug = Pick<Revision, 'cpuOnline' | 'cpuOffline' | 'acpiCPUAdd' | 'acpiCPURemove'>;

/** CPU hotplug around the given callbacks; ACPI may add and remove CPUs as on any other machine. */
export function cpuHotplug(online: readonly FlowEntry[], offline: readonly FlowEntry[]): CPUHotplug {
  return {
    cpuOnline: defineFlow('cpu-online', cpuOnline(online)),
    cpuOffline: defineFlow('cpu-offline', cpuOffline(offline)),
    acpiCPUAdd: defineFlow('acpi-cpu-add', [[acpi.ADD_CPU]]),
    acpiCPURemove: defineFlow('acpi-cpu-remove', cpuRemove(offline)),
  };
}

/** CPU hotplug that nothing of TDX hooks into. */
export const PLAIN_CPU_HOTPLUG: CPUHotplug = cpuHotplug([], []);

type Sleep = Pick<Revision, 'suspend' | 'resume'>;

/** Sleep states with `before` in front of S3, and `after` behind the way back from it. */
export function sleepStates(before: readonly FlowEntry[], after: readonly FlowEntry[]): Sleep {
  const down: readonly FlowEntry[] = [[suspend.FREEZE_SECONDARY_CPUS], [suspend.SYSCORE_SUSPEND]];
  const up: readonly FlowEntry[] = [[suspend.SYSCORE_RESUME], [suspend.THAW_SECONDARY_CPUS]];
  return {
    suspend: {
      s3: defineFlow('suspend-s3', [...before, ...down, [suspend.ACPI_SUSPEND_ENTER]]),
      hibernation: defineFlow('suspend-hibernation', [[suspend.REQUIRE_HIBERNATION], ...down]),
    },
    resume: {
      s3: defineFlow('resume-s3', [...up, ...after]),
      hibernation: defineFlow('resume-hibernation', up),
    },
  };
}

/** Sleep states that nothing of TDX hooks into, but for what boot did to S3. */
export const PLAIN_SLEEP: Sleep = sleepStates([], []);

type MemoryHotplug = Pick<Revision, 'memoryAdd' | 'memoryRemove' | 'memoryNotifier'>;

/**
 * Memory enters memblock, `adding` may veto that by `error_mem_hotplug_end`; then it comes online, `onlining` may veto that
 * by `failed_addition`. Source: add_memory_resource() and online_pages(), mm/memory_hotplug.c, Linux 6.12.
 */
export function memoryAdd(adding: readonly FlowEntry[], onlining: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [memoryHotplug.MEM_HOTPLUG_BEGIN],
    ...adding,
    [memoryHotplug.MEMBLOCK_ADD_NODE],
    label('error_mem_hotplug_end'),
    [memoryHotplug.MEM_HOTPLUG_DONE],
    [memoryHotplug.MEM_HOTPLUG_BEGIN],
    ...onlining,
    [memoryHotplug.ONLINE_PAGES],
    label('failed_addition'),
    [memoryHotplug.MEM_HOTPLUG_DONE],
  ];
}

/** Memory goes offline and leaves memblock. Source: offline_pages() and try_remove_memory(), mm/memory_hotplug.c. */
export const REMOVE_MEMORY: readonly FlowEntry[] = [
  [memoryHotplug.MEM_HOTPLUG_BEGIN],
  [memoryHotplug.OFFLINE_PAGES, 'failed_removal'],
  [memoryHotplug.MEMBLOCK_REMOVE],
  label('failed_removal'),
  [memoryHotplug.MEM_HOTPLUG_DONE],
];

/** ZONE_DEVICE memory never gets near the page allocator. */
export const NOTHING_TO_DO = defineFlow('zone-device', []);

const REMOVE = defineFlow('memory-remove', REMOVE_MEMORY);
export const PLAIN_MEMORY_REMOVE: MemoryHotplug['memoryRemove'] = {
  acpi: REMOVE,
  driver: REMOVE,
  'zone-device': NOTHING_TO_DO,
};

const NOTIFIED_ADD = defineFlow('memory-add', memoryAdd([], [[memoryHotplug.MEMORY_NOTIFY, 'failed_addition']]));

/** Anything may be added; what is not TDX memory may not come online once the module is initialised (v8 and later). */
export const NOTIFIED_MEMORY_HOTPLUG: MemoryHotplug = {
  memoryAdd: { acpi: NOTIFIED_ADD, driver: NOTIFIED_ADD, 'zone-device': NOTHING_TO_DO },
  memoryRemove: PLAIN_MEMORY_REMOVE,
  memoryNotifier: tdxMemoryNotifier,
};
