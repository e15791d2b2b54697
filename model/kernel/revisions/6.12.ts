import { EACCES, EIO, ENODEV, EOPNOTSUPP } from '../errno.ts';
import { defineFlow, type FlowEntry, label } from '../flow.ts';
import { tdxDumpMCEInfo } from '../machine-check.ts';
import type { Revision } from '../revision.ts';
import type { SeamcallPolicy } from '../seamcall.ts';
import * as detect from '../steps/linux/detect.ts';
import { NO_KEXEC } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as lp from '../steps/linux/lp.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as status from '../steps/linux/status.ts';
import {
  CONSTRUCT_AND_CONFIGURE,
  NO_KVM,
  NOTIFIED_MEMORY_HOTPLUG,
  ON_DEMAND,
  PLAIN_CPU_HOTPLUG,
  PLAIN_SLEEP,
} from './common.ts';

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

/** Source: tdx_init(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12. */
export const BOOT_6_12: readonly FlowEntry[] = [
  [detect.RECORD_KEYID_PARTITIONING],
  [detect.CHECK_KEYID_COUNT],
  [detect.CHECK_HIBERNATION],
  [detect.REGISTER_MEMORY_NOTIFIER],
  [detect.DISABLE_S3],
  [detect.SET_PLATFORM_FEATURE],
  [detect.CHECK_TDX_ERRATUM],
];

/**
 * tdx_cpu_enable() on the calling CPU, which cannot go offline meanwhile, with try_init_module_global() inside.
 * Source: arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */
export const CPU_ENABLE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'ret_tdx_cpu_enable'],
  [lp.SKIP_IF_LP_INITIALISED, 'ret_tdx_cpu_enable', 'ret_tdx_cpu_enable'],

  [lock.LOCK_SYSINIT],
  [lp.SYS_INIT_ONCE, 'out'],
  label('out'),
  [lock.UNLOCK_SYSINIT, 'ret_tdx_cpu_enable'],

  [lp.LP_INIT, 'ret_tdx_cpu_enable'],
  label('ret_tdx_cpu_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/**
 * tdx_enable(), with the caller's cpus_read_lock() around it, and __tdx_enable() and init_tdx_module() inside.
 * Source: arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */
export const ENABLE_6_12: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'ret_tdx_enable'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'break', 'break'],

  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_TDX_MEMLIST, 'out_put_tdxmem'],
  [metadata.GET_TDX_TDMR_SYSINFO, 'err_free_tdxmem'],
  ...CONSTRUCT_AND_CONFIGURE,

  [status.SETTLE_MODULE_STATUS],
  label('break'),
  [lock.UNLOCK_MODULE],
  label('ret_tdx_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/** Linux 6.8 and 6.12: the two gave byte-identical recordings for 2,000 scenarios. */
export const LINUX_6_12: Revision = {
  ...PLAIN_CPU_HOTPLUG,
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...PLAIN_SLEEP,
  ...NO_KVM,
  ...ON_DEMAND,
  name: '6.12',
  title: 'Linux 6.8 to 6.12',
  source: 'arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.117; recordings linux-6.12 and linux-6.12-demos',
  seamcall: SEAMCALL_6_12,
  boot: defineFlow('boot', BOOT_6_12),
  cpuEnable: defineFlow('cpu-enable', CPU_ENABLE_6_12),
  enable: defineFlow('enable', ENABLE_6_12),
  kexec: defineFlow('kexec', [[NO_KEXEC]]),
  machineCheck: tdxDumpMCEInfo,
};
