import { EINVAL, EIO, ENODEV, ENOSPC } from '../errno.ts';
import { defineFlow, type FlowEntry, goto, label, replaceSteps, type Step } from '../flow.ts';
import { tdxDumpMCEInfo } from '../machine-check.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/linux/configure.ts';
import * as detect from '../steps/linux/detect.ts';
import { FLUSH_ALL_CPUS, TDX_RESET_MEMORY } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as seriesDetect from '../steps/series/detect.ts';
import * as seriesLP from '../steps/series/lp.ts';
import * as seriesStatus from '../steps/series/status.ts';
import * as status from '../steps/linux/status.ts';
import * as sysInfo from '../steps/linux/sys-info.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import {
  CONSTRUCT_AND_CONFIGURE,
  NO_KVM,
  NOTIFIED_MEMORY_HOTPLUG,
  ON_DEMAND,
  PLAIN_CPU_HOTPLUG,
  PLAIN_SLEEP,
} from './common.ts';

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

/** tdx_cpu_enable(), v11 07/20. */
const CPU_ENABLE_V11: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [REQUIRE_PLATFORM, 'ret_tdx_cpu_enable'],
  [seriesLP.SKIP_IF_LP_TRIED, 'ret_tdx_cpu_enable', 'ret_tdx_cpu_enable'],

  [lock.LOCK_SYSINIT],
  [seriesLP.SYS_INIT_REMEMBERING_FAILURE, 'out'],
  label('out'),
  [lock.UNLOCK_SYSINIT, 'failed'],

  [seriesLP.LP_INIT_ONCE, 'failed'],
  goto('ret_tdx_cpu_enable'),
  label('failed'),
  [seriesLP.MARK_LP_FAILED],
  label('ret_tdx_cpu_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/** Capacity errors are -ENOSPC by the merge and -E2BIG in v8; which of them v11 had is not known. */
const SILENT: tdmr.CapacityPolicy = { errno: ENOSPC, aloud: false };
const CONSTRUCT_AND_CONFIGURE_V11 = replaceSteps(
  CONSTRUCT_AND_CONFIGURE,
  new Map<Step, readonly Step[]>([
    [tdmr.FILL_OUT_TDMRS, [unconfirmed(tdmr.fillOutTDMRs('fill_out_tdmrs', 'fill_out_tdmrs(), v11 11/20', SILENT))]],
    [
      tdmr.TDMRS_POPULATE_RSVD_AREAS_ALL,
      [
        unconfirmed(
          tdmr.populateReservedAreas(
            'tdmrs_populate_rsvd_areas_all',
            'tdmrs_populate_rsvd_areas_all(), v11 13/20',
            SILENT,
            tdmr.HOLES_OF_MEMORY,
          ),
        ),
      ],
    ],
    [configure.REPORT_PAMT, [configure.reportPAMTStep('init_tdx_module(), v11 12/20', 'v11-pamt-kb', 1024)]],
  ]),
);

function unconfirmed(step: Step): Step {
  return { ...step, confidence: 'unconfirmed' };
}

/** tdx_enable(), __tdx_enable() and init_tdx_module(), v11 07/20 and the patches after it. */
const ENABLE_V11: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [REQUIRE_PLATFORM, 'ret_tdx_enable'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'break', 'break'],

  [sysInfo.SYS_INFO, 'ret_init_tdx_module'],
  [sysInfo.printModuleStep('tdx_get_sysinfo(), v11 08/20', 'v11-module')],
  [sysInfo.PRINT_CMRS],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_TDX_MEMLIST, 'out_put_tdxmem'],
  ...CONSTRUCT_AND_CONFIGURE_V11,
  label('ret_init_tdx_module'),

  [seriesStatus.settleAsInvalid('__tdx_enable(), v11 07/20', 'v5-initialised', 'v11-failed')],
  label('break'),
  [lock.UNLOCK_MODULE],
  label('ret_tdx_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/** The eleventh posting: per-CPU bring-up by the caller, three-state memory of it, PAMTs reset before they are freed. */
export const SERIES_V11: Revision = {
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...PLAIN_SLEEP,
  ...NO_KVM,
  ...ON_DEMAND,
  name: 'v11',
  title: 'patch series v11 (4 June 2023)',
  source: V11,
  seamcall: SEAMCALL_V11,
  boot: defineFlow('boot', [
    [seriesDetect.RECORD_KEYIDS_V8],
    [seriesDetect.REQUIRE_TWO_KEYIDS_V8],
    [seriesDetect.REGISTER_MEMORY_NOTIFIER_V8],
    [seriesDetect.SET_PLATFORM_ENABLED],
    [detect.CHECK_TDX_ERRATUM],
  ]),
  cpuEnable: defineFlow('cpu-enable', CPU_ENABLE_V11),
  enable: defineFlow('enable', ENABLE_V11),
  kexec: defineFlow('kexec', [[FLUSH_ALL_CPUS], [TDX_RESET_MEMORY]]),
  machineCheck: tdxDumpMCEInfo,
};
