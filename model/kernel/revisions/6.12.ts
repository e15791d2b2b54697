import { EACCES, EIO, ENODEV, EOPNOTSUPP } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as configure from '../steps/configure.ts';
import * as hotplug from '../steps/cpu-hotplug.ts';
import * as detect from '../steps/detect.ts';
import * as lock from '../steps/lock.ts';
import * as lp from '../steps/lp.ts';
import * as memory from '../steps/memory.ts';
import * as metadata from '../steps/metadata.ts';
import * as status from '../steps/status.ts';
import * as tdmr from '../steps/tdmr.ts';
import * as undo from '../steps/undo.ts';

const silent = (errno: number): { errno: number; message: null; oops: false } => ({ errno, message: null, oops: false });

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

/** From the TDMR array to the end of the attempt, clean-up included: the same since 6.8. */
export const BUILD_AND_CONFIGURE_6_12: readonly FlowEntry[] = [
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

/** tdx_enable(), with the caller's cpus_read_lock() around it. */
export const ENABLE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-read-unlock'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'unlock-module', 'unlock-module'],
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  [metadata.READ_TDMR_FIELDS, 'free-memory-list'],
  ...BUILD_AND_CONFIGURE_6_12,
  [status.SETTLE_MODULE_STATUS],
  [lock.UNLOCK_MODULE],
  [lock.CPUS_READ_UNLOCK],
];

export const CPU_ONLINE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_WRITE_LOCK],
  [hotplug.SKIP_IF_ONLINE, 'end', 'cpus-write-unlock'],
  [hotplug.BRING_CPU_UP],
  [lock.CPUS_WRITE_UNLOCK],
];

export const CPU_OFFLINE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_WRITE_LOCK],
  [hotplug.SKIP_IF_OFFLINE, 'end', 'cpus-write-unlock'],
  [hotplug.TAKE_CPU_DOWN],
  [lock.CPUS_WRITE_UNLOCK],
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
  cpuOnline: defineFlow('cpu-online', CPU_ONLINE_6_12),
  cpuOffline: defineFlow('cpu-offline', CPU_OFFLINE_6_12),
  vmxGet: null,
  memory: { accepts: 'one-entry', refusal: null },
  enablesAtBoot: false,
  failureIsFinal: true,
  machineCheckAsks: 'with-feature',
};
