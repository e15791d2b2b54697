import { EFAULT, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry, label } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { seamcallReturning, type SeamcallPolicy, type TrapPolicy } from '../seamcall.ts';
import * as acpi from '../steps/linux/acpi.ts';
import * as configure from '../steps/linux/configure.ts';
import * as lock from '../steps/linux/lock.ts';
import * as detect from '../steps/linux/detect.ts';
import { ARCH_MEMORY_ADD_PRECHECK } from '../steps/linux/memory-hotplug.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesMemory from '../steps/series/memory.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { cpuHotplug, cpuRemove, memoryAdd, NOTHING_TO_DO, REMOVE_MEMORY } from './common.ts';
import {
  CLEAN_UP_SERIES,
  CREATE_TDMRS,
  ONE_ATTEMPT,
  REPORT_PAMT_PAGES,
  SERIES,
  TDMRS_SET_UP_RSVD_AREAS_ALL,
} from './series-common.ts';

const { asFault } = seriesStatus;
const V5 = 'v5 00/22, Kai Huang, 22 Jun 2022';
const OOPS: TrapPolicy = { errno: 0, message: null, oops: true };

/** No handler for the instruction's exceptions: a SEAMCALL outside VMX operation, or with SEAM off, is an oops. */
const SEAMCALL_V5: SeamcallPolicy = {
  ...ONE_ATTEMPT,
  vmfail: { errno: ENODEV, message: null, oops: false },
  gp: OOPS,
  ud: OOPS,
  other: { errno: EFAULT, message: 'v5-seamcall-failed', outputs: ['v5-seamcall-outputs'] },
};

const KEY_CONFIG_V5 = configure.doGlobalKeyConfig('config_global_keyid(), v5 19/22', seamcallReturning);

/**
 * tdx_init(), __tdx_init() and init_tdx_module(). What goes to `forget` is `goto out` there: the walk over memblock is a
 * snapshot only here. Source: v5 06/22 and the patches after it.
 */
const ENABLE_V5: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE],
  [lock.LOCK_MODULE],
  [seriesStatus.CHECK_MODULE_STATUS_SHUTDOWN, 'break', 'break'],
  [lock.CPUS_READ_LOCK],
  [seriesLP.CHECK_ALL_CPUS_ONLINE, 'out_unlock_cpus'],
  [seriesLP.SYS_INIT, 'out'],
  [seriesLP.TDX_MODULE_INIT_CPUS, 'out'],
  [asFault(sysInfo.SYS_INFO), 'out'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v5 11/22', 'v5-module')],
  [sysInfo.CHECK_CMRS, 'out'],
  [seriesMemory.SNAPSHOT_MEMBLOCK],
  [seriesMemory.CHECK_MEMBLOCK_TDX_CONVERTIBLE, 'forget'],
  [tdmr.ALLOC_TDMR_LIST, 'forget'],
  [CREATE_TDMRS, 'out_free_tdmrs'],
  [tdmr.TDMRS_SET_UP_PAMT_ALL, 'err_construct_tdmrs'],
  [TDMRS_SET_UP_RSVD_AREAS_ALL, 'err_construct_tdmrs'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'out_free_pamts'],
  [asFault(configure.SYS_CONFIG), 'out_free_pamts'],
  [configure.FLUSH_CACHES],
  [configure.ALLOCATE_PACKAGE_MASK, 'out_free_pamts'],
  [asFault(KEY_CONFIG_V5), 'out_free_pamts'],
  [asFault(configure.INIT_TDMRS), 'out_free_pamts'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  label('forget'),
  [seriesMemory.FORGET_SNAPSHOT],
  label('out'),

  [seriesStatus.settleWithShutdown('__tdx_init(), v5 06/22', 'v5-shut-down', false), 'end', 'out_unlock_cpus'],
  [seriesLP.SHUTDOWN_TDX_MODULE],
  [seriesStatus.MARK_SHUT_DOWN],
  label('out_unlock_cpus'),
  [lock.CPUS_READ_UNLOCK],
  label('break'),
  [lock.UNLOCK_MODULE],
];

/** The fifth posting: everything in tdx_init(), all LPs online, shutdown on any error, hotplug vetoed or fatal. */
export const SERIES_V5: Revision = {
  ...SERIES,
  name: 'v5',
  title: 'patch series v5 (22 June 2022)',
  source: V5,
  seamcall: SEAMCALL_V5,
  boot: defineFlow('boot', [
    [seriesDetect.DETECT_SEAM],
    [seriesDetect.DETECT_KEYIDS],
    [seriesDetect.PRINT_ENABLED_BY_BIOS],
  ]),
  enable: defineFlow('enable', ENABLE_V5),
  ...cpuHotplug([], []),
  acpiCPUAdd: defineFlow('acpi-cpu-add', [[acpi.IGNORE_NEW_CPU], [acpi.ADD_CPU]]),
  acpiCPURemove: defineFlow('acpi-cpu-remove', [[acpi.BUG_ON_CPU_REMOVAL], ...cpuRemove([])]),
  memoryAdd: {
    acpi: defineFlow('memory-add', [[acpi.IGNORE_NEW_MEMORY], ...memoryAdd([], [])]),
    driver: defineFlow('memory-add', [[ARCH_MEMORY_ADD_PRECHECK], ...memoryAdd([], [])]),
    'zone-device': NOTHING_TO_DO,
  },
  memoryRemove: {
    acpi: defineFlow('memory-remove', [[acpi.BUG_ON_MEMORY_REMOVAL], ...REMOVE_MEMORY]),
    driver: defineFlow('memory-remove', REMOVE_MEMORY),
    'zone-device': NOTHING_TO_DO,
  },
  memoryNotifier: null,
};
