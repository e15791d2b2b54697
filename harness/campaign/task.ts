import type { Case } from '../case.ts';
import { UserError } from '../cli/exit.ts';
import { describePlatform } from '../oracle/describe-platform.ts';
import type { Better, Violation } from '../oracle/verdict.ts';
import { isMinimalCase, type ShrinkResult, shrink } from '../shrink/shrink.ts';
import { type Given, type Range, runGiven, runRange, type Tally } from './range.ts';
import type { Stages } from './stages.ts';

/** What a worker can be asked to do; tasks and results are plain data. */
export type Task =
  | { readonly kind: 'range'; readonly range: Range }
  | { readonly kind: 'given'; readonly given: readonly Given[] }
  | { readonly kind: 'recheck'; readonly case: Case; readonly bucket: string }
  | {
      readonly kind: 'shrink';
      readonly case: Case;
      readonly bucket: string;
      readonly evaluations: number;
      readonly deadline: number | null;
    };

export interface TaskResults {
  readonly range: Tally;
  readonly given: Tally;
  /** `null`: the judge broke on the case. */
  readonly recheck: Recheck | null;
  /** `undefined`: the case does not fail in that bucket any more, so the judge is not deterministic. */
  readonly shrink: Shrunk | undefined;
}

/** What a case that is known to fail in a bucket does now. */
export interface Recheck {
  readonly violations: readonly Violation[];
  /** It fails in that bucket, and nothing single can be removed. */
  readonly minimal: boolean;
  readonly better?: Better | undefined;
}

export interface Shrunk extends ShrinkResult {
  /** The other buckets that the smallest case fails in. */
  readonly also: readonly string[];
  readonly machine: readonly string[];
  readonly trace: readonly string[];
}

/** Runs one task to its end; throws a UserError where what is judged cannot be run any more. `now`: milliseconds on the clock that a task's `deadline` is read from. */
export function perform<T extends Task>(stages: Stages, task: T, now: () => number): TaskResults[T['kind']];
export function perform(stages: Stages, task: Task, now: () => number): TaskResults[Task['kind']] {
  switch (task.kind) {
    case 'range':
      return runRange(stages, task.range);
    case 'given':
      return runGiven(stages, task.given);
    case 'recheck':
      return recheck(stages, task.case, task.bucket);
    case 'shrink': {
      const { deadline, evaluations } = task;
      const outOfTime = (): boolean => deadline !== null && now() >= deadline;
      const result = shrink(task.case, task.bucket, stages.judge, { evaluations, outOfTime });
      if (result === undefined) return undefined;
      const { case: smallest } = result;
      const also = new Set(stages.judge(smallest).violations.map(({ bucket }) => bucket));
      also.delete(task.bucket);
      return {
        ...result,
        also: [...also],
        machine: describePlatform(smallest.platform),
        trace: stages.describe(smallest),
      };
    }
  }
}

function recheck({ judge }: Stages, input: Case, bucket: string): Recheck | null {
  try {
    const { violations, better } = judge(input);
    return { violations, minimal: isMinimalCase(input, bucket, judge), better };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return null;
  }
}
