import { defineFlow, type FlowEntry, goto, label, replaceSteps } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { KEEP_LAST_CPU_OF_PACKAGE } from '../steps/linux/cpu-hotplug.ts';
import * as detect from '../steps/linux/detect.ts';
import { TDX_SYS_DISABLE, FLUSH_DIRTY_CPUS, LEAVE_VMX } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as lp from '../steps/linux/lp.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import { REPORT_MODULE_STATUS } from '../steps/linux/status.ts';
import { TDX_DISABLE_VIRTUALIZATION_CPU } from '../steps/kvm/td-run.ts';
import * as undo from '../steps/linux/undo.ts';
import * as vmx from '../steps/linux/vmx.ts';
import { GET_TDX_SYS_INFO, LINUX_6_17 } from './6.17.ts';
import { CONSTRUCT_AND_CONFIGURE, cpuHotplug } from './common.ts';

/**
 * tdx_online_cpu() on the target CPU, with tdx_cpu_enable() and try_init_module_global() inside: VMX operation, SYS.INIT the
 * first time, LP.INIT. `done` follows success, `failed` a failure that took no reference on VMX operation, and
 * `err_put_ref` any other.
 */
function tdxOnlineCPU(done: string, failed: string): readonly FlowEntry[] {
  return [
    [vmx.X86_VIRT_GET_REF, failed],
    [lp.SKIP_IF_LP_INITIALISED, 'err_put_ref', done],

    [lock.LOCK_SYSINIT],
    [lp.SYS_INIT_ONCE, 'out_sysinit'],
    label('out_sysinit'),
    [lock.UNLOCK_SYSINIT, 'err_put_ref'],

    [lp.LP_INIT, 'err_put_ref'],
  ];
}

/**
 * The kernel initialises the module by itself at boot, once; every online CPU is brought up first.
 * Source: tdx_enable(), cpuhp_setup_state() and init_tdx_module(), arch/x86/virt/vmx/tdx/tdx.c and kernel/cpu.c, Linux 7.3.
 */
const ENABLE_7_3: readonly FlowEntry[] = [
  [detect.REQUIRE_PLATFORM_FEATURE_ALOUD],

  [lock.CPUS_READ_LOCK],
  [vmx.START_BEFORE_FIRST_CPU],
  label('for_each_online_cpu'),
  [vmx.NEXT_ONLINE_CPU, 'end', 'all_cpus_up'],
  ...tdxOnlineCPU('cpu_up', 'rollback'),
  label('cpu_up'),
  goto('for_each_online_cpu'),
  label('err_put_ref'),
  [vmx.X86_VIRT_PUT_REF],
  label('rollback'),
  [vmx.CPUHP_ROLLBACK_INSTALL],
  [lock.CPUS_READ_UNLOCK],
  goto('end'),
  label('all_cpus_up'),
  [vmx.INSTALL_ONLINE_CALLBACK],
  [lock.CPUS_READ_UNLOCK],

  [lock.LOCK_MODULE],
  [metadata.GET_TDX_SYS_INFO_VERSION, 'print_version'],
  label('print_version'),
  [metadata.PRINT_VERSION, 'ret_init_tdx_module'],
  ...GET_TDX_SYS_INFO,
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_TDX_MEMLIST, 'out_put_tdxmem'],
  ...replaceSteps(CONSTRUCT_AND_CONFIGURE, new Map([[undo.TDMRS_RESET_PAMT_ALL, [undo.TDMRS_QUIRK_RESET_PAMT_ALL]]])),
  label('ret_init_tdx_module'),

  [REPORT_MODULE_STATUS, 'end', 'initialised'],
  [lock.CPUS_READ_LOCK],
  [vmx.CPUHP_REMOVE_STATE],
  [lock.CPUS_READ_UNLOCK],
  label('initialised'),
  [lock.UNLOCK_MODULE],
];

/** Source: tdx_online_cpu(), arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3. */
const ONLINE_CALLBACK: readonly FlowEntry[] = [
  [vmx.SKIP_WITHOUT_CALLBACK, 'end', 'up'],
  ...tdxOnlineCPU('up', 'out'),
  goto('up'),
  label('err_put_ref'),
  [vmx.X86_VIRT_PUT_REF],
  goto('out'),
];

/**
 * TDX's callback is torn down before KVM's (CPUHP_AP_ONLINE_DYN above CPUHP_AP_KVM_ONLINE, include/linux/cpuhotplug.h). KVM
 * keeps the CPU in VMX operation by a reference of its own until it is done: here that is TDX's, dropped last.
 * Source: tdx_offline_cpu(), arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3.
 */
const OFFLINE_CALLBACK: readonly FlowEntry[] = [
  [KEEP_LAST_CPU_OF_PACKAGE, 'out'],
  [vmx.SKIP_WITHOUT_CALLBACK, 'end', 'down'],
  [vmx.TDX_CPU_FLUSH_CACHE],
  [TDX_DISABLE_VIRTUALIZATION_CPU],
  [vmx.X86_VIRT_PUT_REF],
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
  kexec: defineFlow('kexec', [[TDX_SYS_DISABLE], [FLUSH_DIRTY_CPUS], [LEAVE_VMX]]),
  vmxGet: defineFlow('vmx-get', [[vmx.X86_VIRT_GET_REF]]),
};
