import { setImmediate } from 'node:timers/promises';
import { type ExitCode, UserError } from '../user-error.ts';
import type { OpenStages, StagesSource } from './stages.ts';
import { CASE_LIMIT_SECONDS, stuckResult, WAITING_CASE_LIMIT_SECONDS } from './stuck.ts';
import { perform, type Task, type TaskResults } from './task.ts';
import { createWatch, SLOTS, type Watch, type Watcher, watcherOf } from './watch.ts';

/** Runs tasks. */
export interface Executor {
  /** Useful number of concurrent tasks. */
  readonly lanes: number;
  /** Throws a UserError if the implementation under test cannot be run any more. */
  readonly execute: <T extends Task>(task: T) => Promise<TaskResults[T['kind']]>;
  /** Running tasks end early with partial results, which are not reproducible. */
  readonly stop: () => void;
  /** Cases judged so far by shrinking, including those of running tasks. */
  readonly tries: () => number;
  readonly close: () => Promise<void>;
}

/** Message to a thread. */
export interface Request {
  readonly task: Task;
  readonly source: StagesSource;
  readonly watch: Watch;
  /** Where in `watch` the task counts its cases. */
  readonly slot: number;
}

/** Reply of a thread. */
export type Answer =
  | { readonly result: TaskResults[Task['kind']] }
  | { readonly failure: { readonly message: string; readonly exitCode: ExitCode } };

/**
 * Starts `workers` threads, each with its own stages, opened from `source`. The main thread judges nothing: it handles
 * signals, prints progress, and ends a thread whose case does not end. `limit`: seconds that one case may take.
 */
export async function startExecutor(
  workers: number,
  source: StagesSource,
  limit = source.waits === true ? WAITING_CASE_LIMIT_SECONDS : CASE_LIMIT_SECONDS,
): Promise<Executor> {
  const { Piscina } = await import('piscina');
  const watch = createWatch();
  const { stop, tries } = watcherOf(watch);
  const pool = new Piscina<Request, Answer>({
    filename: new URL('./thread/worker.js', import.meta.url).href,
    name: 'work',
    minThreads: workers,
    maxThreads: workers,
    // The launcher's flags apply to the main thread only.
    execArgv: [],
  });
  const free = Array.from({ length: SLOTS }, (_, slot) => slot);
  return {
    lanes: workers,
    stop,
    tries,
    async execute<T extends Task>(task: T) {
      const slot = free.pop() ?? 0;
      try {
        const run = (signal: AbortSignal): Promise<Answer> => pool.run({ task, source, watch, slot }, { signal });
        const answer = await untilStuck(run, watcherOf(watch, slot), limit);
        if (typeof answer === 'number') return stuckResult(task, answer, limit);
        if ('failure' in answer) throw new UserError(answer.failure.message, answer.failure.exitCode);
        return answer.result as TaskResults[T['kind']];
      } finally {
        free.push(slot);
      }
    },
    close: () => pool.destroy(),
  };
}

const LOOK_EVERY = 1000;

/** The answer of a task or, if it begins no case for `limit` seconds and is ended, the number of cases it had begun. */
async function untilStuck(
  run: (signal: AbortSignal) => Promise<Answer>,
  watcher: Watcher,
  limit: number,
): Promise<Answer | number> {
  const ending = new AbortController();
  let [seen, looks] = [-1, 0];
  watcher.reset();
  // Counts its own looks: a machine that slept meanwhile is no reason to end anything.
  const timer = setInterval(() => {
    const begun = watcher.begun();
    looks = begun === seen ? looks + 1 : 0;
    seen = begun;
    if (looks * LOOK_EVERY >= limit * 1000) ending.abort();
  }, LOOK_EVERY);
  timer.unref();
  try {
    return await run(ending.signal);
  } catch (error) {
    if (ending.signal.aborted) return watcher.begun();
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** One lane in this thread, with stages that are open already. */
export function executorOf({ stages, close }: OpenStages, now: () => number): Executor {
  const watcher = watcherOf(createWatch());
  return {
    lanes: 1,
    stop: watcher.stop,
    tries: watcher.tries,
    async execute(task) {
      // Lets signal handlers run: without it a campaign in this thread could not be interrupted.
      await setImmediate();
      return perform(stages, task, now, watcher);
    },
    close: async () => close(),
  };
}
