import { EACCES, EIO, ENODEV, EOPNOTSUPP } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import { tdxDumpMCEInfo } from '../machine-check.ts';
import { tdxMemoryNotifier } from '../memory-hotplug.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as detect from '../steps/linux/detect.ts';
import { NO_KEXEC } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as lp from '../steps/linux/lp.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as status from '../steps/linux/status.ts';
import { BUILD_AND_CONFIGURE, NOTIFIED_MEMORY_HOTPLUG, PLAIN_CPU_HOTPLUG, PLAIN_SLEEP } from './common.ts';

const silent = (errno: number): { errno: number; message: null; oops: false } => ({
  errno,
  message: null,
  oops: false,
});

/** Retries no entropy ten times in all; #GP, #UD and VMfailInvalid leave no line. Source: sc_retry_prerr(), Linux 6.12. */
export const SEAMCALL_6_12: SeamcallPolicy = {
  attempts: 10,
  transientAttempts: 1,
  repeatsInputs: false,
  vmfail: silent(ENODEV),
  gp: silent(EOPNOTSUPP),
  ud: silent(EACCES),
  other: { errno: EIO, message: 'seamcall-failed', outputs: ['seamcall-outputs-low', 'seamcall-outputs-high'] },
  marksCacheDirty: false,
};

export const BOOT_6_12: readonly FlowEntry[] = [
  [detect.READ_KEYID_PARTITIONING],
  [detect.CHECK_KEYID_COUNT],
  [detect.CHECK_HIBERNATION],
  [detect.REGISTER_MEMORY_NOTIFIER],
  [detect.DISABLE_S3],
  [detect.SET_PLATFORM_FEATURE],
  [detect.CHECK_ERRATUM],
];

/** tdx_cpu_enable() on the calling CPU, which cannot go offline meanwhile. */
export const CPU_ENABLE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-read-unlock'],
  [lp.SKIP_IF_LP_INITIALISED, 'cpus-read-unlock', 'cpus-read-unlock'],
  [lock.LOCK_SYSINIT],
  [lp.SYS_INIT_ONCE, 'unlock-sysinit'],
  [lock.UNLOCK_SYSINIT, 'cpus-read-unlock'],
  [lp.LP_INIT, 'cpus-read-unlock'],
  [lock.CPUS_READ_UNLOCK],
];

/** tdx_enable(), with the caller's cpus_read_lock() around it. */
export const ENABLE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-read-unlock'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'unlock-module', 'unlock-module'],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  [metadata.READ_TDMR_FIELDS, 'free-memory-list'],
  ...BUILD_AND_CONFIGURE,
  [status.SETTLE_MODULE_STATUS],
  [lock.UNLOCK_MODULE],
  [lock.CPUS_READ_UNLOCK],
];

/** Linux 6.8 and 6.12: the two gave byte-identical recordings for 2,000 scenarios. */
export const LINUX_6_12: Revision = {
  name: '6.12',
  title: 'Linux 6.8 to 6.12',
  source: 'arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.117; recordings linux-6.12 and linux-6.12-demos',
  seamcall: SEAMCALL_6_12,
  boot: defineFlow('boot', BOOT_6_12),
  cpuEnable: defineFlow('cpu-enable', CPU_ENABLE_6_12),
  enable: defineFlow('enable', ENABLE_6_12),
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...PLAIN_SLEEP,
  tdCreate: null,
  tdRun: null,
  tdDestroy: null,
  kexec: defineFlow('kexec', [[NO_KEXEC]]),
  vmxGet: null,
  memoryNotifier: tdxMemoryNotifier,
  machineCheck: tdxDumpMCEInfo,
  enablesAtBoot: false,
  failureIsFinal: true,
};
