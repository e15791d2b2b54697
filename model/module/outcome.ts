import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import type { ModuleState } from './state.ts';

/** How a SEAMCALL that reached the module ended: `SUCCESS`, a `Refusal`, a `Death`, or `UNSUPPORTED`. */
export type ModuleOutcome = Answer | Death | Unsupported;

/** The module returned to the host: the registers are as it left them, `rax` is in RAX. */
export interface Answer {
  readonly kind: 'answered';
  readonly rax: U64;
  /** The check that decided, in words for reports; `success` where none refused. */
  readonly reason: string;
}

/** An answer other than TDX_SUCCESS; the informational statuses count too. One constant per check, made at load. */
export type Refusal = Answer;

/** The module shut itself down, after a check failed that no host can fail on a healthy machine. Registers mean nothing. */
export interface Death {
  readonly kind: 'fatal';
  readonly rax: 0;
  readonly reason: string;
}

/** The module has the leaf and this model does not; nothing changed. */
export interface Unsupported {
  readonly kind: 'unsupported';
  readonly rax: 0;
  readonly reason: string;
}

export const SUCCESS: Answer = { kind: 'answered', rax: 0, reason: 'success' };

export const UNSUPPORTED: Unsupported = {
  kind: 'unsupported',
  rax: 0,
  reason: 'a leaf of the module that this model does not have',
};

/** `reason` names the check; it is a constant text. A status with details of the call is put together where it fails. */
export function refusal(rax: U64, reason: string): Refusal {
  return { kind: 'answered', rax, reason };
}

export function death(reason: string): Death {
  return { kind: 'fatal', rax: 0, reason };
}

/** Ends a call with TDX_SUCCESS. */
export function succeed(regs: Registers): Answer {
  regs.rax = 0;
  return SUCCESS;
}

/** Ends a call with a status that is not success. */
export function refuse(regs: Registers, why: Refusal): Answer {
  regs.rax = why.rax;
  return why;
}

/** Ends the module. */
export function die(module: ModuleState, why: Death): Death {
  module.phase = 'DEAD';
  return why;
}

/** Ends a call, or the module, as a check that can do either found. */
export function end(module: ModuleState, regs: Registers, why: Refusal | Death): ModuleOutcome {
  return why.kind === 'fatal' ? die(module, why) : refuse(regs, why);
}
