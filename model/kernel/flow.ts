import type { KernelPort } from './port.ts';
import type { KernelState } from './state.ts';
import type { Thread } from './thread.ts';

/**
 * How a step ended: one of the constants below, or a negative errno. An errno goes to the step's `onError` label, from
 * where the flow falls through, as the kernel's goto labels do.
 */
export type StepResult = number;
/** Go on with the next step. */
export const DONE = 0;
/** Run this step once more: a loop, one effect at a time. */
export const AGAIN = 1;
/** A lock is taken; nothing happened. Try again when another thread has moved. */
export const BLOCKED = 2;
/** Go to the step's `jump` label. */
export const JUMP = 3;
/** The kernel is dead (oops, BUG, endless loop); `kernel.crash` says why. */
export const CRASH = 4;

/** One named piece of kernel work that others cannot see half done. */
export interface Step {
  readonly name: string;
  readonly run: (kernel: KernelState, thread: Thread, port: KernelPort) => StepResult;
  /** Where the kernel does this: function, mail or recording. */
  readonly source: string;
  /** Missing: read in the source or recorded. Otherwise: deduced, or not confirmed by any source we have. */
  readonly confidence?: 'inferred' | 'unconfirmed';
}

/** A step in its place: where errors and jumps lead. Labels are step names of the same flow; `end` leaves the flow. */
export interface PlacedStep extends Omit<Step, 'confidence'> {
  readonly onError: number;
  readonly jump: number;
}

/** One entry point of a revision. Immutable; shared by all threads that run it. */
export interface Flow {
  readonly name: string;
  readonly steps: readonly PlacedStep[];
}

/** A step with its labels: `[step]`, `[step, onError]` or `[step, onError, jump]`. */
export type FlowEntry = readonly [step: Step, onError?: string, jump?: string];

/** Builds a flow; throws if a label names no step of it or two steps share a name. */
export function defineFlow(name: string, entries: readonly FlowEntry[]): Flow {
  const names = entries.map(([step]) => step.name);
  const find = (label: string): number => {
    if (label === 'end') return names.length;
    const at = names.indexOf(label);
    if (at === -1) throw new Error(`flow ${name}: no step is called ${label}`);
    if (names.lastIndexOf(label) !== at) throw new Error(`flow ${name}: two steps are called ${label}`);
    return at;
  };
  // Written out, so that the steps of all flows are laid out alike: every thread reads them.
  const steps = entries.map(([{ name, run, source }, onError = 'end', jump = 'end']) => ({
    name,
    run,
    source,
    onError: find(onError),
    jump: find(jump),
  }));
  return { name, steps };
}
