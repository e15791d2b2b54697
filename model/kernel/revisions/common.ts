import { defineFlow, type FlowEntry } from '../flow.ts';
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

/** From the TDMR array to the end of the attempt, clean-up included: the same since v11. */
export const BUILD_AND_CONFIGURE: readonly FlowEntry[] = [
  [tdmr.ALLOCATE_TDMR_ARRAY, 'free-memory-list'],
  [tdmr.COVER_MEMORY, 'free-tdmr-array'],
  [tdmr.ALLOCATE_PAMTS, 'free-pamts'],
  [tdmr.FILL_RESERVED_AREAS, 'free-pamts'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'free-pamts'],
  [configure.SYS_CONFIG, 'free-pamts'],
  [configure.ALLOCATE_PACKAGE_MASK, 'flush-before-reset'],
  [configure.FLUSH_CACHES],
  [configure.KEY_CONFIG_PACKAGES, 'flush-before-reset'],
  [configure.INITIALISE_TDMRS, 'flush-before-reset'],
  [configure.REPORT_PAMT],
  [undo.SKIP_UNDO, 'end', 'put-online-mems'],
  [undo.FLUSH_BEFORE_RESET],
  [undo.RESET_PAMTS],
  [tdmr.FREE_PAMTS],
  [tdmr.FREE_TDMR_ARRAY],
  [memory.FREE_MEMORY_LIST],
  [lock.PUT_ONLINE_MEMS],
];

/** A CPU comes online, with `callbacks` to run on it first; `cpus-write-unlock` is where they go to refuse it. */
export function cpuOnline(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_ONLINE, 'end', 'cpus-write-unlock'],
    ...callbacks,
    [hotplug.BRING_CPU_UP],
    [lock.CPUS_WRITE_UNLOCK],
  ];
}

/** A CPU goes offline, with `callbacks` to run on it first. */
export function cpuOffline(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_OFFLINE, 'end', 'cpus-write-unlock'],
    ...callbacks,
    [hotplug.TAKE_CPU_DOWN],
    [lock.CPUS_WRITE_UNLOCK],
  ];
}

/** A CPU is taken out of the machine, offline first. */
export function cpuRemove(callbacks: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_OFFLINE, 'end', 'remove-cpu'],
    ...callbacks,
    [hotplug.TAKE_CPU_DOWN],
    [acpi.REMOVE_CPU],
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
      s3: defineFlow('suspend-s3', [...before, ...down, [suspend.ENTER_S3]]),
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

type MemoryHotplug = Pick<Revision, 'memoryAdd' | 'memoryRemove'>;

/** Memory enters memblock, `adding` may veto that; then it comes online, `onlining` may veto that. */
export function memoryAdd(adding: readonly FlowEntry[], onlining: readonly FlowEntry[]): readonly FlowEntry[] {
  return [
    [memoryHotplug.BEGIN_ADD],
    ...adding,
    [memoryHotplug.ENTER_MEMBLOCK],
    [memoryHotplug.DONE_ADD],
    [memoryHotplug.BEGIN_ONLINE],
    ...onlining,
    [memoryHotplug.ONLINE_PAGES],
    [memoryHotplug.DONE_ONLINE],
  ];
}

/** Memory goes offline and leaves memblock. */
export const REMOVE_MEMORY: readonly FlowEntry[] = [
  [memoryHotplug.BEGIN_REMOVE],
  [memoryHotplug.OFFLINE_PAGES, 'done-remove'],
  [memoryHotplug.LEAVE_MEMBLOCK],
  [memoryHotplug.DONE_REMOVE],
];

/** ZONE_DEVICE memory never gets near the page allocator. */
export const NOTHING_TO_DO = defineFlow('zone-device', []);

const REMOVE = defineFlow('memory-remove', REMOVE_MEMORY);
export const PLAIN_MEMORY_REMOVE: MemoryHotplug['memoryRemove'] = {
  acpi: REMOVE,
  driver: REMOVE,
  'zone-device': NOTHING_TO_DO,
};

const NOTIFIED_ADD = defineFlow('memory-add', memoryAdd([], [[memoryHotplug.ASK_NOTIFIER, 'done-online']]));

/** Anything may be added; what is not TDX memory may not come online once the module is initialised (v8 and later). */
export const NOTIFIED_MEMORY_HOTPLUG: MemoryHotplug = {
  memoryAdd: { acpi: NOTIFIED_ADD, driver: NOTIFIED_ADD, 'zone-device': NOTHING_TO_DO },
  memoryRemove: PLAIN_MEMORY_REMOVE,
};
