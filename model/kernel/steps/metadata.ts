import { lowHalf, type U64 } from '../../abi/u64.ts';
import { AGAIN, DONE, type Step } from '../flow.ts';
import { seamcallReturning, TDH_SYS_RD } from '../seamcall.ts';
import type { SystemInfo } from '../state.ts';

/** Global metadata field ids. Source: TDX module ABI, global metadata; arch/x86/virt/vmx/tdx/tdx.h, Linux 6.12. */
export const MAX_TDMRS = 0x9100000100000008n;
export const MAX_RESERVED_PER_TDMR = 0x9100000100000009n;
export const PAMT_4K_ENTRY_SIZE = 0x9100000100000010n;
export const PAMT_2M_ENTRY_SIZE = 0x9100000100000011n;
export const PAMT_1G_ENTRY_SIZE = 0x9100000100000012n;

type Number16 = Exclude<keyof SystemInfo, 'features0'>;

/** One TDH.SYS.RD and where its value goes, cut to 16 bits; `null`: read, and not looked at again by the init flow. */
export interface MetadataRead {
  readonly field: U64;
  readonly into: Number16 | null;
}

/** The five fields every revision since 6.8 needs to construct TDMRs, in the order read. */
export const TDMR_FIELDS: readonly MetadataRead[] = [
  { field: MAX_TDMRS, into: 'maxTDMRs' },
  { field: MAX_RESERVED_PER_TDMR, into: 'maxReserved' },
  { field: PAMT_4K_ENTRY_SIZE, into: 'entry4K' },
  { field: PAMT_2M_ENTRY_SIZE, into: 'entry2M' },
  { field: PAMT_1G_ENTRY_SIZE, into: 'entry1G' },
];

/** A step that reads a list of fields, one SEAMCALL at a time; the first failure ends it. */
export function readMetadata(name: string, source: string, reads: readonly MetadataRead[]): Step {
  return {
    name,
    source,
    run: (kernel, thread, port) => {
      const read = reads[thread.index];
      if (read === undefined) return DONE;
      const error = seamcallReturning(kernel, port, thread.cpu, TDH_SYS_RD, 0, read.field, 0);
      if (error !== 0) return error;
      if (read.into !== null) kernel.info[read.into] = lowHalf(kernel.registers.r8) % 0x10000;
      thread.index++;
      return thread.index < reads.length ? AGAIN : DONE;
    },
  };
}

export const READ_TDMR_FIELDS: Step = readMetadata('read-tdmr-fields', 'get_tdx_tdmr_sysinfo(), Linux 6.12', TDMR_FIELDS);
