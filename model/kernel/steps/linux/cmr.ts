import { PHYSICAL_END } from '../../../abi/size.ts';
import { CMR_COUNT_MAX } from '../../../abi/cmr-info.ts';
import type { AddressRange } from '../../../abi/range.ts';
import { isBelow, lowHalf, type U64 } from '../../../abi/u64.ts';
import { ENOSPC } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { reserveCMRHoles } from '../../reserved-area.ts';
import { seamcallSysRD } from '../../seamcall.ts';
import { fieldRun } from './metadata.ts';
import { populateReservedAreas } from './tdmr.ts';

/** CMRs as global metadata, for reserved areas. Source: a patch on top of Linux 6.12, named below. */

/** Metadata fields NUM_CMRS, CMR_BASE and CMR_SIZE. Source: TDX Module ABI specification, global metadata. */
const NUM_CMRS: readonly U64[] = [0x9000000100000000n];
const CMR_BASES = fieldRun(0x90000003, 0x80, CMR_COUNT_MAX);
const CMR_SIZES = fieldRun(0x90000003, 0x100, CMR_COUNT_MAX);

const SOURCE =
  '"x86/virt/tdx: Reduce TDMR\'s reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024';

/** How many CMRs there are, then all their bases, then all their sizes, one TDH.SYS.RD each; empty ones at the tail are dropped. */
export const READ_CMRS: Step = {
  name: 'read-cmrs',
  source: SOURCE,
  run: (kernel, { cpu }, port) => {
    const counts: U64[] = [];
    const bases: U64[] = [];
    const sizes: U64[] = [];
    let error = seamcallSysRD(kernel, port, cpu, NUM_CMRS, 1, counts);
    if (error !== 0) return error;
    const count = slotCount(counts);
    error = seamcallSysRD(kernel, port, cpu, CMR_BASES, count, bases);
    if (error !== 0) return error;
    error = seamcallSysRD(kernel, port, cpu, CMR_SIZES, count, sizes);
    if (error !== 0) return error;
    keepCMRs(kernel.cmrs, bases, sizes);
    return DONE;
  },
};

/**
 * The same with the sizes first, and bases only of CMRs that have one: a table of 32 slots has a few in use. Slots that
 * are empty in the middle are passed over, as the module does.
 */
export const READ_CMRS_IN_USE: Step = {
  name: 'read-cmrs-in-use',
  source:
    'model/kernel/revisions/strict.ts: the kernel that breaks no rule; TDX Module ABI specification, global metadata',
  run: (kernel, { cpu }, port) => {
    const counts: U64[] = [];
    const sizes: U64[] = [];
    let error = seamcallSysRD(kernel, port, cpu, NUM_CMRS, 1, counts);
    if (error !== 0) return error;
    error = seamcallSysRD(kernel, port, cpu, CMR_SIZES, slotCount(counts), sizes);
    if (error !== 0) return error;
    const bases: U64[] = [];
    for (let at = 0; at < sizes.length; at++) {
      const size = addressOf(sizes[at]);
      const next = at + 1 < sizes.length ? addressOf(sizes[at + 1]) : 0;
      if (size === 0) bases.push(0);
      else if (next === 0) {
        // The last of a stretch.
        error = seamcallSysRD(kernel, port, cpu, CMR_BASES, at + 1, bases);
        if (error !== 0) return error;
      }
    }
    keepCMRs(kernel.cmrs, bases, sizes);
    return DONE;
  },
};

/** Puts a table in place of another, without the empty CMRs at its tail. */
function keepCMRs(cmrs: AddressRange[], bases: readonly U64[], sizes: readonly U64[]): void {
  while (cmrs.length > 0) cmrs.pop();
  let used = sizes.length;
  while (used > 0 && addressOf(sizes[used - 1]) === 0) used--;
  for (let at = 0; at < used; at++) cmrs.push({ base: addressOf(bases[at]), size: addressOf(sizes[at]) });
}

function slotCount(values: readonly U64[]): number {
  const count = lowHalf(values[0] ?? 0) % 0x10000;
  return count < CMR_COUNT_MAX ? count : CMR_COUNT_MAX;
}

/** A value no address has stands for none. */
function addressOf(value: U64 = 0): number {
  return isBelow(value, PHYSICAL_END) ? value : 0;
}

/** Reserved areas from the complement of the CMRs, as the module sees memory, instead of from memblock's finer map. */
export const POPULATE_RSVD_AREAS_FROM_CMRS: Step = populateReservedAreas(
  'tdmrs_populate_rsvd_areas_all',
  SOURCE,
  { errno: ENOSPC, aloud: true },
  (kernel, tdmr, limit) => reserveCMRHoles(tdmr, kernel.cmrs, limit),
);
