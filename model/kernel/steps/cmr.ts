import { CMR_COUNT_MAX } from '../../abi/cmr-info.ts';
import type { AddressRange } from '../../abi/range.ts';
import { isBelow, lowHalf } from '../../abi/u64.ts';
import { ENOSPC } from '../errno.ts';
import { AGAIN, DONE, type Step } from '../flow.ts';
import { reserveCMRHoles } from '../reserved-area.ts';
import { seamcallReturning, TDH_SYS_RD } from '../seamcall.ts';
import { fieldRun } from './metadata.ts';
import { fillReservedAreasStep } from './tdmr.ts';

/** Metadata fields NUM_CMRS, CMR_BASE and CMR_SIZE. Source: TDX module ABI, global metadata. */
const NUM_CMRS = 0x9000000100000000n;
const CMR_BASES = fieldRun(0x90000003, 0x80, CMR_COUNT_MAX);
const CMR_SIZES = fieldRun(0x90000003, 0x100, CMR_COUNT_MAX);
const EMPTY: AddressRange = { base: 0, size: 0 };
const ADDRESS_END = 2 ** 52;

const SOURCE =
  'x86/virt/tdx: Reduce TDMR reserved areas by using CMRs to find memory holes, Kai Huang, 13 Nov 2024 (lore 23bb421e9bf5443a823e163fb2d899760d9f14a3.1731498635.git.kai.huang@intel.com)';

/** How many CMRs there are, then all their bases, then all their sizes, one TDH.SYS.RD each; empty ones at the tail are dropped. */
export const READ_CMRS: Step = {
  name: 'read-cmrs',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const { cmrs, registers } = kernel;
    const { index, cpu } = thread;
    if (index === 0) {
      const error = seamcallReturning(kernel, port, cpu, TDH_SYS_RD, 0, NUM_CMRS, 0);
      if (error !== 0) return error;
      const count = lowHalf(registers.r8) % 0x10000;
      cmrs.length = 0;
      for (let i = 0; i < count && i < CMR_COUNT_MAX; i++) cmrs.push(EMPTY);
      thread.index = 1;
      return AGAIN;
    }
    const count = cmrs.length;
    const at = index - 1;
    if (at >= 2 * count) {
      while (cmrs[cmrs.length - 1]?.size === 0) cmrs.pop();
      return DONE;
    }
    const field = at < count ? CMR_BASES[at] : CMR_SIZES[at - count];
    const error = seamcallReturning(kernel, port, cpu, TDH_SYS_RD, 0, field ?? 0, 0);
    if (error !== 0) return error;
    const value = isBelow(registers.r8, ADDRESS_END) ? registers.r8 : 0;
    // Most slots are empty and stay so.
    if (value !== 0 && at < count) cmrs[at] = { base: value, size: 0 };
    else if (value !== 0) cmrs[at - count] = { base: cmrs[at - count]?.base ?? 0, size: value };
    thread.index++;
    return AGAIN;
  },
};

/**
 * The same with the sizes first, and bases only of CMRs that have one: a table of 32 slots has a few in use. Slots that
 * are empty in the middle are passed over, as the module does.
 */
export const READ_CMRS_IN_USE: Step = {
  name: 'read-cmrs-in-use',
  source: 'design of the kernel that breaks no invariant; TDX module ABI, global metadata',
  run: (kernel, thread, port) => {
    const { cmrs, registers } = kernel;
    const { cpu } = thread;
    if (thread.index === 0) {
      const error = seamcallReturning(kernel, port, cpu, TDH_SYS_RD, 0, NUM_CMRS, 0);
      if (error !== 0) return error;
      const count = lowHalf(registers.r8) % 0x10000;
      while (cmrs.length > 0) cmrs.pop();
      for (let i = 0; i < count && i < CMR_COUNT_MAX; i++) cmrs.push(EMPTY);
      thread.index = 1;
      return AGAIN;
    }
    const count = cmrs.length;
    while (thread.index > count && thread.index <= 2 * count && cmrs[thread.index - 1 - count] === EMPTY)
      thread.index++;
    const at = thread.index - 1;
    if (at >= 2 * count) {
      while (cmrs[cmrs.length - 1]?.size === 0) cmrs.pop();
      return DONE;
    }
    const field = at < count ? CMR_SIZES[at] : CMR_BASES[at - count];
    const error = seamcallReturning(kernel, port, cpu, TDH_SYS_RD, 0, field ?? 0, 0);
    if (error !== 0) return error;
    const value = isBelow(registers.r8, ADDRESS_END) ? registers.r8 : 0;
    if (at >= count) cmrs[at - count] = { base: value, size: cmrs[at - count]?.size ?? 0 };
    else if (value !== 0) cmrs[at] = { base: 0, size: value };
    thread.index++;
    return AGAIN;
  },
};

/** Reserved areas from the complement of the CMRs, as the module sees memory, instead of from memblock's finer map. */
export const FILL_RESERVED_AREAS_FROM_CMRS: Step = fillReservedAreasStep(
  SOURCE,
  { errno: ENOSPC, aloud: true },
  (kernel, tdmr, limit) => reserveCMRHoles(tdmr, kernel.cmrs, limit),
);
