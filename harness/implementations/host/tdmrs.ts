import type { Registers } from '../../../model/abi/registers.ts';
import type { KernelPort } from '../../../model/kernel/port.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import { createTDMR } from '../../../model/kernel/tdmr.ts';

/** At most so many TDMRs are looked at. */
export const TDMRS_MAX = 64;
const TDMR_FIELDS_END = 64;
const AREA_SIZE = 16;
const INFO_SIZE = 512;

/** Reads the TDMRs that a TDH.SYS.CONFIG is about to hand over back from memory, as the module will. */
export function noteTDMRs(kernel: KernelState, port: KernelPort, { rcx, rdx, r8 }: Registers): void {
  kernel.tdmrs.length = 0;
  kernel.tdmrCount = 0;
  if (typeof r8 === 'number') kernel.globalKeyID = r8;
  if (typeof rcx !== 'number' || typeof rdx !== 'number') return;
  kernel.addressArray = rcx;
  const word = (address: number): number => {
    const value = port.readWord(address);
    return typeof value === 'number' ? value : 2 ** 53;
  };
  for (let index = 0; index < rdx && index < TDMRS_MAX; index += 1) {
    const slot = word(rcx + 8 * index);
    if (index === 0) kernel.tdmrArray = slot;
    const tdmr = createTDMR(word(slot), word(slot + 8));
    tdmr.pamt1G = word(slot + 24);
    tdmr.pamt2M = word(slot + 40);
    tdmr.pamtBase = word(slot + 48);
    tdmr.pamt4K = word(slot + 56);
    for (let area = TDMR_FIELDS_END; area + AREA_SIZE <= INFO_SIZE; area += AREA_SIZE) {
      const size = word(slot + area + 8);
      if (size === 0) break;
      tdmr.reserved.push({ offset: word(slot + area), size });
    }
    kernel.tdmrs.push(tdmr);
  }
  kernel.tdmrCount = kernel.tdmrs.length;
}
