import type { Stages } from '../../campaign/stages.ts';
import { describeWorld } from '../../oracle/describe-case.ts';
import { type CompiledKernel, describeDifference, judgeAgainstModel, judgeBetween, runCompiled } from './judge.ts';

const OWN_INVARIANTS = ['linux/is-its-model', 'linux/no-warnings'];

/** The stages of a campaign against a compiled kernel: cases as ever, judged on what the real code does. */
export function compiledStages(stages: Stages, kernel: CompiledKernel): Stages {
  return {
    ...stages,
    invariants: [...stages.invariants, ...OWN_INVARIANTS],
    // A compiled kernel runs one call at a time: nothing can overlap there.
    sometimes: (profile) => stages.sometimes(profile).filter(({ id }) => !id.startsWith('threads/')),
    judge: (input, full) => judgeAgainstModel(kernel, input, full),
    describe: (input) => [...describeWorld(runCompiled(kernel, input).world), ...describeDifference(kernel, input)],
  };
}

/** The stages of a campaign that asks what a second tree does otherwise than a first. */
export function betweenStages(stages: Stages, first: CompiledKernel, second: CompiledKernel): Stages {
  return {
    ...stages,
    invariants: ['linux/trees-agree'],
    sometimes: () => [],
    judge: (input) => judgeBetween(first, second, input),
    describe: (input) => [
      'first tree:',
      ...describeWorld(runCompiled(first, input).world),
      'second tree:',
      ...describeWorld(runCompiled(second, input).world),
    ],
  };
}
