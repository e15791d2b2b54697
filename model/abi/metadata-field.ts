import type { U64 } from './u64.ts';
import { highHalf, lowHalf } from './u64.ts';

/**
 * Global metadata fields as TDH.SYS.RD and TDH.SYS.RDALL go through them, in the module's own order (not numeric).
 * One row covers the field codes [code, code + fields * elements). `value` is what every read answers; where it is
 * missing the module computes the value (build, loader table, CPU). Source: public source of TDX module 1.5.01, checked
 * against recorded reads of all 354 elements (cases 01751 to 01812 and 01813 to 01920).
 */
export interface MetadataField {
  readonly name: string;
  readonly id: U64;
  readonly fields: number;
  readonly elements: 1 | 2;
  readonly bits: 8 | 16 | 32 | 64;
  readonly value?: U64;
}

/** Bits 23:0 of an id. */
export function fieldCode(id: U64): number {
  return lowHalf(id) & 0xffffff;
}

/** Bits 61:56 of an id. */
export function classCode(id: U64): number {
  return (highHalf(id) >>> 24) & 0x3f;
}

/** Bits 33:32: log2 of the element's size in bytes. */
export function elementSize(id: U64): number {
  return highHalf(id) & 3;
}

/** Bits 54:52, which the host's reads ignore and clear, as a mask of the high half. */
export const CONTEXT_HIGH_MASK = 0x00700000;

/** Bits 31:24, 37:34, 46:38, 49:47, 55 and 62: must be zero for TDH.SYS.RD. */
export const RD_ZERO_LOW_MASK = 0xff000000;
export const RD_ZERO_HIGH_MASK = 0x4083fffc;

