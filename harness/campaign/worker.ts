import type { StagesModule } from './stages.ts';
import { perform, type Task, type TaskResults } from './task.ts';

/** What a thread of the pool does with a message. */
export async function work({ task, pipeline }: { task: Task; pipeline: string }): Promise<TaskResults[Task['kind']]> {
  const { stages } = (await import(pipeline)) as StagesModule;
  return perform(stages, task, Date.now);
}
