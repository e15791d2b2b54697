import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Judge } from '../oracle/judge.ts';
import { describePlatform } from '../describe/describe-platform.ts';
import type { Better, Violation } from '../oracle/verdict.ts';
import { isMinimalCase, type ShrinkResult, shrink } from '../shrink/shrink.ts';
import { type Given, type Range, runGiven, runRange, type Tally } from './range.ts';
import type { Stages } from './stages.ts';
import type { Watcher } from './watch.ts';

/** A task for a worker. Tasks and results are plain data. */
export type Task =
  | { readonly kind: 'range'; readonly range: Range }
  | { readonly kind: 'given'; readonly given: readonly Given[] }
  | { readonly kind: 'recheck'; readonly case: Case; readonly bucket: string; readonly looksIfMinimal: boolean }
  | {
      readonly kind: 'shrink';
      readonly case: Case;
      readonly bucket: string;
      readonly evaluations: number;
      readonly deadline: number | null;
    }
  | { readonly kind: 'describe'; readonly case: Case; readonly violation: Violation };

export interface TaskResults {
  readonly range: Tally;
  readonly given: Tally;
  /** `null`: the judge threw on the case. */
  readonly recheck: Recheck | null;
  /** `undefined`: the case does not fail in that bucket any more, so the judge is not deterministic. */
  readonly shrink: Shrunk | undefined;
  readonly describe: Shown;
}

/** The current result of a case that is known to fail in a bucket. */
export interface Recheck {
  readonly violations: readonly Violation[];
  /** It fails in that bucket and every single removal loses that; false if not checked. */
  readonly minimal: boolean;
  readonly better?: Better | undefined;
}

/** A finding's case as text. */
export interface Shown {
  readonly machine: readonly string[];
  readonly trace: readonly string[];
  /** Index in `trace` of the line that broke the rule. */
  readonly broken: number | null;
}

export interface Shrunk extends ShrinkResult, Shown {
  /** The other buckets in which the shrunk case fails. */
  readonly also: readonly string[];
}

/**
 * Runs one task to its end, or until `watcher` requests a stop. Throws a UserError if the implementation under test
 * cannot be run any more. `now`: milliseconds on the clock of a task's `deadline`.
 */
export function perform<T extends Task>(
  stages: Stages,
  task: T,
  now: () => number,
  watcher: Watcher,
): TaskResults[T['kind']];
export function perform(stages: Stages, task: Task, now: () => number, watcher: Watcher): TaskResults[Task['kind']] {
  switch (task.kind) {
    case 'range':
      return runRange(stages, task.range, watcher.isStopping);
    case 'given':
      return runGiven(stages, task.given, watcher.isStopping);
    case 'recheck':
      return recheck(stages, task.case, task.bucket, task.looksIfMinimal);
    case 'shrink': {
      const { deadline, evaluations } = task;
      const outOfTime = (): boolean => watcher.isStopping() || (deadline !== null && now() >= deadline);
      const judge: Judge = (input, full) => {
        watcher.noteTry();
        return stages.judge(input, full);
      };
      const result = shrink(task.case, task.bucket, judge, { evaluations, outOfTime });
      if (result === undefined) return undefined;
      const { case: smallest } = result;
      const also = new Set(stages.judge(smallest).violations.map(({ bucket }) => bucket));
      also.delete(task.bucket);
      return { ...result, also: [...also], ...show(stages, smallest, result.violation) };
    }
    case 'describe':
      return show(stages, task.case, task.violation);
  }
}

function show({ describe }: Stages, input: Case, violation: Violation): Shown {
  const { lines, broken } = describe(input, violation);
  return { machine: describePlatform(input.platform), trace: lines, broken };
}

function recheck({ judge }: Stages, input: Case, bucket: string, looksIfMinimal: boolean): Recheck | null {
  try {
    const { violations, better } = judge(input);
    return { violations, minimal: looksIfMinimal && isMinimalCase(input, bucket, judge), better };
  } catch (error) {
    if (error instanceof UserError) throw error;
    return null;
  }
}
