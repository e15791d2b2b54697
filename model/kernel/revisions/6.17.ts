import { defineFlow, type FlowEntry, label } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { KEEP_LAST_CPU_OF_PACKAGE_KVM } from '../steps/linux/cpu-hotplug.ts';
import * as detect from '../steps/linux/detect.ts';
import { FLUSH_DIRTY_CPUS, REFUSE_KEXEC_WITH_ERRATUM } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as status from '../steps/linux/status.ts';
import { TDX_DISABLE_VIRTUALIZATION_CPU } from '../steps/kvm/td-run.ts';
import { LINUX_6_12, SEAMCALL_6_12 } from './6.12.ts';
import { CONSTRUCT_AND_CONFIGURE, cpuHotplug } from './common.ts';
import { KVM_TD } from './kvm-td.ts';

/**
 * All the metadata KVM and the core want, and what the kernel can work with, before any lock or allocation.
 * Source: get_tdx_sys_info() and check_features(), arch/x86/virt/vmx/tdx, Linux 6.17.
 */
export const GET_TDX_SYS_INFO: readonly FlowEntry[] = [
  [metadata.GET_TDX_SYS_INFO_FEATURES, 'ret_init_tdx_module'],
  [metadata.GET_TDX_SYS_INFO_TDMR, 'ret_init_tdx_module'],
  [metadata.READ_TD_LIMITS, 'ret_init_tdx_module'],
  [metadata.CHECK_CPUID_CONFIG_COUNT, 'ret_init_tdx_module'],
  [metadata.READ_CPUID_CONFIGS, 'ret_init_tdx_module'],
  [metadata.CHECK_FEATURES, 'ret_init_tdx_module'],
];

/** Source: tdx_enable(), __tdx_enable(), init_tdx_module(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.17. */
const ENABLE_6_17: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'ret_tdx_enable'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'break', 'break'],

  ...GET_TDX_SYS_INFO,
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_TDX_MEMLIST, 'out_put_tdxmem'],
  ...CONSTRUCT_AND_CONFIGURE,
  label('ret_init_tdx_module'),

  [status.SETTLE_MODULE_STATUS],
  label('break'),
  [lock.UNLOCK_MODULE],
  label('ret_tdx_enable'),
  [lock.CPUS_READ_UNLOCK],
];

/** Linux 6.17: 6.12 with the metadata rework in front, and per-CPU tracking of dirty private lines. */
export const LINUX_6_17: Revision = {
  ...LINUX_6_12,
  name: '6.17',
  title: 'Linux 6.17',
  source: 'arch/x86/virt/vmx/tdx/tdx.c, Linux 6.17.0; recording linux-6.17',
  seamcall: { ...SEAMCALL_6_12, marksCacheDirty: true },
  enable: defineFlow('enable', ENABLE_6_17),
  ...cpuHotplug([], [[KEEP_LAST_CPU_OF_PACKAGE_KVM, 'out'], [TDX_DISABLE_VIRTUALIZATION_CPU]]),
  ...KVM_TD,
  kexec: defineFlow('kexec', [[REFUSE_KEXEC_WITH_ERRATUM], [FLUSH_DIRTY_CPUS]]),
};