// biome-ignore format: a table, one row a line
export const METADATA_FIELDS_1_5_01: readonly MetadataField[] = [
  { name: 'NUM_PKGS', id: 0x200000000, fields: 1, elements: 1, bits: 32 },
  { name: 'PKG_FMS', id: 0x200000001, fields: 8, elements: 1, bits: 32 },
  { name: 'VENDOR_ID', id: 0x800000200000000n, fields: 1, elements: 1, bits: 32, value: 0x8086 },
  { name: 'BUILD_DATE', id: 0x8800000200000001n, fields: 1, elements: 1, bits: 32 },
  { name: 'BUILD_NUM', id: 0x8800000100000002n, fields: 1, elements: 1, bits: 16 },
  { name: 'MINOR_VERSION', id: 0x800000100000003n, fields: 1, elements: 1, bits: 16 },
  { name: 'MAJOR_VERSION', id: 0x800000100000004n, fields: 1, elements: 1, bits: 16 },
  { name: 'UPDATE_VERSION', id: 0x800000100000005n, fields: 1, elements: 1, bits: 16 },
  { name: 'INTERNAL_VERSION', id: 0x800000100000006n, fields: 1, elements: 1, bits: 16 },
  { name: 'MODULE_HV', id: 0x8900000100000000n, fields: 1, elements: 1, bits: 16 },
  { name: 'MIN_UPDATE_HV', id: 0x8900000100000001n, fields: 1, elements: 1, bits: 16 },
  { name: 'NO_DOWNGRADE', id: 0x8900000000000002n, fields: 1, elements: 1, bits: 8 },
  { name: 'NUM_HANDOFF_PAGES', id: 0x8900000100000003n, fields: 1, elements: 1, bits: 16 },
  { name: 'HANDOFF_DATA_VALID', id: 0x8900000000000004n, fields: 1, elements: 1, bits: 8 },
  { name: 'HANDOFF_DATA_HV', id: 0x8900000100000005n, fields: 1, elements: 1, bits: 16 },
  { name: 'HANDOFF_DATA_SIZE', id: 0x8900000200000006n, fields: 1, elements: 1, bits: 32 },
  { name: 'SYS_ATTRIBUTES', id: 0xa00000200000000n, fields: 1, elements: 1, bits: 32, value: 0x0 },
  { name: 'NUM_TDX_FEATURES', id: 0xa00000000000001n, fields: 1, elements: 1, bits: 8, value: 0x1 },
  { name: 'TDX_FEATURES0', id: 0xa00000300000008n, fields: 1, elements: 1, bits: 64 },
  { name: 'NUM_CMRS', id: 0x9000000100000000n, fields: 1, elements: 1, bits: 16, value: 0x20 },
  { name: 'CMR_BASE', id: 0x9000000300000080n, fields: 32, elements: 1, bits: 64 },
  { name: 'CMR_SIZE', id: 0x9000000300000100n, fields: 32, elements: 1, bits: 64 },
  { name: 'MAX_TDMRS', id: 0x9100000100000008n, fields: 1, elements: 1, bits: 16, value: 0x40 },
  { name: 'MAX_RESERVED_PER_TDMR', id: 0x9100000100000009n, fields: 1, elements: 1, bits: 16, value: 0x10 },
  { name: 'PAMT_4K_ENTRY_SIZE', id: 0x9100000100000010n, fields: 1, elements: 1, bits: 16, value: 0x10 },
  { name: 'PAMT_2M_ENTRY_SIZE', id: 0x9100000100000011n, fields: 1, elements: 1, bits: 16, value: 0x10 },
  { name: 'PAMT_1G_ENTRY_SIZE', id: 0x9100000100000012n, fields: 1, elements: 1, bits: 16, value: 0x10 },
  { name: 'TDR_BASE_SIZE', id: 0x9800000100000000n, fields: 1, elements: 1, bits: 16, value: 0x1000 },
  { name: 'TDCS_BASE_SIZE', id: 0x9800000100000100n, fields: 1, elements: 1, bits: 16, value: 0x6000 },
  { name: 'TDCS_SIZE_PER_L2_VM', id: 0x9800000100000101n, fields: 1, elements: 1, bits: 16, value: 0x1000 },
  { name: 'TDVPS_BASE_SIZE', id: 0x9800000100000200n, fields: 1, elements: 1, bits: 16, value: 0x6000 },
  { name: 'TDVPS_SIZE_PER_L2_VM', id: 0x9800000100000201n, fields: 1, elements: 1, bits: 16, value: 0x3000 },
  { name: 'ATTRIBUTES_FIXED0', id: 0x1900000300000000n, fields: 1, elements: 1, bits: 64, value: 0x8000000070000001n },
  { name: 'ATTRIBUTES_FIXED1', id: 0x1900000300000001n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'XFAM_FIXED0', id: 0x1900000300000002n, fields: 1, elements: 1, bits: 64 },
  { name: 'XFAM_FIXED1', id: 0x1900000300000003n, fields: 1, elements: 1, bits: 64, value: 0x3 },
  { name: 'NUM_CPUID_CONFIG', id: 0x9900000100000004n, fields: 1, elements: 1, bits: 16, value: 0xc },
  { name: 'CONFIG_FLAGS_FIXED0', id: 0x9900000300000006n, fields: 1, elements: 1, bits: 64, value: 0x7 },
  { name: 'CONFIG_FLAGS_FIXED1', id: 0x9900000300000007n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'CPUID_CONFIG_LEAVES', id: 0x9900000300000400n, fields: 32, elements: 1, bits: 64 },
  { name: 'CPUID_CONFIG_VALUES', id: 0x9900000300000500n, fields: 32, elements: 2, bits: 64 },
  { name: 'IA32_ARCH_CAPABILITIES_CONFIG_MASK', id: 0x9900000300000600n, fields: 1, elements: 1, bits: 64, value: 0x1180010 },
  { name: 'NUM_ALLOWED_FMS', id: 0x9900000100000800n, fields: 1, elements: 1, bits: 16 },
  { name: 'NUM_DISALLOWED_FMS', id: 0x9900000100000801n, fields: 1, elements: 1, bits: 16, value: 0x0 },
  { name: 'ALLOWED_FMS', id: 0x9900000300000810n, fields: 64, elements: 1, bits: 64 },
  { name: 'DISALLOWED_FMS', id: 0x9900000300000850n, fields: 64, elements: 1, bits: 64, value: 0x0 },
  { name: 'MIG_ATTRIBUTES', id: 0xa000000300000000n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'MIN_EXPORT_VERSION', id: 0x2000000100000001n, fields: 1, elements: 1, bits: 16, value: 0x0 },
  { name: 'MAX_EXPORT_VERSION', id: 0x2000000100000002n, fields: 1, elements: 1, bits: 16, value: 0x0 },
  { name: 'MIN_IMPORT_VERSION', id: 0x2000000100000003n, fields: 1, elements: 1, bits: 16, value: 0x0 },
  { name: 'MAX_IMPORT_VERSION', id: 0x2000000100000004n, fields: 1, elements: 1, bits: 16, value: 0x0 },
  { name: 'MAX_MIGS', id: 0xa000000100000010n, fields: 1, elements: 1, bits: 16, value: 0x200 },
  { name: 'NUM_IMMUTABLE_STATE_PAGES', id: 0xa000000000000020n, fields: 1, elements: 1, bits: 8, value: 0x3 },
  { name: 'NUM_TD_STATE_PAGES', id: 0xa000000000000021n, fields: 1, elements: 1, bits: 8, value: 0x2 },
  { name: 'NUM_VP_STATE_PAGES', id: 0xa000000000000022n, fields: 1, elements: 1, bits: 8, value: 0x5 },
  { name: 'MAX_SERV_TDS', id: 0xa100000100000000n, fields: 1, elements: 1, bits: 16, value: 0x1 },
  { name: 'SERVTD_ATTR_FIXED0', id: 0xa100000300000001n, fields: 1, elements: 1, bits: 64, value: 0x7ff00000001 },
  { name: 'SERVTD_ATTR_FIXED1', id: 0xa100000300000002n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'GUEST_L2_GPA_ATTR_MASK', id: 0xa200000100000000n, fields: 1, elements: 1, bits: 16, value: 0x807f },
  { name: 'VM_CTLS_FIXED0', id: 0xa200000300000001n, fields: 1, elements: 1, bits: 64, value: 0x1 },
  { name: 'VM_CTLS_FIXED1', id: 0xa200000300000002n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'VPCU_L2_CTLS_FIXED0', id: 0xa200000300000003n, fields: 1, elements: 1, bits: 64, value: 0x3 },
  { name: 'VCPU_L2_CTLS_FIXED1', id: 0xa200000300000004n, fields: 1, elements: 1, bits: 64, value: 0x0 },
  { name: 'VPCU_L2_DEBUG_CTLS_FIXED0', id: 0xa200000300000005n, fields: 1, elements: 1, bits: 64, value: 0x7 },
  { name: 'VCPU_L2_DEBUG_CTLS_FIXED1', id: 0xa200000300000006n, fields: 1, elements: 1, bits: 64, value: 0x0 },
];

/** First asked for by Linux 6.16 (get_tdx_sys_info_td_conf): no field of 1.5.01. */
export const MAX_VCPUS_PER_TD: MetadataField = {
  name: 'MAX_VCPUS_PER_TD',
  id: 0x9900000100000008n,
  fields: 1,
  elements: 1,
  bits: 16,
  value: 0x240,
};
