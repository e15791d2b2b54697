import { alignDown } from '../abi/align.ts';
import { LEAF_NUMBER, takesVersion } from '../abi/leaf-number.ts';
import { OPERAND } from '../abi/operand-id.ts';
import type { Registers } from '../abi/registers.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { Conditions } from './conditions.ts';
import type { Leaf, ModuleOutcome } from './leaf.ts';
import { refuse } from './leaf.ts';
import { LEAF_BY_NUMBER } from './leaves/index.ts';
import { readFields } from './leaves/tdh-sys-rd.ts';
import { advance, findTDMR, nextAddress } from './leaves/tdh-sys-tdmr-init.ts';
import type { ModuleState } from './state.ts';

const RAX_INVALID = withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RAX);
const NUMBER_END = 0x10000;
const RAX_END = 0x1000000;
const LP_SHUTDOWN = LEAF_NUMBER['TDH.SYS.LP.SHUTDOWN'];
const SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];
const TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];

/**
 * One SEAMCALL that reached the module: `regs` and `module` are changed in place, memory through `hardware`. `lp` is
 * the calling LP's index, `conditions` what surrounds this call. `module.lastReason` then names the check that decided.
 * A call the dispatcher refuses changes RAX only. `byKernel`: the call is the modelled kernel's own, which may call
 * leaves that are there for kernels only. Source: recorded cases leaves-*, order-*, rax-*, perm-*.
 */
export function callModule(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
  byKernel = false,
): ModuleOutcome {
  const { phase, release } = module;
  if (phase === 'DEAD') return 'fatal';
  const number = release.checksRAXFormat ? leafNumber(regs.rax) : wholeRAX(regs.rax);
  if (number < 0) return refuse(module, regs, RAX_INVALID, 'RAX: reserved bits, or a version the leaf has not');
  if (phase === 'SHUTDOWN' && number !== LP_SHUTDOWN)
    return refuse(module, regs, STATUS.TDX_SYS_SHUTDOWN, 'the module is shut down');
  const leaf = leafOf(module, number);
  if (phase !== 'READY' && phase !== 'SHUTDOWN' && !isBeforeReady(leaf)) {
    return refuse(module, regs, STATUS.TDX_SYS_NOT_READY, 'the leaf needs a READY module');
  }
  if (leaf === undefined) return refuse(module, regs, RAX_INVALID, 'RAX: no such leaf');
  if (leaf === 'unsupported' || (leaf.kernelOnly && !byKernel)) {
    module.lastReason = 'a leaf of the module that this model does not have';
    return 'unsupported';
  }
  return leaf.run(module, hardware, lp, regs, conditions);
}

/**
 * Up to `limit` equal calls of TDH.SYS.TDMR.INIT at once, as the host's loop makes them: stops behind the first call
 * whose RDX reaches `rdxEnd` (bytes). Only calls that succeed are made; returns how many, 0 where the first one would
 * not (make that one with `callModule`). `regs` are then as after the last call. The n-th result is the n-th result of
 * single calls, at the price of one.
 */
export function runTDMRInit(module: ModuleState, regs: Registers, limit: number, rdxEnd: number): number {
  if (module.phase !== 'READY' || regs.rax !== TDMR_INIT || limit < 1) return 0;
  const tdmr = findTDMR(module, regs.rcx);
  if (tdmr === undefined || tdmr.initialised >= tdmr.size) return 0;
  const perCall = module.release.tdmrInitPages * 4096;
  const remaining = (tdmr.size - tdmr.initialised) / perCall;
  // RDX is rounded down to 1 GiB: it reaches `rdxEnd` when the first 1 GiB boundary at or above it is initialised.
  const boundary = rdxEnd <= tdmr.base ? 0 : rdxEnd - tdmr.base + GIB - 1;
  const goal = alignDown(boundary, GIB);
  const wanted = goal <= tdmr.initialised ? 1 : (goal - tdmr.initialised) / perCall;
  let calls = limit < remaining ? limit : remaining;
  if (wanted < calls) calls = wanted;
  advance(module, tdmr, calls);
  regs.rax = 0;
  regs.rdx = nextAddress(tdmr);
  module.lastReason = 'success';
  return calls;
}

/**
 * TDH.SYS.RD of fields number `values.length` to `count` - 1 at once, with RCX = R8 = 0, as far as one after another
 * succeeds: R8 of each is added to `values`. Returns RDX after the last; the call that ends the run is not made.
 */
export function runSysRD(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  fields: readonly U64[],
  count: number,
  values: U64[],
): U64 {
  const { phase } = module;
  if (phase === 'DEAD' || phase === 'SHUTDOWN' || leafOf(module, SYS_RD) === undefined) return 0;
  return readFields(module, hardware, lp, fields, count, values);
}

const GIB = 2 ** 30;

/** RAX bits 15:0 if the rest is as it must be, else -1. */
function leafNumber(rax: U64): number {
  if (typeof rax !== 'number' || rax >= RAX_END) return -1;
  const number = rax % NUMBER_END;
  return rax === number || takesVersion(number) ? number : -1;
}

/** The whole of RAX as a leaf number; one that no leaf has for large values. */
function wholeRAX(rax: U64): number {
  return typeof rax === 'number' ? rax : NUMBER_END;
}

function leafOf({ release }: ModuleState, number: number): Leaf | 'unsupported' | undefined {
  const { absentLeaves, addedLeaves } = release;
  const leaf = LEAF_BY_NUMBER[number];
  if (leaf === undefined)
    return addedLeaves.length === 0 ? undefined : addedLeaves.find((one) => one.number === number);
  return absentLeaves.length !== 0 && leaf !== 'unsupported' && absentLeaves.includes(leaf) ? undefined : leaf;
}

function isBeforeReady(leaf: Leaf | 'unsupported' | undefined): boolean {
  return leaf !== undefined && leaf !== 'unsupported' && leaf.beforeReady;
}
