import { EACCES, EIO, ENODEV, EOPNOTSUPP } from '../errno.ts';
import { defineFlow, type FlowEntry, goto, label } from '../flow.ts';
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
import { CHECK_ALL_PACKAGES_ONLINE, MNG_KEY_CONFIG_PACKAGES } from '../steps/kvm/td-create.ts';
import * as destroy from '../steps/kvm/td-destroy.ts';
import { flushOrKeepVCPU, KEEP_CPU_OF_VCPU, RUN_VCPU, runVCPU } from '../steps/kvm/td-run.ts';
import { FORGET_TDX, REFUSE_S3 } from '../steps/strict/suspend.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import * as vmx from '../steps/linux/vmx.ts';
import { cpuOffline, cpuRemove, NOTIFIED_MEMORY_HOTPLUG, sleepStates } from './common.ts';
import { kvmTD } from './kvm-td.ts';

const OFFLINE_CALLBACK: readonly FlowEntry[] = [
  [strictTD.KEEP_LAST_USABLE_CPU, 'out'],
  [KEEP_CPU_OF_VCPU, 'out'],
  [strictLP.LEAVE_VMX],
];

/**
 * The kernel that breaks no invariant: not a kernel in use, but the proof that the invariants can all be kept at once, and
 * the control of every campaign. It manages VMX operation itself, brings every LP that MCHECK counted up once, names what
 * is in the way, tries transient answers again, forgets failures, and keeps what the module can still reach.
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
    [detect.RECORD_KEYID_PARTITIONING],
    [detect.CHECK_KEYID_COUNT],
    [detect.CHECK_HIBERNATION],
    [detect.REGISTER_MEMORY_NOTIFIER],
    [detect.SET_PLATFORM_FEATURE],
    [detect.CHECK_TDX_ERRATUM],
  ]),
  cpuEnable: defineFlow('cpu-enable', [
    [lock.CPUS_READ_LOCK],
    [detect.REQUIRE_PLATFORM_FEATURE, 'out'],
    [lock.LOCK_SYSINIT],
    [strictLP.BRING_UP_TARGET, 'out_sysinit'],
    label('out_sysinit'),
    [lock.UNLOCK_SYSINIT, 'out'],
    label('out'),
    [lock.CPUS_READ_UNLOCK],
  ]),
  enable: defineFlow('enable', [
    [lock.CPUS_WRITE_LOCK],
    [detect.REQUIRE_PLATFORM_FEATURE, 'out'],
    [lock.LOCK_MODULE],
    [strictLP.SKIP_IF_INITIALISED, 'end', 'out_module'],
    [lock.GET_ONLINE_MEMS],
    [strictLP.BRING_UP_EVERY_LP, 'out_put_tdxmem'],
    [strictLP.CHECK_PACKAGES, 'out_put_tdxmem'],
    [strict.RESUME_IF_CONFIGURED, 'end', 'configured'],
    [strict.naming(metadata.GET_TDX_SYS_INFO_FEATURES), 'out_put_tdxmem'],
    [metadata.CHECK_FEATURES, 'out_put_tdxmem'],
    [strict.naming(metadata.GET_TDX_SYS_INFO_TDMR), 'out_put_tdxmem'],
    [READ_CMRS_IN_USE, 'out_put_tdxmem'],
    [strictMemory.OFFLINE_NON_CONVERTIBLE, 'out_put_tdxmem'],
    [strictMemory.BUILD_CONVERTIBLE_MEMORY_LIST, 'out_put_tdxmem'],
    [tdmr.ALLOC_TDMR_LIST, 'err_free_tdxmem'],
    [tdmr.FILL_OUT_TDMRS, 'err_free_tdmrs'],
    [tdmr.TDMRS_SET_UP_PAMT_ALL, 'err_free_pamts'],
    [strictMemory.FILL_MERGED_RESERVED_AREAS, 'err_free_pamts'],
    [configure.ALLOCATE_ADDRESS_ARRAY, 'err_free_pamts'],
    [configure.SYS_CONFIG, 'err_free_pamts'],
    [configure.FLUSH_CACHES],
    label('configured'),
    [strictLP.KEY_CONFIG_EVERY_PACKAGE, 'out_put_tdxmem'],
    [strict.INITIALISE_REMAINING_TDMRS, 'out_put_tdxmem'],
    [configure.REPORT_PAMT],
    [strict.GIVE_UP_S3],
    goto('out_put_tdxmem'),

    label('err_free_pamts'),
    [tdmr.TDMRS_FREE_PAMT_ALL],
    label('err_free_tdmrs'),
    [tdmr.FREE_TDMR_LIST],
    label('err_free_tdxmem'),
    [memory.FREE_TDX_MEMLIST],
    [strict.FORGET_TDMRS],
    label('out_put_tdxmem'),
    [lock.PUT_ONLINE_MEMS],
    [strict.SETTLE],
    label('out_module'),
    [lock.UNLOCK_MODULE],
    label('out'),
    [lock.CPUS_WRITE_UNLOCK],
  ]),
  cpuOnline: defineFlow('cpu-online', [
    [lock.CPUS_WRITE_LOCK],
    [hotplug.SKIP_IF_ONLINE, 'end', 'out'],
    [hotplug.BRING_CPU_UP],
    [strictLP.KEEP_VMX],
    label('out'),
    [lock.CPUS_WRITE_UNLOCK],
  ]),
  cpuOffline: defineFlow('cpu-offline', cpuOffline(OFFLINE_CALLBACK)),
  acpiCPUAdd: defineFlow('acpi-cpu-add', [[ADD_CPU]]),
  acpiCPURemove: defineFlow('acpi-cpu-remove', cpuRemove(OFFLINE_CALLBACK)),
  ...NOTIFIED_MEMORY_HOTPLUG,
  memoryNotifier: strictMemory.strictMemoryNotifier,
  ...kvmTD({
    first: [[strictTD.MOVE_TO_USABLE_CPU]],
    beforeCreate: [[metadata.READ_TDCS_SIZE]],
    create: new Map([
      [CHECK_ALL_PACKAGES_ONLINE, [strictTD.CHECK_PACKAGES_FOR_TD]],
      [MNG_KEY_CONFIG_PACKAGES, [strictTD.KEY_CONFIG_FOR_TD]],
    ]),
    run: new Map([[RUN_VCPU, [runVCPU(flushOrKeepVCPU)]]]),
    tearDown: new Map([
      [destroy.TDX_FLUSH_VP_ON_CPU, [destroy.flushVCPUOfTD(flushOrKeepVCPU)]],
      [destroy.VPFLUSHDONE, [strictTD.VPFLUSHDONE_ALOUD]],
      [destroy.WRITE_BACK_CACHES, [strictTD.WRITE_BACK_USABLE]],
    ]),
  }),
  kexec: defineFlow('kexec', [[NO_KEXEC]]),
  ...sleepStates([[REFUSE_S3]], [[FORGET_TDX]]),
  vmxGet: defineFlow('vmx-get', [[vmx.X86_VIRT_GET_REF]]),
  machineCheck: strictMachineCheck,
  enablesAtBoot: false,
  failureIsFinal: false,
};
