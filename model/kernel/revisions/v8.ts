import { EINVAL, EIO, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import { tdxMemoryNotifier } from '../memory-hotplug.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/linux/configure.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesMemory from '../steps/series/memory.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as status from '../steps/linux/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { NOTIFIED_MEMORY_HOTPLUG, PLAIN_CPU_HOTPLUG, PLAIN_SLEEP } from './common.ts';
import {
  CLEAN_UP_SERIES,
  COVER_MEMORY_SILENTLY,
  FILL_RESERVED_AREAS_SILENTLY,
  KEXEC_SERIES,
  REPORT_PAMT_PAGES,
} from './series-common.ts';

/** Every way to fail has its line, printed once per boot. Source: seamcall(), v8 05/16. */
const SEAMCALL_V8: SeamcallPolicy = {
  attempts: 1,
  transientAttempts: 1,
  repeatsInputs: true,
  vmfail: { errno: ENODEV, message: 'v8-seamcall-vmfail', oops: false },
  gp: { errno: ENODEV, message: 'v8-seamcall-gp', oops: false },
  ud: { errno: EINVAL, message: 'v8-seamcall-ud', oops: false },
  other: { errno: EIO, message: 'v8-seamcall-failed', outputs: ['v8-seamcall-outputs'] },
  marksCacheDirty: false,
};

const ENABLE_V8: readonly FlowEntry[] = [
  // The caller's part: nobody may go offline during the call.
  [lock.CPUS_READ_LOCK],
  [seriesStatus.requirePlatform('tdx_enable(), v8 04/16', 'v8-disabled'), 'cpus-read-unlock'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'unlock-module', 'unlock-module'],
  // No TDH.SYS.INIT, no TDH.SYS.LP.INIT: a coming module was expected to do without them.
  [sysInfo.SYS_INFO, 'put-online-mems'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v8 06/16', 'v7-module')],
  [sysInfo.PRINT_CMRS],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  [tdmr.ALLOCATE_TDMR_ARRAY, 'free-memory-list'],
  [COVER_MEMORY_SILENTLY, 'free-tdmr-array'],
  [tdmr.ALLOCATE_PAMTS, 'free-unused-pamts'],
  [FILL_RESERVED_AREAS_SILENTLY, 'free-unused-pamts'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'flush-before-reset'],
  [configure.SYS_CONFIG, 'flush-before-reset'],
  [configure.FLUSH_CACHES],
  [configure.ALLOCATE_PACKAGE_MASK, 'flush-before-reset'],
  [configure.KEY_CONFIG_PACKAGES, 'flush-before-reset'],
  [configure.INITIALISE_TDMRS, 'flush-before-reset'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  [seriesMemory.FREE_MEMORY_LIST_ON_ERROR],
  [lock.PUT_ONLINE_MEMS],
  [seriesStatus.settleAsInvalid('__tdx_enable(), v8 04/16', 'v8-initialised', 'v8-failed')],
  [lock.UNLOCK_MODULE],
  [lock.CPUS_READ_UNLOCK],
];

/** The eighth posting: the caller guarantees a CPU of every package; CMRs are printed, not checked; nothing is shut down. */
export const SERIES_V8: Revision = {
  name: 'v8',
  title: 'patch series v8 (9 December 2022)',
  source: 'v8 00/16, Kai Huang, 9 Dec 2022',
  seamcall: SEAMCALL_V8,
  boot: defineFlow('boot', [
    [seriesDetect.RECORD_KEYIDS_V8],
    [seriesDetect.REQUIRE_TWO_KEYIDS_V8],
    [seriesDetect.REGISTER_MEMORY_NOTIFIER_V8],
    [seriesDetect.SET_PLATFORM_ENABLED],
  ]),
  cpuEnable: null,
  enable: defineFlow('enable', ENABLE_V8),
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...PLAIN_SLEEP,
  tdCreate: null,
  tdRun: null,
  tdDestroy: null,
  kexec: KEXEC_SERIES,
  vmxGet: null,
  memoryNotifier: tdxMemoryNotifier,
  machineCheck: null,
  enablesAtBoot: false,
  failureIsFinal: true,
};
