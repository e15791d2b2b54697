import { statusName } from '../abi/status.ts';
import { lowHalf, type U64 } from '../abi/u64.ts';
import type { ChangeWhenRefused } from '../module/leaf.ts';
import { modelledLeaf } from '../module/leaves/index.ts';

/** True if the leaf in this RAX may leave a trace whatever it answers. */
export function alwaysLeavesTrace(leaf: U64): boolean {
  return exceptionOf(leaf)?.statuses === 'any';
}

/** True if the leaf in this RAX may leave a trace although it answered `rax`. */
export function leavesTraceWhenRefused(leaf: U64, rax: U64): boolean {
  const statuses = exceptionOf(leaf)?.statuses;
  if (statuses === undefined) return false;
  if (statuses === 'any') return true;
  const name = statusName(rax);
  return name !== undefined && statuses.includes(name);
}

function exceptionOf(leaf: U64): ChangeWhenRefused | null | undefined {
  return modelledLeaf(lowHalf(leaf) & 0xffff)?.mayChangeWhenRefused;
}
