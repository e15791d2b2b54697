import { EFAULT, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { seamcallReturning, type SeamcallPolicy, type TrapPolicy } from '../seamcall.ts';
import * as acpi from '../steps/linux/acpi.ts';
import * as configure from '../steps/linux/configure.ts';
import * as lock from '../steps/linux/lock.ts';
import * as detect from '../steps/linux/detect.ts';
import { REFUSE_DRIVER_MEMORY } from '../steps/linux/memory-hotplug.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesMemory from '../steps/series/memory.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { cpuHotplug, cpuRemove, memoryAdd, NOTHING_TO_DO, PLAIN_SLEEP, REMOVE_MEMORY } from './common.ts';
import {
  CLEAN_UP_SERIES,
  COVER_MEMORY_SILENTLY,
  FILL_RESERVED_AREAS_SILENTLY,
  KEXEC_SERIES,
  REPORT_PAMT_PAGES,
} from './series-common.ts';

const { asFault } = seriesStatus;
const V5 = 'v5 00/22, Kai Huang, 22 Jun 2022';
const OOPS: TrapPolicy = { errno: 0, message: null, oops: true };

/** No handler for the instruction's exceptions: a SEAMCALL outside VMX operation, or with SEAM off, is an oops. */
const SEAMCALL_V5: SeamcallPolicy = {
  attempts: 1,
  transientAttempts: 1,
  repeatsInputs: true,
  vmfail: { errno: ENODEV, message: null, oops: false },
  gp: OOPS,
  ud: OOPS,
  other: { errno: EFAULT, message: 'v5-seamcall-failed', outputs: ['v5-seamcall-outputs'] },
  marksCacheDirty: false,
};

const KEY_CONFIG_V5 = configure.keyConfigPackagesStep('config_global_keyid(), v5 19/22', seamcallReturning);

const ENABLE_V5: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE],
  [lock.LOCK_MODULE],
  [seriesStatus.CHECK_MODULE_STATUS_SHUTDOWN, 'unlock-module', 'unlock-module'],
  [lock.CPUS_READ_LOCK],
  [seriesLP.CHECK_ALL_CPUS_ONLINE, 'cpus-read-unlock'],
  [seriesLP.SYS_INIT, 'settle-module-status'],
  [seriesLP.LP_INIT_ALL, 'settle-module-status'],
  [asFault(sysInfo.SYS_INFO), 'settle-module-status'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v5 11/22', 'v5-module')],
  [sysInfo.CHECK_CMRS_V5, 'settle-module-status'],
  [seriesMemory.SNAPSHOT_MEMBLOCK],
  [seriesMemory.CHECK_CONVERTIBLE, 'forget-snapshot'],
  [tdmr.ALLOCATE_TDMR_ARRAY, 'forget-snapshot'],
  [COVER_MEMORY_SILENTLY, 'free-tdmr-array'],
  [tdmr.ALLOCATE_PAMTS, 'free-unused-pamts'],
  [FILL_RESERVED_AREAS_SILENTLY, 'free-unused-pamts'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'flush-before-reset'],
  [asFault(configure.SYS_CONFIG), 'flush-before-reset'],
  [configure.FLUSH_CACHES],
  [configure.ALLOCATE_PACKAGE_MASK, 'flush-before-reset'],
  [asFault(KEY_CONFIG_V5), 'flush-before-reset'],
  [asFault(configure.INITIALISE_TDMRS), 'flush-before-reset'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  [seriesMemory.FORGET_SNAPSHOT],
  [seriesStatus.settleWithShutdown('__tdx_init(), v5 06/22', 'v5-shut-down', false), 'end', 'cpus-read-unlock'],
  [seriesLP.LP_SHUTDOWN_ALL],
  [seriesStatus.MARK_SHUT_DOWN],
  [lock.CPUS_READ_UNLOCK],
  [lock.UNLOCK_MODULE],
];

/** The fifth posting: everything in tdx_init(), all LPs online, shutdown on any error, hotplug vetoed or fatal. */
export const SERIES_V5: Revision = {
  name: 'v5',
  title: 'patch series v5 (22 June 2022)',
  source: V5,
  seamcall: SEAMCALL_V5,
  boot: defineFlow('boot', [
    [seriesDetect.DETECT_SEAM],
    [seriesDetect.DETECT_KEYIDS],
    [seriesDetect.PRINT_ENABLED_BY_BIOS],
  ]),
  cpuEnable: null,
  enable: defineFlow('enable', ENABLE_V5),
  ...cpuHotplug([], []),
  acpiCPUAdd: defineFlow('acpi-cpu-add', [[acpi.IGNORE_NEW_CPU], [acpi.ADD_CPU]]),
  acpiCPURemove: defineFlow('acpi-cpu-remove', [[acpi.BUG_ON_CPU_REMOVAL], ...cpuRemove([])]),
  memoryAdd: {
    acpi: defineFlow('memory-add', [[acpi.IGNORE_NEW_MEMORY], ...memoryAdd([], [])]),
    driver: defineFlow('memory-add', [[REFUSE_DRIVER_MEMORY], ...memoryAdd([], [])]),
    'zone-device': NOTHING_TO_DO,
  },
  memoryRemove: {
    acpi: defineFlow('memory-remove', [[acpi.BUG_ON_MEMORY_REMOVAL], ...REMOVE_MEMORY]),
    driver: defineFlow('memory-remove', REMOVE_MEMORY),
    'zone-device': NOTHING_TO_DO,
  },
  ...PLAIN_SLEEP,
  tdCreate: null,
  tdRun: null,
  tdDestroy: null,
  kexec: KEXEC_SERIES,
  vmxGet: null,
  memoryNotifier: null,
  machineCheck: null,
  enablesAtBoot: false,
  failureIsFinal: true,
};
