import { defineFlow, type FlowEntry } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { keepLastCPUOfPackage } from '../steps/linux/cpu-hotplug.ts';
import * as detect from '../steps/linux/detect.ts';
import { DISABLE_MODULE, FLUSH_DIRTY_CPUS, LEAVE_VMX } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as lp from '../steps/linux/lp.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import { REPORT_MODULE_STATUS, SKIP } from '../steps/linux/status.ts';
import { FLUSH_VCPUS_OF_CPU } from '../steps/kvm/td-run.ts';
import * as undo from '../steps/linux/undo.ts';
import * as vmx from '../steps/linux/vmx.ts';
import { LINUX_6_17, readAllMetadata } from './6.17.ts';
import { BUILD_AND_CONFIGURE, cpuHotplug } from './common.ts';

/** VMX operation, SYS.INIT the first time, LP.INIT, on the target CPU; `done` follows success, `put-vmx` failure. */
function bringUpTarget(done: string, failed: string): readonly FlowEntry[] {
  return [
    [vmx.GET_VMX, failed],
    [lp.SKIP_IF_LP_INITIALISED, 'put-vmx', done],
    [lock.LOCK_SYSINIT],
    [lp.SYS_INIT_ONCE, 'unlock-sysinit'],
    [lock.UNLOCK_SYSINIT, 'put-vmx'],
    [lp.LP_INIT, 'put-vmx'],
  ];
}

/** The kernel initialises the module by itself at boot, once; every online CPU is brought up first. */
export const ENABLE_7_3: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE_ALOUD],
  [lock.CPUS_READ_LOCK],
  [vmx.START_BEFORE_FIRST_CPU],
  [vmx.NEXT_ONLINE_CPU, 'end', 'install-online-callback'],
  ...bringUpTarget('loop', 'roll-back-cpus'),
  [{ ...SKIP, name: 'loop' }, 'end', 'next-online-cpu'],
  [vmx.PUT_VMX],
  [vmx.ROLL_BACK_CPUS],
  [{ ...lock.CPUS_READ_UNLOCK, name: 'cpus-read-unlock-failed' }],
  [{ ...SKIP, name: 'give-up' }, 'end', 'end'],
  [vmx.INSTALL_ONLINE_CALLBACK],
  [lock.CPUS_READ_UNLOCK],
  [lock.LOCK_MODULE],
  [metadata.READ_VERSION, 'print-version'],
  [metadata.PRINT_VERSION, 'report-module-status'],
  ...readAllMetadata('report-module-status'),
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  ...BUILD_AND_CONFIGURE.map(
    (entry): FlowEntry => (entry[0] === undo.RESET_PAMTS ? [undo.RESET_PAMTS_IF_ERRATUM] : entry),
  ),
  [REPORT_MODULE_STATUS, 'end', 'unlock-module'],
  [{ ...lock.CPUS_READ_LOCK, name: 'cpus-read-lock-failed' }],
  [vmx.REMOVE_ONLINE_CALLBACK],
  [{ ...lock.CPUS_READ_UNLOCK, name: 'cpus-read-unlock-removed' }],
  [lock.UNLOCK_MODULE],
];

const ONLINE_CALLBACK: readonly FlowEntry[] = [
  [vmx.SKIP_WITHOUT_CALLBACK, 'end', 'bring-cpu-up'],
  ...bringUpTarget('bring-cpu-up', 'cpus-write-unlock'),
  [{ ...SKIP, name: 'came-up' }, 'end', 'bring-cpu-up'],
  [vmx.PUT_VMX],
  [{ ...SKIP, name: 'stays-offline' }, 'end', 'cpus-write-unlock'],
];

/**
 * TDX's callback is torn down before KVM's (CPUHP_AP_ONLINE_DYN above CPUHP_AP_KVM_ONLINE, include/linux/cpuhotplug.h). KVM
 * keeps the CPU in VMX operation by a reference of its own until it is done: here that is TDX's, dropped last.
 */
const OFFLINE_CALLBACK: readonly FlowEntry[] = [
  [keepLastCPUOfPackage('tdx_offline_cpu(), Linux 7.3.4', 'last-cpu-of-package'), 'cpus-write-unlock'],
  [vmx.SKIP_WITHOUT_CALLBACK, 'end', 'take-cpu-down'],
  [vmx.FLUSH_CACHES_OF_CPU],
  [FLUSH_VCPUS_OF_CPU],
  [vmx.PUT_VMX],
];

/** Linux 7.3: the core enters VMX operation itself and initialises the module at boot. */
export const LINUX_7_3: Revision = {
  ...LINUX_6_17,
  name: '7.3',
  title: 'Linux 7.3',
  source: 'arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3.4; recordings linux-7.3 and linux-7.3-demos',
  cpuEnable: null,
  enablesAtBoot: true,
  enable: defineFlow('enable', ENABLE_7_3),
  ...cpuHotplug(ONLINE_CALLBACK, OFFLINE_CALLBACK),
  kexec: defineFlow('kexec', [[DISABLE_MODULE], [FLUSH_DIRTY_CPUS], [LEAVE_VMX]]),
  vmxGet: defineFlow('vmx-get', [[vmx.GET_VMX]]),
};
