import { UserError } from '../../user-error.ts';
import type { Answer, Request } from '../executor.ts';
import { openStages, type StagesSource, type Stages } from '../stages.ts';
import { perform } from '../task.ts';
import { watcherOf } from '../watch.ts';

/** A thread belongs to one executor, so there is one source; its resources are released when the thread ends. */
let opened: Promise<Stages> | undefined;

async function stagesOf(source: StagesSource): Promise<Stages> {
  return (await openStages(source)).stages;
}

/** Handles one message to a thread of the pool. */
export async function work({ task, source, watch, slot }: Request): Promise<Answer> {
  try {
    opened ??= stagesOf(source);
    return { result: perform(await opened, task, Date.now, watcherOf(watch, slot)) };
  } catch (error) {
    // An error loses its class when it is sent to another thread.
    if (error instanceof UserError) return { failure: { message: error.message, exitCode: error.exitCode } };
    throw error;
  }
}
