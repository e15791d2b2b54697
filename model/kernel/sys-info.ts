import { CMR_COUNT_MAX, CMR_INFO_SIZE } from '../abi/cmr-info.ts';
import { TDSYSINFO_OFFSET, TDSYSINFO_SIZE } from '../abi/tdsysinfo.ts';
import { highHalf, lowHalf, type U64 } from '../abi/u64.ts';
import type { KernelPort } from './port.ts';
import type { KernelState } from './state.ts';

/**
 * Where the series keep the two buffers of TDH.SYS.INFO: static arrays of the kernel image, at its default load address
 * (CONFIG_PHYSICAL_START). v8 took them from the stack.
 */
export const SYSINFO_BUFFER = 0x1000000;
export const CMR_BUFFER = SYSINFO_BUFFER + TDSYSINFO_SIZE;

/** TDSYSINFO_STRUCT as far as a kernel looks at it. */
export interface ModuleInfo {
  readonly attributes: number;
  readonly vendorID: number;
  readonly buildDate: number;
  readonly buildNum: number;
  readonly minorVersion: number;
  readonly majorVersion: number;
}

/** Reads the structure back from memory, and takes over the limits for TDMRs; one PAMT entry size serves all page sizes. */
export function readModuleInfo(kernel: KernelState, port: KernelPort): ModuleInfo {
  const { info } = kernel;
  const first = port.readWord(SYSINFO_BUFFER);
  const second = port.readWord(SYSINFO_BUFFER + TDSYSINFO_OFFSET.BUILD_DATE);
  const third = port.readWord(SYSINFO_BUFFER + TDSYSINFO_OFFSET.MAJOR_VERSION);
  const limits = port.readWord(SYSINFO_BUFFER + TDSYSINFO_OFFSET.MAX_TDMRS);
  info.maxTDMRs = lowHalf(limits) % 0x10000;
  info.maxReserved = upper16(lowHalf(limits));
  info.entry4K = highHalf(limits) % 0x10000;
  info.entry2M = info.entry4K;
  info.entry1G = info.entry4K;
  return {
    attributes: lowHalf(first),
    vendorID: highHalf(first),
    buildDate: lowHalf(second),
    buildNum: highHalf(second) % 0x10000,
    minorVersion: upper16(highHalf(second)),
    majorVersion: lowHalf(third) % 0x10000,
  };
}

function upper16(half: number): number {
  return (half - (half % 0x10000)) / 0x10000;
}

/** Base of entry `index` of the CMR table, as it stands in memory now. */
export function cmrBase(port: KernelPort, index: number): number {
  return bounded(port.readWord(CMR_BUFFER + CMR_INFO_SIZE * index));
}

/** Size of entry `index` of the CMR table, as it stands in memory now. */
export function cmrSize(port: KernelPort, index: number): number {
  return bounded(port.readWord(CMR_BUFFER + CMR_INFO_SIZE * index + 8));
}

/** A value no address has stands for everything beyond 2^53: all that is done with it is comparing. */
function bounded(value: U64): number {
  return typeof value === 'number' ? value : 2 ** 53;
}

/** R9 as the kernels take it, for a count; the table has no more entries than it has. */
export function cmrCountOf(r9: U64): number {
  return typeof r9 === 'number' && r9 < CMR_COUNT_MAX ? r9 : CMR_COUNT_MAX;
}
