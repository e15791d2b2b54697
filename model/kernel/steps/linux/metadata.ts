import { lowHalf, u64FromHalves, type U64 } from '../../../abi/u64.ts';
import { EINVAL } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcallSysRD } from '../../seamcall.ts';
import type { SystemInfo } from '../../state.ts';

/**
 * Global metadata, field by field. Source: get_tdx_tdmr_sysinfo(), Linux 6.12; get_tdx_sys_info(),
 * arch/x86/virt/vmx/tdx/tdx_global_metadata.c, Linux 6.17 and 7.3.
 */

/** Global metadata field ids. Source: TDX Module ABI specification, global metadata; arch/x86/virt/vmx/tdx/tdx.h, Linux 6.12. */
export const MAX_TDMRS = 0x9100000100000008n;
export const MAX_RESERVED_PER_TDMR = 0x9100000100000009n;
export const PAMT_4K_ENTRY_SIZE = 0x9100000100000010n;
export const PAMT_2M_ENTRY_SIZE = 0x9100000100000011n;
export const PAMT_1G_ENTRY_SIZE = 0x9100000100000012n;

type Number16 = Exclude<keyof SystemInfo, 'features0'>;

/**
 * One TDH.SYS.RD and where its value goes: cut to 16 bits, whole for `features0`; `null`: read, and not looked at again
 * by the init flow.
 */
export interface MetadataRead {
  readonly field: U64;
  readonly into: Number16 | 'features0' | null;
}

/** The five fields every revision since 6.8 needs to construct TDMRs, in the order read. */
export const TDMR_FIELDS: readonly MetadataRead[] = [
  { field: MAX_TDMRS, into: 'maxTDMRs' },
  { field: MAX_RESERVED_PER_TDMR, into: 'maxReserved' },
  { field: PAMT_4K_ENTRY_SIZE, into: 'entry4K' },
  { field: PAMT_2M_ENTRY_SIZE, into: 'entry2M' },
  { field: PAMT_1G_ENTRY_SIZE, into: 'entry1G' },
];

/** A step that reads a list of fields; the first failure ends it, and what was read before it stays. */
export function readMetadata(name: string, source: string, reads: readonly MetadataRead[]): Step {
  const fields = reads.map(({ field }) => field);
  return {
    name,
    source,
    run: (kernel, thread, port) => {
      const values: U64[] = [];
      const error = seamcallSysRD(kernel, port, thread.cpu, fields, fields.length, values);
      for (let at = 0; at < values.length; at++) take(kernel.info, reads[at]?.into ?? null, values[at] ?? 0);
      return error;
    },
  };
}

function take(info: SystemInfo, into: MetadataRead['into'], value: U64): void {
  if (into === 'features0') info.features0 = value;
  else if (into !== null) info[into] = lowHalf(value) & 0xffff;
}

export const GET_TDX_TDMR_SYSINFO: Step = readMetadata(
  'get_tdx_tdmr_sysinfo',
  'get_tdx_tdmr_sysinfo(), Linux 6.12',
  TDMR_FIELDS,
);

const MAX_CPUID_CONFIGS = 128;
/** Field ids of the CPUID configuration: leaf and sub-leaf of entry i, then two values for each entry. Made once: a u64 of this size is a bigint. */
const CPUID_CONFIG_LEAVES = fieldRun(0x99000003, 0x400, MAX_CPUID_CONFIGS);
const CPUID_CONFIG_VALUES = fieldRun(0x99000003, 0x500, 2 * MAX_CPUID_CONFIGS);
/** TDX_FEATURES0 bit 18: the module leaves RBP alone. */
const NO_RBP_MOD = 0x40000;

const SOURCE_6_17 = 'get_tdx_sys_info(), tdx_global_metadata.c, Linux 6.17; recording linux-6.17';

export const GET_TDX_SYS_INFO_VERSION: Step = readMetadata(
  'get_tdx_sys_info_version',
  'get_tdx_sys_info_version(), Linux 7.3; recording linux-7.3',
  [
    { field: 0x0800000100000003n, into: 'versionMinor' },
    { field: 0x0800000100000004n, into: 'versionMajor' },
    { field: 0x0800000100000005n, into: 'versionUpdate' },
  ],
);

/** Prints the version even if reading it failed; then the error goes on. */
export const PRINT_VERSION: Step = {
  name: 'print-version',
  source: 'recording 7.3-demos, line 60',
  run: (kernel, thread, port) => {
    const { versionMajor, versionMinor, versionUpdate } = kernel.info;
    printk(kernel, port, 'module-version', versionMajor, versionMinor, versionUpdate);
    return thread.error;
  },
};

/** The fields that TDMRs are constructed from, by the function of the metadata rework. */
export const GET_TDX_SYS_INFO_TDMR: Step = readMetadata('get_tdx_sys_info_tdmr', SOURCE_6_17, TDMR_FIELDS);

export const GET_TDX_SYS_INFO_FEATURES: Step = readMetadata('get_tdx_sys_info_features', SOURCE_6_17, [
  { field: 0x0a00000300000008n, into: 'features0' },
]);

/** Sizes of the TD control structures, then the limits of a TD's configuration. */
export const TD_LIMITS: readonly MetadataRead[] = [
  { field: 0x9800000100000000n, into: null },
  { field: 0x9800000100000100n, into: 'tdcsBaseSize' },
  { field: 0x9800000100000200n, into: null },
  { field: 0x1900000300000000n, into: null },
  { field: 0x1900000300000001n, into: null },
  { field: 0x1900000300000002n, into: null },
  { field: 0x1900000300000003n, into: null },
  { field: 0x9900000100000004n, into: 'cpuidConfigs' },
  { field: 0x9900000100000008n, into: null },
];

export const READ_TD_LIMITS: Step = readMetadata('read-td-limits', SOURCE_6_17, TD_LIMITS);

/** How large a TD's control structure is, read when it is wanted. */
export const READ_TDCS_SIZE: Step = readMetadata('read-tdcs-size', SOURCE_6_17, [
  { field: 0x9800000100000100n, into: 'tdcsBaseSize' },
]);

/** The array for them is fixed; a module with more is refused without a word. */
export const CHECK_CPUID_CONFIG_COUNT: Step = {
  name: 'check-cpuid-config-count',
  source: SOURCE_6_17,
  run: (kernel) => (kernel.info.cpuidConfigs > MAX_CPUID_CONFIGS ? EINVAL : DONE),
};

/** All leaves, then two values for each. */
export const READ_CPUID_CONFIGS: Step = {
  name: 'read-cpuid-configs',
  source: SOURCE_6_17,
  run: (kernel, thread, port) => {
    const count = kernel.info.cpuidConfigs;
    const error = seamcallSysRD(kernel, port, thread.cpu, CPUID_CONFIG_LEAVES, count, []);
    return error === 0 ? seamcallSysRD(kernel, port, thread.cpu, CPUID_CONFIG_VALUES, 2 * count, []) : error;
  },
};

/** A module that may clobber RBP is refused. */
export const CHECK_FEATURES: Step = {
  name: 'check_features',
  source: 'check_features(), Linux 6.17',
  run: (kernel, _thread, port) => {
    if ((lowHalf(kernel.info.features0) & NO_RBP_MOD) !== 0) return DONE;
    printk(kernel, port, 'rbp-clobber');
    return EINVAL;
  },
};

/** `count` field ids that follow one another from `high`:`low`. */
export function fieldRun(high: number, low: number, count: number): readonly U64[] {
  const fields: U64[] = [];
  for (let i = 0; i < count; i++) fields.push(u64FromHalves(high, low + i));
  return fields;
}
