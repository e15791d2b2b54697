import { DONE, type Flow, type StepResult, type Step } from '../../model/kernel/flow.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { LINUX_6_12 } from '../../model/kernel/revisions/6.12.ts';
import type { KernelState } from '../../model/kernel/state.ts';

/** Kernels with one step gone wrong: what rules are shown able to fire with. */

export type Meddle = (kernel: KernelState) => void;

/** A flow in which the step of that name does something else. */
export function replaced(flow: Flow, name: string, run: (original: Step) => Step['run']): Flow {
  if (!flow.steps.some((one) => one.name === name)) throw new Error(`flow ${flow.name} has no step ${name}`);
  return { ...flow, steps: flow.steps.map((one) => (one.name === name ? { ...one, run: run(one) } : one)) };
}

export const SKIPPED = (): Step['run'] => () => DONE;

/** Does its work and then spoils it. */
export function spoiling(meddle: Meddle): (original: Step) => Step['run'] {
  return (original) => (kernel, thread, port) => {
    const outcome = original.run(kernel, thread, port);
    meddle(kernel);
    return outcome;
  };
}

/** Takes every refusal for success. */
export function deaf(original: Step): Step['run'] {
  return (kernel, thread, port): StepResult => {
    const outcome = original.run(kernel, thread, port);
    return outcome < 0 ? DONE : outcome;
  };
}

/** Linux 6.12 whose tdx_enable() is mutated in one step. */
export function enabling(name: string, run: (original: Step) => Step['run']): Revision {
  return { ...LINUX_6_12, enable: replaced(LINUX_6_12.enable, name, run) };
}

/** Linux 6.12 that spoils its books right before it says that all went well. */
export function spoiled(meddle: Meddle): Revision {
  return enabling('report-pamt', spoiling(meddle));
}
