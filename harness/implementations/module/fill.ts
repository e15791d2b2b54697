import type { Release } from '../../../model/module/release.ts';
import type { ModuleCaseText, StepAnswer, ModuleStepText } from '../protocol/messages.ts';
import { prepare } from './prepare.ts';
import { requirementsOf } from './requirement.ts';

/** The conformance suite with its expected answers, for use without seamstress (fill.schema.json). */
export interface FilledSuite {
  readonly format: 'seamstress-conformance';
  readonly formatVersion: 1;
  readonly version: string;
  readonly module: string;
  readonly cases: readonly FilledCase[];
}

export interface FilledCase extends Pick<ModuleCaseText, 'id' | 'platform'> {
  /** What the case shows, sorted. */
  readonly requirements: readonly string[];
  /** Each with its answer. `null` among the words read back: not compared. */
  readonly steps: readonly (ModuleStepText & StepAnswer)[];
}

/** The suite with the answers of a release, each step with the module's state after it. */
export function fillSuite(suite: readonly ModuleCaseText[], release: Release, version: string): FilledSuite {
  const cases = suite.map((line): FilledCase => {
    const { question, expected } = prepare(line, release, 'state');
    const answers = expected.outcome === 'observed' ? expected.steps : [];
    return {
      id: question.id,
      platform: question.platform,
      requirements: [...new Set(requirementsOf(question, expected).flat())].sort(),
      // A step behind the end of the module has no answer, and is left out.
      steps: answers.flatMap((answer, index) => {
        const step = question.steps[index];
        return step === undefined ? [] : [{ ...step, ...answer }];
      }),
    };
  });
  return { format: 'seamstress-conformance', formatVersion: 1, version, module: release.name, cases };
}
