import type { Tally } from './range.ts';
import type { Task, TaskResults } from './task.ts';

/** Seconds without a new case after which a task is taken for stuck. An ordinary case takes well under a millisecond. */
export const CASE_LIMIT_SECONDS = 60;
/** The same where the judge waits for other processes, which have time-outs of their own. */
export const WAITING_CASE_LIMIT_SECONDS = 600;

/**
 * The result of a task whose thread was ended because a case did not end: a crash that names the case, so that it can be
 * run again. `begun`: cases that the task had begun.
 */
export function stuckResult<T extends Task>(task: T, begun: number, seconds: number): TaskResults[T['kind']] {
  const stack = `the case did not end within ${seconds} s`;
  const results: { readonly [K in Task['kind']]: () => TaskResults[K] } = {
    range: () => emptyTally({ origin: originOf(task, begun), stack }),
    given: () => emptyTally({ origin: originOf(task, begun), stack }),
    recheck: () => null,
    shrink: () => undefined,
    describe: () => ({ machine: [], trace: [stack], broken: null }),
  };
  return results[task.kind]() as TaskResults[T['kind']];
}

/** Cases are counted when they begin: the last one begun is the one that does not end. */
function originOf(task: Task, begun: number): string {
  const position = Math.max(0, begun - 1);
  if (task.kind === 'range') return `${task.range.seed}:${task.range.from + position}`;
  return task.kind === 'given' ? (task.given[position]?.origin ?? 'a saved case') : 'a saved case';
}

function emptyTally(crash: Tally['crash']): Tally {
  return {
    ...{ cases: 0, events: 0, seamcalls: 0, complete: 0 },
    ...{ edges: [], sometimes: [], firsts: [], hits: [], better: [], crash },
  };
}
