import { EINVAL, EIO, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry, type Step } from '../flow.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/linux/configure.ts';
import * as detect from '../steps/linux/detect.ts';
import * as lock from '../steps/linux/lock.ts';
import { BEGIN_ADD, DONE_ADD, REFUSE_NON_TDX_MEMORY } from '../steps/linux/memory-hotplug.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesMemory from '../steps/series/memory.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { memoryAdd, PLAIN_CPU_HOTPLUG, PLAIN_MEMORY_REMOVE, PLAIN_SLEEP } from './common.ts';
import {
  CLEAN_UP_SERIES,
  COVER_MEMORY_SILENTLY,
  FILL_RESERVED_AREAS_SILENTLY,
  KEXEC_SERIES,
  REPORT_PAMT_PAGES,
} from './series-common.ts';

/** Every failure is an errno and no word; #GP is taken for an absent module. Source: seamcall(), v7 05/20. */
const SEAMCALL_V7: SeamcallPolicy = {
  attempts: 1,
  transientAttempts: 1,
  repeatsInputs: true,
  vmfail: { errno: ENODEV, message: null, oops: false },
  gp: { errno: ENODEV, message: null, oops: false },
  ud: { errno: EINVAL, message: null, oops: false },
  other: { errno: EIO, message: null, outputs: [] },
  marksCacheDirty: false,
};

/** The last third of the flow is posted but in no tree we could read: taken from v5, with v7's error codes. */
function inferred(step: Step): Step {
  return { ...step, confidence: 'inferred' };
}

const ENABLE_V7: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE],
  [lock.LOCK_MODULE],
  [seriesStatus.CHECK_MODULE_STATUS_SHUTDOWN, 'unlock-module', 'unlock-module'],
  [lock.CPUS_READ_LOCK],
  [seriesLP.CHECK_ALL_CPUS_ONLINE, 'cpus-read-unlock'],
  // These jump to a label that drops the memory lock before anybody took it.
  [seriesLP.SYS_INIT, 'put-online-mems'],
  [seriesLP.LP_INIT_ALL, 'put-online-mems'],
  [sysInfo.SYS_INFO, 'put-online-mems'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v7 09/20', 'v7-module')],
  [sysInfo.CHECK_CMRS_V7, 'put-online-mems'],
  [lock.GET_ONLINE_MEMS],
  [seriesMemory.BUILD_CONVERTIBLE_MEMORY_LIST, 'put-online-mems'],
  [tdmr.ALLOCATE_TDMR_ARRAY, 'free-memory-list'],
  [COVER_MEMORY_SILENTLY, 'free-tdmr-array'],
  [tdmr.ALLOCATE_PAMTS, 'free-unused-pamts'],
  [FILL_RESERVED_AREAS_SILENTLY, 'free-unused-pamts'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'flush-before-reset'],
  [configure.SYS_CONFIG, 'flush-before-reset'],
  [inferred(configure.FLUSH_CACHES)],
  [inferred(configure.ALLOCATE_PACKAGE_MASK), 'flush-before-reset'],
  [inferred(seriesStatus.asFault(configure.KEY_CONFIG_PACKAGES)), 'flush-before-reset'],
  [inferred(configure.INITIALISE_TDMRS), 'flush-before-reset'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  [seriesMemory.FREE_MEMORY_LIST_ON_ERROR],
  [lock.PUT_ONLINE_MEMS],
  [seriesStatus.settleWithShutdown('__tdx_enable(), v7 06/20', 'v7-shut-down', true), 'end', 'cpus-read-unlock'],
  [seriesLP.LP_SHUTDOWN_ALL],
  [seriesStatus.MARK_SHUT_DOWN],
  [lock.CPUS_READ_UNLOCK],
  [lock.UNLOCK_MODULE],
];

const MEMORY_ADD = defineFlow('memory-add', memoryAdd([[REFUSE_NON_TDX_MEMORY, 'done-add']], []));
/** arch_add_memory() runs for ZONE_DEVICE too, though none of it would reach the page allocator. */
const ZONE_DEVICE_ADD = defineFlow('zone-device', [[BEGIN_ADD], [REFUSE_NON_TDX_MEMORY, 'done-add'], [DONE_ADD]]);

/** The seventh posting: a memory list under the hotplug lock, CMRs checked by the kernel, still all LPs online. */
export const SERIES_V7: Revision = {
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
  cpuEnable: null,
  enable: defineFlow('enable', ENABLE_V7),
  ...PLAIN_CPU_HOTPLUG,
  memoryAdd: { acpi: MEMORY_ADD, driver: MEMORY_ADD, 'zone-device': ZONE_DEVICE_ADD },
  memoryRemove: PLAIN_MEMORY_REMOVE,
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
