import { setImmediate } from 'node:timers/promises';
import { type ExitCode, UserError } from '../user-error.ts';
import { openStages, type OpenStages, type StagesSource } from './stages.ts';
import { perform, type Task, type TaskResults } from './task.ts';
import { createWatch, type Watch, watcherOf } from './watch.ts';

/** Where tasks run. */
export interface Executor {
  /** Tasks worth having under way at once. */
  readonly lanes: number;
  /** Throws a UserError where what is judged cannot be run any more. */
  readonly execute: <T extends Task>(task: T) => Promise<TaskResults[T['kind']]>;
  /** Tasks under way end with what they have by then; what they come to is not reproducible. */
  readonly stop: () => void;
  /** Cases judged so far to make findings smaller, those of tasks under way included. */
  readonly tries: () => number;
  readonly close: () => Promise<void>;
}

/** What a thread is sent. */
export interface Request {
  readonly task: Task;
  readonly source: StagesSource;
  readonly watch: Watch;
}

/** What it sends back. */
export type Answer =
  | { readonly result: TaskResults[Task['kind']] }
  | { readonly failure: { readonly message: string; readonly exitCode: ExitCode } };

/**
 * Starts `workers` threads, each with its own copy of the stages that `source` opens. One worker means this thread: no
 * copies, no messages, and a profiler sees everything. Not where its judge waits for others: this one then has to hear
 * signals, and to tell how far things are.
 */
export async function startExecutor(workers: number, source: StagesSource, now: () => number): Promise<Executor> {
  return workers === 1 && source.waits !== true ? await inThisThread(source, now) : await inThreads(workers, source);
}

async function inThisThread(source: StagesSource, now: () => number): Promise<Executor> {
  return executorOf(await openStages(source), now);
}

/** One lane in this thread, over stages that are open already. */
export function executorOf({ stages, close }: OpenStages, now: () => number): Executor {
  const watcher = watcherOf(createWatch());
  return {
    lanes: 1,
    stop: watcher.stop,
    tries: watcher.tries,
    async execute(task) {
      // Lets signals in: without it a campaign in this thread could not be interrupted.
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
    // The launcher's flags are for the main thread.
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
