import type { Level } from '../module/compare-answers.ts';
import type { ModuleImplementation } from '../module/implementation.ts';
import type { CaseAnswer, ModuleCaseText, StepAnswer } from '../protocol/messages.ts';
import type { DefectName } from '../module/defect.ts';

/** A deliberately bad implementation: our own model with one thing wrong, and the verdict it must get. */
export interface Miniature {
  readonly what: string;
  /** Every finding has this verdict; `none`: it conforms; `cannot-run`: it is not even started, or given up. */
  readonly verdict: DefectName | 'none' | 'cannot-run';
  /** Where it takes another level than `registers` to see it. */
  readonly level?: Level;
  readonly module?: (model: ModuleImplementation) => ModuleImplementation;
  /** What it does to its own lines. */
  readonly writer?: (write: (line: string) => void) => (line: string) => void;
  /** What it does when a line comes. */
  readonly onLine?: (line: string) => void;
  readonly onStart?: () => void;
}

/** Answers of one step changed where `change` returns something. */
export function changed(
  change: (rax: string, answer: StepAnswer, question: ModuleCaseText, step: number) => StepAnswer | undefined,
): (model: ModuleImplementation) => ModuleImplementation {
  return (model) => ({
    ...model,
    play: async (question, withState) => {
      const answer = await model.play(question, withState);
      if (answer.outcome !== 'observed') return answer;
      const steps = answer.steps.map(
        (step, index) => change(question.steps[index]?.seamcall.rax ?? '', step, question, index) ?? step,
      );
      return { ...answer, steps: cutAtEnd(steps) };
    },
  });
}

/** Something that happens before a case is played, if it calls this leaf. */
export function before(
  rax: string,
  what: () => Promise<void> | void,
): (model: ModuleImplementation) => ModuleImplementation {
  return (model) => ({
    ...model,
    play: async (question, withState) => {
      if (calls(question, rax)) await what();
      return model.play(question, withState);
    },
  });
}

export function calls({ steps }: ModuleCaseText, rax: string): boolean {
  return steps.some(({ seamcall }) => seamcall.rax === rax);
}

/** Nothing follows a step that was not observed. */
function cutAtEnd(steps: readonly StepAnswer[]): readonly StepAnswer[] {
  const end = steps.findIndex(({ unsupported, skipped, fatal }) => (unsupported ?? skipped ?? fatal) !== undefined);
  return end < 0 ? steps : steps.slice(0, end + 1);
}

/** A whole case refused. */
export function refused(
  question: ModuleCaseText,
  outcome: 'unsupported' | 'skipped',
  reason: string,
  link: string,
): CaseAnswer {
  return { case: question.id, outcome, reason, link };
}
