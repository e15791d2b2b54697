import { EINVAL, EIO, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry, label, type Step } from '../flow.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/linux/configure.ts';
import * as detect from '../steps/linux/detect.ts';
import * as lock from '../steps/linux/lock.ts';
import { MEM_HOTPLUG_BEGIN, MEM_HOTPLUG_DONE, ARCH_ADD_MEMORY } from '../steps/linux/memory-hotplug.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesMemory from '../steps/series/memory.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { memoryAdd, PLAIN_CPU_HOTPLUG, PLAIN_MEMORY_REMOVE } from './common.ts';
import {
  CLEAN_UP_SERIES,
  CREATE_TDMRS,
  ONE_ATTEMPT,
  REPORT_PAMT_PAGES,
  SERIES,
  TDMRS_SET_UP_RSVD_AREAS_ALL,
} from './series-common.ts';

/** Every failure is an errno and no word; #GP is taken for an absent module. Source: seamcall(), v7 05/20. */
const SEAMCALL_V7: SeamcallPolicy = {
  ...ONE_ATTEMPT,
  vmfail: { errno: ENODEV, message: null, oops: false },
  gp: { errno: ENODEV, message: null, oops: false },
  ud: { errno: EINVAL, message: null, oops: false },
  other: { errno: EIO, message: null, outputs: [] },
};

/** The last third of the flow is posted but in no tree we could read: taken from v5, with v7's error codes. */
function inferred(step: Step): Step {
  return { ...step, confidence: 'inferred' };
}

/** Source: tdx_enable(), __tdx_enable() and init_tdx_module(), v7 04/20 and the patches after it. */
const ENABLE_V7: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE],
  [lock.LOCK_MODULE],
  [seriesStatus.CHECK_MODULE_STATUS_SHUTDOWN, 'break', 'break'],
  [lock.CPUS_READ_LOCK],
  [seriesLP.CHECK_ALL_CPUS_ONLINE, 'out_unlock_cpus'],
  // These jump to a label that drops the memory lock before anybody took it.
  [seriesLP.SYS_INIT, 'out'],
  [seriesLP.TDX_MODULE_INIT_CPUS, 'out'],
  [sysInfo.SYS_INFO, 'out'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v7 09/20', 'v7-module')],
  [sysInfo.TRIM_EMPTY_CMRS, 'out'],
  [lock.GET_ONLINE_MEMS],
  [seriesMemory.BUILD_TDX_MEMORY, 'out'],
  [tdmr.ALLOC_TDMR_LIST, 'out_free_tdx_mem'],
  [CREATE_TDMRS, 'out_free_tdmrs'],
  [tdmr.TDMRS_SET_UP_PAMT_ALL, 'err_construct_tdmrs'],
  [TDMRS_SET_UP_RSVD_AREAS_ALL, 'err_construct_tdmrs'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'out_free_pamts'],
  [configure.SYS_CONFIG, 'out_free_pamts'],
  [inferred(configure.FLUSH_CACHES)],
  [inferred(configure.ALLOCATE_PACKAGE_MASK), 'out_free_pamts'],
  [inferred(seriesStatus.asFault(configure.DO_GLOBAL_KEY_CONFIG)), 'out_free_pamts'],
  [inferred(configure.INIT_TDMRS), 'out_free_pamts'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  label('out_free_tdx_mem'),
  [seriesMemory.FREE_TDX_MEMLIST_ON_ERROR],
  label('out'),
  [lock.PUT_ONLINE_MEMS],

  [seriesStatus.settleWithShutdown('__tdx_enable(), v7 06/20', 'v7-shut-down', true), 'end', 'out_unlock_cpus'],
  [seriesLP.SHUTDOWN_TDX_MODULE],
  [seriesStatus.MARK_SHUT_DOWN],
  label('out_unlock_cpus'),
  [lock.CPUS_READ_UNLOCK],
  label('break'),
  [lock.UNLOCK_MODULE],
];

const MEMORY_ADD = defineFlow('memory-add', memoryAdd([[ARCH_ADD_MEMORY, 'error_mem_hotplug_end']], []));
/** arch_add_memory() runs for ZONE_DEVICE too, though none of it would reach the page allocator. */
const ZONE_DEVICE_ADD = defineFlow('zone-device', [
  [MEM_HOTPLUG_BEGIN],
  [ARCH_ADD_MEMORY, 'error_mem_hotplug_end'],
  label('error_mem_hotplug_end'),
  [MEM_HOTPLUG_DONE],
]);

/** The seventh posting: a memory list under the hotplug lock, CMRs checked by the kernel, still all LPs online. */
export const SERIES_V7: Revision = {
  ...SERIES,
  name: 'v7',
  title: 'patch series v7 (21 November 2022)',
  source: 'v7 00/20, Kai Huang, 21 Nov 2022',
  seamcall: SEAMCALL_V7,
  boot: defineFlow('boot', [
    [seriesDetect.RECORD_KEYIDS_V7],
    [seriesDetect.REQUIRE_TWO_KEYIDS_V7],
    [seriesDetect.REQUIRE_X2APIC],
    [seriesDetect.SET_PLATFORM_ENABLED],
  ]),
  enable: defineFlow('enable', ENABLE_V7),
  ...PLAIN_CPU_HOTPLUG,
  memoryAdd: { acpi: MEMORY_ADD, driver: MEMORY_ADD, 'zone-device': ZONE_DEVICE_ADD },
  memoryRemove: PLAIN_MEMORY_REMOVE,
  memoryNotifier: null,
};
