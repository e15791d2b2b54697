import { defineFlow, type FlowEntry } from '../flow.ts';
import type { Revision } from '../revision.ts';
import { keepLastCPUOfPackage } from '../steps/linux/cpu-hotplug.ts';
import * as detect from '../steps/linux/detect.ts';
import { FLUSH_DIRTY_CPUS, REFUSE_KEXEC_WITH_ERRATUM } from '../steps/linux/kexec.ts';
import * as lock from '../steps/linux/lock.ts';
import * as memory from '../steps/linux/memory.ts';
import * as metadata from '../steps/linux/metadata.ts';
import * as status from '../steps/linux/status.ts';
import { FLUSH_VCPUS_OF_CPU } from '../steps/kvm/td-run.ts';
import { LINUX_6_12, SEAMCALL_6_12 } from './6.12.ts';
import { BUILD_AND_CONFIGURE, cpuHotplug } from './common.ts';
import { KVM_TD } from './kvm-td.ts';

/** All the metadata KVM and the core want, before any lock or allocation; an error goes to `onError`. */
export function readAllMetadata(onError: string): readonly FlowEntry[] {
  return [
    [metadata.READ_FEATURES, onError],
    [metadata.READ_TDMR_FIELDS, onError],
    [metadata.READ_TD_LIMITS, onError],
    [metadata.CHECK_CPUID_CONFIG_COUNT, onError],
    [metadata.READ_CPUID_CONFIGS, onError],
    [metadata.CHECK_FEATURES, onError],
  ];
}

export const ENABLE_6_17: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [detect.REQUIRE_PLATFORM_FEATURE, 'cpus-read-unlock'],
  [lock.LOCK_MODULE],
  [status.CHECK_MODULE_STATUS, 'unlock-module', 'unlock-module'],
  ...readAllMetadata('settle-module-status'),
  [lock.GET_ONLINE_MEMS],
  [memory.BUILD_MEMORY_LIST, 'put-online-mems'],
  ...BUILD_AND_CONFIGURE,
  [status.SETTLE_MODULE_STATUS],
  [lock.UNLOCK_MODULE],
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
  ...cpuHotplug(
    [],
    [
      [
        keepLastCPUOfPackage('tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16', 'kvm-last-cpu-of-package'),
        'cpus-write-unlock',
      ],
      [FLUSH_VCPUS_OF_CPU],
    ],
  ),
  ...KVM_TD,
  kexec: defineFlow('kexec', [[REFUSE_KEXEC_WITH_ERRATUM], [FLUSH_DIRTY_CPUS]]),
};
