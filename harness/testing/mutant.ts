import { DONE, defineFlow, type Flow, hasStep, type StepResult, type Step } from '../../model/kernel/flow.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { LINUX_6_12 } from '../../model/kernel/revisions/6.12.ts';
import { LINUX_6_17 } from '../../model/kernel/revisions/6.17.ts';
import { REPORT_PAMT } from '../../model/kernel/steps/linux/configure.ts';
import * as lock from '../../model/kernel/steps/linux/lock.ts';
import type { KernelState } from '../../model/kernel/state.ts';

/** Kernels with one wrong step: they show that a rule can fire. */

/** A step and its replacement. */
export type Mutation = readonly [step: Step, run: (original: Step) => Step['run']];

export type GuestFlow = 'tdCreate' | 'tdDestroy' | 'cpuOffline';

export type Meddle = (kernel: KernelState) => void;

/** A flow with one step replaced. */
export function replaced(flow: Flow, step: Step, run: (original: Step) => Step['run']): Flow {
  if (!hasStep(flow, step)) throw new Error(`flow ${flow.name} has no step ${step.name}`);
  return { ...flow, steps: flow.steps.map((one) => (one.run === step.run ? { ...one, run: run(one) } : one)) };
}

export const SKIPPED = (): Step['run'] => () => DONE;

/** Runs the original step, then changes the state. */
export function spoiling(meddle: Meddle): (original: Step) => Step['run'] {
  return (original) => (kernel, thread, port) => {
    const outcome = original.run(kernel, thread, port);
    meddle(kernel);
    return outcome;
  };
}

/** Treats every failure as success. */
export function deaf(original: Step): Step['run'] {
  return (kernel, thread, port): StepResult => {
    const outcome = original.run(kernel, thread, port);
    return outcome < 0 ? DONE : outcome;
  };
}

/** Linux 6.12 with one mutated step of tdx_enable(). */
export function enabling(step: Step, run: (original: Step) => Step['run']): Revision {
  return { ...LINUX_6_12, enable: replaced(LINUX_6_12.enable, step, run) };
}

/** Linux 6.12 with its state changed right before tdx_enable() reports success. */
export function spoiled(meddle: Meddle): Revision {
  return enabling(REPORT_PAMT, spoiling(meddle));
}

/** Linux 6.17 with some steps of one flow replaced. */
export function withGuestSteps(name: GuestFlow, steps: readonly Mutation[]): Revision {
  let flow = LINUX_6_17[name];
  if (flow === null) throw new Error(`6.17 has no ${name}`);
  for (const [step, run] of steps) flow = replaced(flow, step, run);
  return { ...LINUX_6_17, [name]: flow };
}

/** 6.12 with a per-CPU bring-up that takes the module lock before the CPU lock: the wrong order. */
export const CROSSED: Revision = {
  ...LINUX_6_12,
  cpuEnable: defineFlow('cpu-enable', [
    [lock.LOCK_MODULE],
    [lock.CPUS_WRITE_LOCK],
    [lock.CPUS_WRITE_UNLOCK],
    [lock.UNLOCK_MODULE],
  ]),
};
