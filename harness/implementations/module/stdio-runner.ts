import { UserError } from '../../user-error.ts';
import { cannotRun } from '../process/cannot-run.ts';
import { ImplementationFailure, MANNERS } from '../process/failure.ts';
import type { Capabilities, CaseAnswer, ModuleProfile } from '../protocol/messages.ts';
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

export interface RunnerOptions {
  readonly profile: ModuleProfile;
  readonly withState: boolean;
  /** Restarts after failures that are allowed, and as many again for each further thousand cases. */
  readonly restartsMax: number;
}

export type StdioOptions = SessionOptions & RunnerOptions;

/** Cases in a message and messages in flight: measured, more brings nothing (harness/bench/protocol.ts). */
const BATCH_SIZE = 32;
const IN_FLIGHT = 8;
/** Characters of a message; one case alone may be longer. */
const BATCH_LENGTH = 1024 * 1024;
/** Culprits after which a run is broken off; each costs a process. */
const CULPRITS_MAX = 2;
/** A case that is late may take this many times as long alone, to tell slow from hanging. */
const GRACE = 4;

/** Everything that is known of one implementation behind seam-stdio/1 while cases run on it. */
interface StdioRun extends SessionOptions, RunnerOptions {
  readonly command: string;
  readonly capabilities: Capabilities;
  /** The implementation is configured with the platform of its cases, and not only with its profile. */
  readonly perPlatform: boolean;
  /** `null`: the last one ended, and nothing was asked since. */
  session: Session | null;
  /** The platform that the session is configured with, as JSON text. */
  configured: string | undefined;
  readonly incidents: Incident[];
  restarts: number;
  casesRun: number;
  /** Why no further case is run; `null`: cases are run. */
  exhausted: string | null;
  /** Cases go one by one, because they fail in company. */
  alone: boolean;
}

/**
 * Runs an implementation behind seam-stdio/1, whatever it does. When a session breaks off, the cases that had no answer
 * run again one by one in a new process: the one that fails alone is the culprit, and the others keep their answers.
 * Throws a UserError (exit 4) where the implementation cannot even be started. `opened`: the first session, if there is one.
 */
export async function openStdioRunner(command: string, options: StdioOptions, opened?: Session): Promise<Runner> {
  const session = opened ?? (await start(command, options));
  const capabilities = moduleCapabilities(session.hello);
  const perPlatform = capabilities.platforms === 'configured';
  const refusal = perPlatform ? null : await configure(command, session, options.profile);
  const run: StdioRun = {
    ...options,
    command,
    capabilities,
    perPlatform,
    session,
    configured: undefined,
    incidents: [],
    restarts: 0,
    casesRun: 0,
    exhausted: null,
    alone: false,
  };
  return {
    identity: session.hello.implementation,
    capabilities,
    refusal,
    incidents: run.incidents,
    exhausted: () => run.exhausted,
    run: (cases) => (perPlatform ? runGrouped(run, cases) : runMany(run, cases)),
    runFresh: (cases) => runFresh(run, cases),
    close: () => end(run),
  };
}

async function end(run: StdioRun): Promise<void> {
  const ending = run.session;
  run.session = null;
  run.configured = undefined;
  await ending?.close();
}

/** The session there is, or a new one. */
async function current(run: StdioRun): Promise<Session> {
  if (run.session !== null) return run.session;
  const session = await start(run.command, run);
  run.session = session;
  if (!run.perPlatform) await configure(run.command, session, run.profile);
  return session;
}

/** Ends a session that failed; false: there were too many of these. */
async function bury(run: StdioRun, failure: ImplementationFailure): Promise<boolean> {
  run.restarts += 1;
  await end(run);
  if (run.restarts <= run.restartsMax * (1 + Math.floor(run.casesRun / 1000))) return true;
  run.exhausted = `it failed ${run.restarts} times in ${run.casesRun} cases; last: ${failure.message}`;
  return false;
}

/** Where a new process cannot even be started any more, no further case is run. */
function giveUp(run: StdioRun, error: unknown): void {
  if (!(error instanceof UserError)) throw error;
  run.exhausted = error.message;
}

function asAsked({ perPlatform }: StdioRun, { question, text, expectedText }: Prepared): Asked {
  return {
    id: question.id,
    text: perPlatform ? JSON.stringify({ id: question.id, steps: question.steps }) : text,
    steps: question.steps.length,
    expected: expectedText,
  };
}

/** One case alone. An end in a used process might be the work of the case before, so it has to happen `attempts` times. */
async function single(run: StdioRun, one: Prepared, attempts: number): Promise<Observation> {
  for (let attempt = 1; run.exhausted === null; attempt += 1) {
    try {
      const active = await current(run);
      const { answers, late } = await active.run([asAsked(run, one)], run.withState, GRACE);
      if (!late) return observation(answers, 0);
      const message = `late with case '${one.question.id}'`;
      return { kind: 'failed', failure: { verdict: 'slow', message, stderr: active.stderr() } };
    } catch (error) {
      if (error instanceof ImplementationFailure) {
        await bury(run, error);
        if (error.kind !== 'exit' || attempt >= attempts) return { kind: 'failed', failure: failedAlone(error) };
      } else giveUp(run, error);
    }
  }
  return { kind: 'not-run' };
}

