import { EXIT, UserError } from '../../user-error.ts';
import { cannotRun } from '../process/cannot-run.ts';
import { ImplementationFailure, MANNERS } from '../process/failure.ts';
import type { CaseAnswer, ModuleProfile } from '../protocol/messages.ts';
import type { Failed, Incident, Observation, Prepared, Runner } from './runner.ts';
import {
  type Asked,
  moduleCapabilities,
  openSession,
  type Refusal,
  type Session,
  type SessionOptions,
} from './session.ts';
import type { DefectName } from './defect.ts';

export interface StdioOptions extends SessionOptions {
  readonly profile: ModuleProfile;
  readonly withState: boolean;
  /** Restarts after failures that are allowed, and as many again for each further thousand cases. */
  readonly restartsMax: number;
}

/** Cases in a message and messages in flight: measured, more brings nothing (harness/bench/protocol.ts). */
const BATCH_SIZE = 32;
const IN_FLIGHT = 8;
/** Characters of a message; one case alone may be longer. */
const BATCH_LENGTH = 1024 * 1024;
/** Culprits after which a run is broken off; each costs a process. */
const CULPRITS_MAX = 2;
/** A case that is late may take this many times as long alone, to tell slow from hanging. */
const GRACE = 4;

/**
 * Runs an implementation behind seam-stdio/1, whatever it does. When a session breaks off, the cases that had no answer
 * run again one by one in a new process: the one that fails alone is the culprit, and the others keep their answers.
 * Throws a UserError (exit 4) where the implementation cannot even be started.
 */
export async function openStdioRunner(command: string, options: StdioOptions): Promise<Runner> {
  const { profile, withState, restartsMax } = options;
  const incidents: Incident[] = [];
  let restarts = 0;
  let casesRun = 0;
  let exhausted: string | null = null;
  let alone = false;
  let configured: string | undefined;
  const first = await start(command, options);
  /** `null`: the last one ended, and nothing was asked since. */
  let session: Session | null = first;
  const { implementation: identity } = first.hello;
  const capabilities = moduleCapabilities(first.hello);
  const perPlatform = capabilities.platforms === 'configured';
  if (capabilities.role !== 'module') {
    await first.close();
    throw new UserError(`${command}: it plays the ${capabilities.role}; expected a module`, EXIT.CANNOT_RUN);
  }
  const refusal = perPlatform ? null : await configure(command, first, profile);

  const end = async (): Promise<void> => {
    const ending = session;
    session = null;
    configured = undefined;
    await ending?.close();
  };

  /** The session there is, or a new one. */
  const current = async (): Promise<Session> => {
    if (session !== null) return session;
    session = await start(command, options);
    if (!perPlatform) await configure(command, session, profile);
    return session;
  };

  /** Ends a session that failed; false: there were too many of these. */
  const bury = async (failure: ImplementationFailure): Promise<boolean> => {
    restarts += 1;
    await end();
    if (restarts <= restartsMax * (1 + Math.floor(casesRun / 1000))) return true;
    exhausted = `it failed ${restarts} times in ${casesRun} cases; last: ${failure.message}`;
    return false;
  };

  /** Where a new process cannot even be started any more, that is the end of it. */
  const giveUp = (error: unknown): void => {
    if (!(error instanceof UserError)) throw error;
    exhausted = error.message;
  };

  const asAsked = ({ question, text, expectedText }: Prepared): Asked => ({
    id: question.id,
    text: perPlatform ? JSON.stringify({ id: question.id, steps: question.steps }) : text,
    steps: question.steps.length,
    expected: expectedText,
  });

  /** One case alone. An end in a used process might be the work of the case before, so it has to happen `attempts` times. */
  const single = async (one: Prepared, attempts: number): Promise<Observation> => {
    for (let attempt = 1; exhausted === null; attempt += 1) {
      try {
        const active = await current();
        const { answers, late } = await active.run([asAsked(one)], withState, GRACE);
        if (!late) return observation(answers, 0);
        const failure: Failed = {
          verdict: 'slow',
          message: `late with case '${one.question.id}'`,
          stderr: active.stderr(),
        };
        return { kind: 'failed', failure };
      } catch (error) {
        if (error instanceof ImplementationFailure) {
          await bury(error);
          if (error.kind !== 'exit' || attempt >= attempts) return { kind: 'failed', failure: failedAlone(error) };
        } else giveUp(error);
      }
    }
    return { kind: 'not-run' };
  };

  const isolate = async (
    lost: readonly Batch[],
    failure: ImplementationFailure,
    results: Observation[],
  ): Promise<void> => {
    if (!(await bury(failure))) return;
    let culprits = 0;
    for (const { from, cases } of lost) {
      for (const [index, one] of cases.entries()) {
        const result = await single(one, 2);
        results[from + index] = result;
        if (result.kind === 'failed') culprits += 1;
        // Whoever asks may know better what to leave out now.
        if (culprits >= CULPRITS_MAX) return;
      }
    }
    if (exhausted !== null) return;
    const size = lost.reduce((sum, { cases }) => sum + cases.length, 0);
    if (culprits !== 0 || size === 0) return;
    const cases = lost.flatMap(({ cases: some }) => some.map(({ question }) => question.id));
    const verdict: DefectName = failure.kind === 'exit' && size > 1 ? 'dies-in-batch' : MANNERS[failure.kind];
    incidents.push({ ...failedAlone(failure), verdict, cases });
    // It would die again and again.
    alone = true;
  };

  const runMany = async (cases: readonly Prepared[]): Promise<readonly Observation[]> => {
    const results = new Array<Observation>(cases.length).fill({ kind: 'not-run' });
    const size = alone ? 1 : smaller(capabilities.batchMax, BATCH_SIZE);
    const queue = batchesOf(cases, size);
    const slow: Batch[] = [];
    while (queue.length !== 0 && exhausted === null) {
      const active = await current().catch(giveUp);
      if (active === undefined) break;
      let failure: ImplementationFailure | null = null;
      const lost: Batch[] = [];
      const lane = async (): Promise<void> => {
        for (let batch = queue.shift(); batch !== undefined; batch = failure === null ? queue.shift() : undefined) {
          const { from, cases: some } = batch;
          try {
            const { answers, long } = await active.run(some.map(asAsked), withState, 1);
            if (long) slow.push(batch);
            for (let index = 0; index < some.length; index += 1) results[from + index] = observation(answers, index);
          } catch (error) {
            failure ??= asFailure(error);
            lost.push(batch);
          }
        }
      };
      const lanes = alone ? 1 : smaller(capabilities.inFlightMax, IN_FLIGHT);
      await Promise.all(Array.from({ length: lanes }, lane));
      if (failure === null) continue;
      await isolate(
        lost.sort((a, b) => a.from - b.from),
        failure,
        results,
      );
      if (results.some(({ kind }) => kind === 'failed')) break;
    }
    for (const { from, cases: some } of slow) {
      for (const [index, one] of some.entries()) {
        const result = await single(one, 2);
        if (result.kind === 'failed') results[from + index] = result;
      }
    }
    casesRun += cases.length;
    return results;
  };

  /** One platform after the other, for implementations that are configured with theirs. */
  const runGrouped = async (cases: readonly Prepared[]): Promise<readonly Observation[]> => {
    const results: Observation[] = [];
    for (let from = 0; from < cases.length; ) {
      const platform = JSON.stringify(cases[from]?.question.platform);
      let end = from + 1;
      while (end < cases.length && JSON.stringify(cases[end]?.question.platform) === platform) end += 1;
      const group = cases.slice(from, end);
      const no: Refusal | null =
        configured === platform
          ? null
          : await configure(command, await current(), profile, cases[from]?.question.platform);
      configured = no === null ? platform : undefined;
      if (no === null) results.push(...(await runMany(group)));
      else results.push(...group.map(({ question }) => refused(question.id, no)));
      from = end;
    }
    return results;
  };

  return {
    identity,
    capabilities,
    refusal,
    incidents,
    exhausted: () => exhausted,
    run: (cases) => (perPlatform ? runGrouped(cases) : runMany(cases)),
    async runFresh(cases) {
      await end();
      const results: Observation[] = [];
      for (const one of cases) {
        if (perPlatform) results.push(...(await runGrouped([one])));
        else results.push(await single(one, 1));
      }
      return results;
    },
    close: end,
  };
}

