import { UserError } from '../../user-error.ts';
import type { Answer, Request } from '../executor.ts';
import { openStages, type StagesSource, type Stages } from '../stages.ts';
import { perform } from '../task.ts';
import { watcherOf } from '../watch.ts';

/** A thread belongs to one executor, so there is one source; what it holds on to goes when the thread does. */
let opened: Promise<Stages> | undefined;

async function stagesOf(source: StagesSource): Promise<Stages> {
  return (await openStages(source)).stages;
}

/** What a thread of the pool does with a message. */
export async function work({ task, source, watch }: Request): Promise<Answer> {
  try {
    opened ??= stagesOf(source);
    return { result: perform(await opened, task, Date.now, watcherOf(watch)) };
  } catch (error) {
    // Errors lose their class on the way to another thread.
    if (error instanceof UserError) return { failure: { message: error.message, exitCode: error.exitCode } };
    throw error;
  }
}
