import { CPUID_ROW_COUNT, cpuidRow, readCPUIDTable } from '../platform/cpuid.ts';
import type { Hardware, LoaderTable } from '../platform/hardware.ts';
import { platformFMS } from './known-fms.ts';
import type { HardwareSample } from './state.ts';

const ROW_1 = cpuidRow(1, null);

/** CPUID as one LP reads it, in the layout of `readCPUIDTable`. */
export function seenCPUID(hardware: Hardware, lp: number): Uint32Array {
  const table = new Uint32Array(CPUID_ROW_COUNT * 4);
  readCPUIDTable(hardware, lp, table, true);
  return table;
}

/** The table as TDH.SYS.INIT keeps it: the processor signature is that of the platform. */
export function asSample(table: Uint32Array, loader: LoaderTable): Uint32Array {
  table[ROW_1 * 4] = platformFMS(loader);
  return table;
}

/** What TDH.SYS.INIT kept of CPUID; where it kept nothing, the machine as it was built says it again. */
export function sampledCPUID(hardware: Hardware, sample: HardwareSample): Uint32Array {
  if (sample.cpuid !== null) return sample.cpuid;
  const table = new Uint32Array(CPUID_ROW_COUNT * 4);
  readCPUIDTable(hardware, sample.lp, table, false);
  return asSample(table, hardware.loader);
}
