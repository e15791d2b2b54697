import { EACCES, EIO, ENODEV, EOPNOTSUPP } from '../errno.ts';
import { defineFlow } from '../flow.ts';
import { strictMachineCheck } from '../machine-check.ts';
import type { Revision } from '../revision.ts';
import { ADD_CPU } from '../steps/linux/acpi.ts';
import { READ_CMRS_IN_USE } from '../steps/linux/cmr.ts';
import * as configure from '../steps/linux/configure.ts';
import * as hotplug from '../steps/linux/cpu-hotplug.ts';
import * as detect from '../steps/linux/detect.ts';
import { NO_KEXEC } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as strictLP from '../steps/strict/lp.ts';
import * as strictMemory from '../steps/strict/memory.ts';
import * as strictTD from '../steps/strict/td.ts';
import * as strict from '../steps/strict/module.ts';
import { flushVCPUOfTD } from '../steps/kvm/td-destroy.ts';
import { flushOrKeepVCPU, KEEP_CPU_OF_VCPU, runVCPU } from '../steps/kvm/td-run.ts';
import { FORGET_TDX, REFUSE_S3 } from '../steps/strict/suspend.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import * as undo from '../steps/linux/undo.ts';
import * as vmx from '../steps/linux/vmx.ts';
import { cpuRemove, NOTIFIED_MEMORY_HOTPLUG, sleepStates } from './common.ts';
import { kvmTD } from './kvm-td.ts';

/**
 * The kernel that breaks no invariant: no kernel anybody runs, but the proof that the invariants can all be kept at
 * once, and the control of every campaign. It manages VMX operation itself, brings every LP that MCHECK counted up
 * once, names whoever is in the way, tries transient answers again, forgets failures, and keeps what the module can
 * still reach.
 */