/** Runs the cases that got no answer one by one, and fills in what came of them. */
async function isolate(
  run: StdioRun,
  lost: readonly Batch[],
  failure: ImplementationFailure,
  results: Observation[],
): Promise<void> {
  if (!(await bury(run, failure))) return;
  let culprits = 0;
  for (const { from, cases } of lost) {
    for (const [index, one] of cases.entries()) {
      const result = await single(run, one, 2);
      results[from + index] = result;
      if (result.kind === 'failed') culprits += 1;
      // The caller may leave out more cases now.
      if (culprits >= CULPRITS_MAX) return;
    }
  }
  if (run.exhausted !== null) return;
  const ids = lost.flatMap(({ cases }) => cases.map(({ question }) => question.id));
  if (culprits !== 0 || ids.length === 0) return;
  const verdict: DefectName = failure.kind === 'exit' && ids.length > 1 ? 'dies-in-batch' : MANNERS[failure.kind];
  run.incidents.push({ ...failedAlone(failure), verdict, cases: ids });
  // It would die again and again.
  run.alone = true;
}

async function runMany(run: StdioRun, cases: readonly Prepared[]): Promise<readonly Observation[]> {
  const results = new Array<Observation>(cases.length).fill({ kind: 'not-run' });
  const size = run.alone ? 1 : smaller(run.capabilities.batchMax, BATCH_SIZE);
  const queue = batchesOf(cases, size);
  const slow: Batch[] = [];
  while (queue.length !== 0 && run.exhausted === null) {
    const active = await current(run).catch((error: unknown) => giveUp(run, error));
    if (active === undefined) break;
    const { lost, failure } = await sendAll(run, active, queue, slow, results);
    if (failure === null) continue;
    lost.sort((a, b) => a.from - b.from);
    await isolate(run, lost, failure, results);
    if (results.some(({ kind }) => kind === 'failed')) break;
  }
  for (const { from, cases: some } of slow) {
    for (const [index, one] of some.entries()) {
      const result = await single(run, one, 2);
      if (result.kind === 'failed') results[from + index] = result;
    }
  }
  run.casesRun += cases.length;
  return results;
}

interface Sent {
  /** Batches without an answer. */
  readonly lost: Batch[];
  /** `null`: every batch got its answer. */
  readonly failure: ImplementationFailure | null;
}

/** Sends batches of the queue, several in flight, until it is empty or the session breaks off. */
async function sendAll(
  run: StdioRun,
  active: Session,
  queue: Batch[],
  slow: Batch[],
  results: Observation[],
): Promise<Sent> {
  let failure: ImplementationFailure | null = null;
  const lost: Batch[] = [];
  const lane = async (): Promise<void> => {
    for (let batch = queue.shift(); batch !== undefined; batch = failure === null ? queue.shift() : undefined) {
      const { from, cases } = batch;
      try {
        const asked = cases.map((one) => asAsked(run, one));
        const { answers, long } = await active.run(asked, run.withState, 1);
        if (long) slow.push(batch);
        for (let index = 0; index < cases.length; index += 1) results[from + index] = observation(answers, index);
      } catch (error) {
        failure ??= asFailure(error);
        lost.push(batch);
      }
    }
  };
  const lanes = run.alone ? 1 : smaller(run.capabilities.inFlightMax, IN_FLIGHT);
  await Promise.all(Array.from({ length: lanes }, lane));
  return { lost, failure };
}

/** One platform after the other, for implementations that are configured with it. */
async function runGrouped(run: StdioRun, cases: readonly Prepared[]): Promise<readonly Observation[]> {
  const results: Observation[] = [];
  for (let from = 0; from < cases.length; ) {
    const platform = cases[from]?.question.platform;
    const text = JSON.stringify(platform);
    let to = from + 1;
    while (to < cases.length && JSON.stringify(cases[to]?.question.platform) === text) to += 1;
    const group = cases.slice(from, to);
    const no: Refusal | null =
      run.configured === text ? null : await configure(run.command, await current(run), run.profile, platform);
    run.configured = no === null ? text : undefined;
    if (no === null) results.push(...(await runMany(run, group)));
    else results.push(...group.map(({ question }) => refused(question.id, no)));
    from = to;
  }
  return results;
}

/** Each case alone, the first of them in a new process. */
async function runFresh(run: StdioRun, cases: readonly Prepared[]): Promise<readonly Observation[]> {
  await end(run);
  const results: Observation[] = [];
  for (const one of cases) {
    if (run.perPlatform) results.push(...(await runGrouped(run, [one])));
    else results.push(await single(run, one, 1));
  }
  return results;
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
