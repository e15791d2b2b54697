import { EINVAL, EIO, ENODEV } from '../errno.ts';
import { defineFlow, type FlowEntry, label } from '../flow.ts';
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
import { NOTIFIED_MEMORY_HOTPLUG, PLAIN_CPU_HOTPLUG } from './common.ts';
import {
  CLEAN_UP_SERIES,
  CREATE_TDMRS,
  ONE_ATTEMPT,
  REPORT_PAMT_PAGES,
  SERIES,
  TDMRS_SET_UP_RSVD_AREAS_ALL,
} from './series-common.ts';

/** Every way to fail has its line, printed once per boot. Source: seamcall(), v8 05/16. */
const SEAMCALL_V8: SeamcallPolicy = {
  ...ONE_ATTEMPT,
  vmfail: { errno: ENODEV, message: 'v8-seamcall-vmfail', oops: false },
  gp: { errno: ENODEV, message: 'v8-seamcall-gp', oops: false },
  ud: { errno: EINVAL, message: 'v8-seamcall-ud', oops: false },
  other: { errno: EIO, message: 'v8-seamcall-failed', outputs: ['v8-seamcall-outputs'] },
};

/** Source: tdx_enable(), __tdx_enable() and init_tdx_module(), v8 04/16 and the patches after it. */
const ENABLE_V8: readonly FlowEntry[] = [
  // The caller's part: no CPU may go offline during the call.
  [lock.CPUS_READ_LOCK],
  [seriesStatus.requirePlatform('tdx_enable(), v8 04/16', 'v8-disabled'), 'ret_tdx_enable'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'break', 'break'],
  // No TDH.SYS.INIT, no TDH.SYS.LP.INIT: a coming module was expected to do without them.
  [sysInfo.SYS_INFO, 'out'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v8 06/16', 'v7-module')],
  [sysInfo.PRINT_CMRS],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_TDX_MEMLIST, 'out'],
  [tdmr.ALLOC_TDMR_LIST, 'out_free_tdx_mem'],
  [CREATE_TDMRS, 'out_free_tdmrs'],
  [tdmr.TDMRS_SET_UP_PAMT_ALL, 'err_construct_tdmrs'],
  [TDMRS_SET_UP_RSVD_AREAS_ALL, 'err_construct_tdmrs'],
  [configure.ALLOCATE_ADDRESS_ARRAY, 'out_free_pamts'],
  [configure.SYS_CONFIG, 'out_free_pamts'],
  [configure.FLUSH_CACHES],
  [configure.ALLOCATE_PACKAGE_MASK, 'out_free_pamts'],
  [configure.DO_GLOBAL_KEY_CONFIG, 'out_free_pamts'],
  [configure.INIT_TDMRS, 'out_free_pamts'],
  [REPORT_PAMT_PAGES],
  ...CLEAN_UP_SERIES,
  label('out_free_tdx_mem'),
  [seriesMemory.FREE_TDX_MEMLIST_ON_ERROR],
  label('out'),
  [lock.PUT_ONLINE_MEMS],

  [seriesStatus.settleAsInvalid('__tdx_enable(), v8 04/16', 'v8-initialised', 'v8-failed')],
  label('break'),
  [lock.UNLOCK_MODULE],
  label('ret_tdx_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/** The eighth posting: the caller guarantees a CPU of every package; CMRs are printed, not checked; nothing is shut down. */
export const SERIES_V8: Revision = {
  ...SERIES,
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
  enable: defineFlow('enable', ENABLE_V8),
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
};