export const STRICT: Revision = {
  name: 'strict',
  title: 'the kernel that breaks no invariant',
  source: 'model/invariants: each rule has its own source',
  seamcall: {
    attempts: 10,
    transientAttempts: 10,
    repeatsInputs: true,
    vmfail: { errno: ENODEV, message: 'strict-vmfail', oops: false },
    gp: { errno: EOPNOTSUPP, message: 'strict-gp', oops: false },
    ud: { errno: EACCES, message: 'strict-ud', oops: false },
    other: { errno: EIO, message: 'seamcall-failed', outputs: [] },
    marksCacheDirty: true,
  },
  boot: defineFlow('boot', [
    [strict.REQUIRE_SEAM],
    [strict.CHECK_KEYID_RANGE],
    [detect.READ_KEYID_PARTITIONING],
    [detect.CHECK_KEYID_COUNT],
    [detect.CHECK_HIBERNATION],
    [detect.REGISTER_MEMORY_NOTIFIER],
    [detect.SET_PLATFORM_FEATURE],
    [detect.CHECK_ERRATUM],
  ]),
  cpuEnable: defineFlow('cpu-enable', [
    [lock.CPUS_READ_LOCK],
    [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-read-unlock'],
    [lock.LOCK_SYSINIT],
    [strictLP.BRING_UP_TARGET, 'unlock-sysinit'],
    [lock.UNLOCK_SYSINIT, 'cpus-read-unlock'],
    [lock.CPUS_READ_UNLOCK],
  ]),
  enable: defineFlow('enable', [
    [lock.CPUS_WRITE_LOCK],
    [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-write-unlock'],
    [lock.LOCK_MODULE],
    [strictLP.SKIP_IF_INITIALISED, 'end', 'unlock-module'],
    [lock.GET_ONLINE_MEMS],
    [strictLP.BRING_UP_EVERY_LP, 'put-online-mems'],
    [strictLP.CHECK_PACKAGES, 'put-online-mems'],
    [strict.RESUME_IF_CONFIGURED, 'end', 'strict-key-config'],
    [strict.naming(metadata.READ_FEATURES), 'put-online-mems'],
    [metadata.CHECK_FEATURES, 'put-online-mems'],
    [strict.naming(metadata.READ_TDMR_FIELDS), 'put-online-mems'],
    [READ_CMRS_IN_USE, 'put-online-mems'],
    [strictMemory.OFFLINE_NON_CONVERTIBLE, 'put-online-mems'],
    [strictMemory.BUILD_CONVERTIBLE_MEMORY_LIST, 'put-online-mems'],
    [tdmr.ALLOCATE_TDMR_ARRAY, 'free-memory-list'],
    [tdmr.COVER_MEMORY, 'free-tdmr-array'],
    [tdmr.ALLOCATE_PAMTS, 'free-pamts'],
    [strictMemory.FILL_MERGED_RESERVED_AREAS, 'free-pamts'],
    [configure.ALLOCATE_ADDRESS_ARRAY, 'free-pamts'],
    [configure.SYS_CONFIG, 'free-pamts'],
    [configure.FLUSH_CACHES],
    [strictLP.KEY_CONFIG_EVERY_PACKAGE, 'put-online-mems'],
    [strict.INITIALISE_REMAINING_TDMRS, 'put-online-mems'],
    [configure.REPORT_PAMT],
    [strict.GIVE_UP_S3],
    [undo.SKIP_UNDO, 'end', 'put-online-mems'],
    [tdmr.FREE_PAMTS],
    [tdmr.FREE_TDMR_ARRAY],
    [memory.FREE_MEMORY_LIST],
    [strict.FORGET_TDMRS],
    [lock.PUT_ONLINE_MEMS],
    [strict.SETTLE],
    [lock.UNLOCK_MODULE],
    [lock.CPUS_WRITE_UNLOCK],
  ]),
  cpuOnline: defineFlow('cpu-online', [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_ONLINE, 'end', 'cpus-write-unlock'],
    [hotplug.BRING_CPU_UP],
    [strictLP.KEEP_VMX],
    [lock.CPUS_WRITE_UNLOCK],
  ]),
  cpuOffline: defineFlow('cpu-offline', [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_OFFLINE, 'end', 'cpus-write-unlock'],
    [strictTD.KEEP_LAST_USABLE_CPU, 'cpus-write-unlock'],
    [KEEP_CPU_OF_VCPU, 'cpus-write-unlock'],
    [strictLP.LEAVE_VMX],
    [hotplug.TAKE_CPU_DOWN],
    [lock.CPUS_WRITE_UNLOCK],
  ]),
  acpiCPUAdd: defineFlow('acpi-cpu-add', [[ADD_CPU]]),
  acpiCPURemove: defineFlow(
    'acpi-cpu-remove',
    cpuRemove([
      [strictTD.KEEP_LAST_USABLE_CPU, 'cpus-write-unlock'],
      [KEEP_CPU_OF_VCPU, 'cpus-write-unlock'],
      [strictLP.LEAVE_VMX],
    ]),
  ),
  ...NOTIFIED_MEMORY_HOTPLUG,
  ...kvmTD([[strictTD.MOVE_TO_USABLE_CPU]], [[metadata.READ_TDCS_SIZE]], {
    'check-all-packages-online': strictTD.CHECK_PACKAGES_FOR_TD,
    'mng-key-config-packages': strictTD.KEY_CONFIG_FOR_TD,
    'run-vcpu': runVCPU(flushOrKeepVCPU),
    'flush-vcpu': flushVCPUOfTD(flushOrKeepVCPU),
    vpflushdone: strictTD.VPFLUSHDONE_ALOUD,
    'write-back-caches': strictTD.WRITE_BACK_USABLE,
  }),
  kexec: defineFlow('kexec', [[NO_KEXEC]]),
  ...sleepStates([[REFUSE_S3]], [[FORGET_TDX]]),
  vmxGet: defineFlow('vmx-get', [[vmx.GET_VMX]]),
  memoryNotifier: strictMemory.strictMemoryNotifier,
  machineCheck: strictMachineCheck,
  enablesAtBoot: false,
  failureIsFinal: false,
};
