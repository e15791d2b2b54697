import { setImmediate } from 'node:timers/promises';
import type { Stages, StagesModule } from './stages.ts';
import { perform, type Task, type TaskResults } from './task.ts';

/** Where tasks run. */
export interface Executor {
  /** Tasks worth having under way at once. */
  readonly lanes: number;
  readonly execute: <T extends Task>(task: T) => Promise<TaskResults[T['kind']]>;
  readonly close: () => Promise<void>;
}

/**
 * Starts `workers` threads, each with its own copy of the stages that the module at `pipeline` (a file URL) exports.
 * One worker means this thread: no copies, no messages, and a profiler sees everything.
 */
export async function startExecutor(workers: number, pipeline: string, now: () => number): Promise<Executor> {
  return workers === 1 ? await inThisThread(pipeline, now) : await inThreads(workers, pipeline);
}

async function inThisThread(pipeline: string, now: () => number): Promise<Executor> {
  const { stages } = (await import(pipeline)) as StagesModule;
  return executorOf(stages, now);
}

/** This thread, with stages that no module exports. */
export function executorOf(stages: Stages, now: () => number): Executor {
  return {
    lanes: 1,
    async execute(task) {
      // Lets signals in: without it a campaign in this thread could not be interrupted.
      await setImmediate();
      return perform(stages, task, now);
    },
    close: async () => undefined,
  };
}

async function inThreads(workers: number, pipeline: string): Promise<Executor> {
  const { Piscina } = await import('piscina');
  const pool = new Piscina<{ task: Task; pipeline: string }, TaskResults[Task['kind']]>({
    filename: new URL('./worker.js', import.meta.url).href,
    name: 'work',
    minThreads: workers,
    maxThreads: workers,
    // The launcher's flags are for the main thread.
    execArgv: [],
  });
  return {
    lanes: workers,
    execute: async <T extends Task>(task: T) => (await pool.run({ task, pipeline })) as TaskResults[T['kind']],
    close: () => pool.destroy(),
  };
}
