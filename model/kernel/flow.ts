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

/** A step in its place: where errors and jumps lead, as indices of steps; the number of steps is the end of the flow. */
export interface PlacedStep extends Omit<Step, 'confidence'> {
  readonly onError: number;
  readonly jump: number;
}

/** One entry point of a revision. Immutable; shared by all threads that run it. */
export interface Flow {
  readonly name: string;
  readonly steps: readonly PlacedStep[];
}

/** A step with the labels it leads to: `[step]`, `[step, onError]` or `[step, onError, jump]`; `end` leaves the flow. */
export type StepEntry = readonly [step: Step, onError?: string, jump?: string];

/** The place of the next step, for errors and jumps to lead to. It is no step itself. */
export interface Label {
  readonly label: string;
}

/**
 * A line of a flow. Flows are written like the C functions they stand for, whose goto labels they keep. A label named
 * `ret_FUNCTION` stands where a function returns to its caller, as the functions of one entry point are one flow.
 */
export type FlowEntry = StepEntry | Label;

export function label(name: string): Label {
  return { label: name };
}

/** A step that does nothing but go to a label, whether or not an error is on its way out. */
export function goto(target: string): StepEntry {
  return [{ name: `goto ${target}`, source: 'model/kernel/flow.ts: control flow', run: jump }, 'end', target];
}

function jump(): StepResult {
  return JUMP;
}

/** Builds a flow; throws if a label is missing or stands in two places. */
export function defineFlow(name: string, entries: readonly FlowEntry[]): Flow {
  const placed: StepEntry[] = [];
  const labels = new Map<string, number>();
  for (const entry of entries) {
    if (!('label' in entry)) placed.push(entry);
    else if (labels.has(entry.label)) throw new Error(`flow ${name}: two labels are called ${entry.label}`);
    else labels.set(entry.label, placed.length);
  }
  labels.set('end', placed.length);
  const find = (target: string): number => {
    const at = labels.get(target);
    if (at === undefined) throw new Error(`flow ${name}: no label is called ${target}`);
    return at;
  };
  // Written out, so that the steps of all flows are laid out alike: every thread reads them.
  const steps = placed.map(([step, onError = 'end', jumpTo = 'end']) => ({
    name: step.name,
    run: step.run,
    source: step.source,
    onError: find(onError),
    jump: find(jumpTo),
  }));
  return { name, steps };
}

/**
 * The same lines with other steps in place of some; each of those that replace a step leads where that one did. Throws if
 * a step to be replaced is in none of the lines.
 */
export function replaceSteps(
  entries: readonly FlowEntry[],
  replacements: ReadonlyMap<Step, readonly Step[]>,
): readonly FlowEntry[] {
  const left = new Set(replacements.keys());
  const replaced = entries.flatMap((entry): readonly FlowEntry[] => {
    if ('label' in entry) return [entry];
    const [step, ...targets] = entry;
    const others = replacements.get(step);
    if (others === undefined) return [entry];
    left.delete(step);
    return others.map((other): StepEntry => [other, ...targets]);
  });
  for (const { name } of left) throw new Error(`no step ${name} to replace`);
  return replaced;
}

/** True if the step is in the flow. */
export function hasStep({ steps }: Flow, { run }: Step): boolean {
  return steps.some((step) => step.run === run);
}
