import { compareAnswers } from './compare-answers.ts';
import type { ModuleImplementation } from './implementation.ts';
import type { ModuleProfile } from '../protocol/messages.ts';
import type { Observation, Prepared, Runner } from './runner.ts';
import { playSafely } from './server.ts';

/**
 * Runs an implementation in our own process: as fast as a call, and with nothing to protect us from it. One that hangs
 * or ends the process belongs behind `stdio:`.
 */
export async function openInProcessRunner(
  implementation: ModuleImplementation,
  profile: ModuleProfile,
  withState: boolean,
): Promise<Runner> {
  const { identity, capabilities, configure, play } = implementation;
  const refusal = capabilities.modules.includes(profile.module)
    ? ((await configure?.(profile, undefined)) ?? null)
    : { reason: `it is no ${profile.module}, it is ${capabilities.modules.join(', ')}` };
  const run = async (cases: readonly Prepared[]): Promise<readonly Observation[]> => {
    const results: Observation[] = [];
    for (const { question, expected } of cases) {
      const answer = await playSafely(play, question, withState);
      const { difference, unobserved } = compareAnswers(expected, answer, 'state');
      results.push(difference === null && unobserved === null ? { kind: 'as-expected' } : { kind: 'answered', answer });
    }
    return results;
  };
  return {
    identity,
    capabilities,
    refusal,
    incidents: [],
    exhausted: () => null,
    run,
    runFresh: run,
    close: async () => undefined,
  };
}
