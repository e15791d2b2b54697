import { LEAF_NUMBER, takesVersion } from '../abi/leaf-number.ts';
import { OPERAND } from '../abi/operand-id.ts';
import type { Registers } from '../abi/registers.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { takeShortcut } from './common-machine.ts';
import type { Conditions } from './conditions.ts';
import type { Leaf } from './leaf.ts';
import type { ModuleOutcome } from './outcome.ts';
import { death, refusal, refuse, UNSUPPORTED } from './outcome.ts';
import { LEAF_BY_NUMBER } from './leaves/index.ts';
import type { ModuleState } from './state.ts';

const RAX_MALFORMED = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RAX),
  'RAX: reserved bits, or a version the leaf has not',
);
const SHUT_DOWN = refusal(STATUS.TDX_SYS_SHUTDOWN, 'the module is shut down');
const NOT_READY = refusal(STATUS.TDX_SYS_NOT_READY, 'the leaf needs a READY module');
const ALREADY_DEAD = death('the module shut itself down');
const NO_SUCH_LEAF = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RAX), 'RAX: no such leaf');

const NUMBER_END = 0x10000;
const RAX_END = 0x1000000;
const LP_SHUTDOWN = LEAF_NUMBER['TDH.SYS.LP.SHUTDOWN'];

/**
 * One SEAMCALL that reached the module: `regs` and `module` are changed in place, memory through `hardware`. `lp` is
 * the calling LP's index, `conditions` what surrounds this call; the outcome names the check that decided. A call the dispatcher refuses changes RAX only. `byKernel`: the call is the modelled kernel's own, which may call
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
  if (phase === 'DEAD') return ALREADY_DEAD;
  const number = release.checksRAXFormat ? leafNumber(regs.rax) : wholeRAX(regs.rax);
  if (number < 0) return refuse(regs, RAX_MALFORMED);
  if (phase === 'SHUTDOWN' && number !== LP_SHUTDOWN) return refuse(regs, SHUT_DOWN);
  const leaf = leafOf(module, number);
  if (phase !== 'READY' && phase !== 'SHUTDOWN' && !isBeforeReady(leaf)) {
    return refuse(regs, NOT_READY);
  }
  if (leaf === undefined) return refuse(regs, NO_SUCH_LEAF);
  if (leaf === 'unsupported' || (leaf.kernelOnly && !byKernel)) return UNSUPPORTED;
  return takeShortcut(leaf, module, hardware, lp, regs, conditions) ?? leaf.run(module, hardware, lp, regs, conditions);
}

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
