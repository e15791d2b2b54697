import { EINVAL, EIO, ENODEV, ENOSPC } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import { tdxDumpMCEInfo } from '../machine-check.ts';
import { tdxMemoryNotifier } from '../memory-hotplug.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/linux/configure.ts';
import * as detect from '../steps/linux/detect.ts';
import { FLUSH_ALL_CPUS, RESET_PAMTS_FOR_KEXEC } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as status from '../steps/linux/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { BUILD_AND_CONFIGURE, NOTIFIED_MEMORY_HOTPLUG, PLAIN_CPU_HOTPLUG, PLAIN_SLEEP } from './common.ts';

/** v8's wrapper with the CPU in its lines, and ten attempts while there is no entropy. Source: seamcall(), v11 05/20 and 06/20. */
const SEAMCALL_V11: SeamcallPolicy = {
  attempts: 10,
  transientAttempts: 1,
  repeatsInputs: true,
  vmfail: { errno: ENODEV, message: 'v8-seamcall-vmfail', oops: false },
  gp: { errno: ENODEV, message: 'v8-seamcall-gp', oops: false },
  ud: { errno: EINVAL, message: 'v11-seamcall-ud', oops: false },
  other: { errno: EIO, message: 'v11-seamcall-failed', outputs: ['v8-seamcall-outputs'] },
  marksCacheDirty: false,
};

const V11 = 'v11 00/20, Kai Huang, 4 Jun 2023';
const REQUIRE_PLATFORM = seriesStatus.requirePlatform('tdx_cpu_enable() and tdx_enable(), v11 07/20', null);

const CPU_ENABLE_V11: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [REQUIRE_PLATFORM, 'cpus-read-unlock'],
  [seriesLP.SKIP_IF_LP_TRIED, 'cpus-read-unlock', 'cpus-read-unlock'],
  [lock.LOCK_SYSINIT],
  [seriesLP.SYS_INIT_REMEMBERING_FAILURE, 'unlock-sysinit'],
  [lock.UNLOCK_SYSINIT, 'mark-lp-failed'],
  [seriesLP.LP_INIT_ONCE, 'mark-lp-failed'],
  [{ ...status.SKIP, name: 'lp-is-up' }, 'end', 'cpus-read-unlock'],
  [seriesLP.MARK_LP_FAILED],
  [lock.CPUS_READ_UNLOCK],
];

/** Capacity errors are -ENOSPC by the merge and -E2BIG in v8; which of them v11 had is not known. */
const SILENT: tdmr.CapacityPolicy = { errno: ENOSPC, aloud: false };
const REPLACEMENTS: ReadonlyMap<string, FlowEntry[0]> = new Map([
  ['cover-memory', { ...tdmr.coverMemoryStep('fill_out_tdmrs(), v11 11/20', SILENT), confidence: 'unconfirmed' }],
  [
    'fill-reserved-areas',
    {
      ...tdmr.fillReservedAreasStep('tdmrs_populate_rsvd_areas_all(), v11 13/20', SILENT, tdmr.HOLES_OF_MEMORY),
      confidence: 'unconfirmed',
    },
  ],
  ['report-pamt', configure.reportPAMTStep('init_tdx_module(), v11 12/20', 'v11-pamt-kb', 1024)],
]);

const ENABLE_V11: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [REQUIRE_PLATFORM, 'cpus-read-unlock'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'unlock-module', 'unlock-module'],
  [sysInfo.SYS_INFO, 'settle-module-status'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v11 08/20', 'v11-module')],
  [sysInfo.PRINT_CMRS],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  ...BUILD_AND_CONFIGURE.map(([step, ...labels]): FlowEntry => [REPLACEMENTS.get(step.name) ?? step, ...labels]),
  [seriesStatus.settleAsInvalid('__tdx_enable(), v11 07/20', 'v5-initialised', 'v11-failed')],
  [lock.UNLOCK_MODULE],
  [lock.CPUS_READ_UNLOCK],
];

/** The eleventh posting: per-CPU bring-up by the caller, three-state memory of it, PAMTs reset before they are freed. */
export const SERIES_V11: Revision = {
  name: 'v11',
  title: 'patch series v11 (4 June 2023)',
  source: V11,
  seamcall: SEAMCALL_V11,
  boot: defineFlow('boot', [
    [seriesDetect.RECORD_KEYIDS_V8],
    [seriesDetect.REQUIRE_TWO_KEYIDS_V8],
    [seriesDetect.REGISTER_MEMORY_NOTIFIER_V8],
    [seriesDetect.SET_PLATFORM_ENABLED],
    [detect.CHECK_ERRATUM],
  ]),
  cpuEnable: defineFlow('cpu-enable', CPU_ENABLE_V11),
  enable: defineFlow('enable', ENABLE_V11),
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...PLAIN_SLEEP,
  tdCreate: null,
  tdRun: null,
  tdDestroy: null,
  kexec: defineFlow('kexec', [[FLUSH_ALL_CPUS], [RESET_PAMTS_FOR_KEXEC]]),
  vmxGet: null,
  memoryNotifier: tdxMemoryNotifier,
  machineCheck: tdxDumpMCEInfo,
  enablesAtBoot: false,
  failureIsFinal: true,
};
