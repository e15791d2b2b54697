import { PHYSICAL_END } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import { findTDMR } from '../module/leaves/tdh-sys-tdmr-init.ts';
import { runTDMRInit } from '../module/folded.ts';
import { awaitsCondition } from './seamcall.ts';
import type { SeamcallEntry } from './trace.ts';
import type { World } from './world.ts';

const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];

/**
 * Calls of TDH.SYS.TDMR.INIT that may be answered before they are made, as nothing can come between them: a kernel in
 * another process so needs one message for thousands of calls.
 */
export interface TDMRInitRun {
  readonly base: number;
  readonly calls: number;
  /** Bytes of the TDMR initialised so far, and by each further call. */
  readonly done: number;
  readonly step: number;
}

/** The calls that would succeed one after another on the TDMR of the last entry of the trace, if that call succeeded. */
export function callsAhead(world: World): TDMRInitRun | null {
  const last = world.trace.at(-1);
  if (
    last?.kind !== 'seamcall' ||
    last.leaf !== TDH_SYS_TDMR_INIT ||
    last.rax !== 0 ||
    last.trap !== 'none' ||
    awaitsCondition(world, TDH_SYS_TDMR_INIT)
  )
    return null;
  const tdmr = findTDMR(world.module, last.inRCX);
  if (tdmr === undefined || world.module.phase !== 'READY' || tdmr.initialised >= tdmr.size) return null;
  const step = world.module.release.tdmrInitPages * PAGE_4K;
  return { base: tdmr.base, calls: (tdmr.size - tdmr.initialised) / step, done: tdmr.initialised, step };
}

/** Makes `calls` of them, as part of the entry of the first one. Returns RDX after the last. */
export function makeCalls(world: World, calls: number): U64 {
  const last = world.trace.at(-1) as SeamcallEntry;
  const regs = registers(TDH_SYS_TDMR_INIT);
  regs.rcx = last.inRCX;
  const made = runTDMRInit(world.module, regs, calls, PHYSICAL_END);
  if (made !== calls) throw new Error(`a run of ${calls} calls was answered ahead, ${made} were possible`);
  world.trace[world.trace.length - 1] = { ...last, calls: last.calls + made, rdx: regs.rdx };
  return regs.rdx;
}