interface Batch {
  readonly from: number;
  readonly cases: readonly Prepared[];
}

/** Batches of at most `size` cases, and of a line that any implementation can take. */
function batchesOf(cases: readonly Prepared[], size: number): Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < cases.length; ) {
    let [end, length] = [from, 0];
    while (end < cases.length && end - from < size) {
      length += cases[end]?.text.length ?? 0;
      if (length > BATCH_LENGTH && end > from) break;
      end += 1;
    }
    batches.push({ from, cases: cases.slice(from, end) });
    from = end;
  }
  return batches;
}

function observation(answers: readonly CaseAnswer[] | null, index: number): Observation {
  const answer = answers?.[index];
  return answer === undefined ? { kind: 'as-expected' } : { kind: 'answered', answer };
}

function refused(id: string, { reason, link }: Refusal): Observation {
  const answer = { case: id, outcome: 'unsupported' as const, reason, ...(link !== undefined && { link }) };
  return { kind: 'answered', answer };
}

function failedAlone({ kind, message, stderr }: ImplementationFailure): Failed {
  return { verdict: MANNERS[kind], message, stderr };
}

async function start(command: string, options: SessionOptions): Promise<Session> {
  try {
    return await openSession(command, options);
  } catch (error) {
    throw cannotRun(command, asFailure(error));
  }
}

async function configure(
  command: string,
  session: Session,
  profile: ModuleProfile,
  platform?: unknown,
): Promise<Refusal | null> {
  try {
    return await session.configure(profile, platform);
  } catch (error) {
    await session.close();
    throw cannotRun(command, asFailure(error));
  }
}

function asFailure(error: unknown): ImplementationFailure {
  if (error instanceof ImplementationFailure) return error;
  throw error;
}

function smaller(a: number, b: number): number {
  return a < b ? a : b;
}
