import { setImmediate } from 'node:timers/promises';
import { type ExitCode, UserError } from '../user-error.ts';
import { openStages, type OpenStages, type StagesSource } from './stages.ts';
import { perform, type Task, type TaskResults } from './task.ts';
import { createWatch, type Watch, watcherOf } from './watch.ts';

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
}

/** Reply of a thread. */
export type Answer =
  | { readonly result: TaskResults[Task['kind']] }
  | { readonly failure: { readonly message: string; readonly exitCode: ExitCode } };

/**
 * Starts `workers` threads, each with its own stages, opened from `source`. One worker means this thread: no copies, no
 * messages, and a profiler sees everything. If the judge waits for other processes, even one worker gets its own thread,
 * because this thread must handle signals and print progress.
 */
export async function startExecutor(workers: number, source: StagesSource, now: () => number): Promise<Executor> {
  return workers === 1 && source.waits !== true ? await inThisThread(source, now) : await inThreads(workers, source);
}

async function inThisThread(source: StagesSource, now: () => number): Promise<Executor> {
  return executorOf(await openStages(source), now);
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

async function inThreads(workers: number, source: StagesSource): Promise<Executor> {
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
  return {
    lanes: workers,
    stop,
    tries,
    async execute<T extends Task>(task: T) {
      const answer = await pool.run({ task, source, watch });
      if ('failure' in answer) throw new UserError(answer.failure.message, answer.failure.exitCode);
      return answer.result as TaskResults[T['kind']];
    },
    close: () => pool.destroy(),
  };
}
