import { startMessage } from '../process/complaint.ts';
import { ImplementationFailure } from '../process/failure.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import { caseLimit } from '../process/timeouts.ts';
import type { CaseAnswer, Capabilities, HelloAnswer, ModuleProfile, Response } from '../protocol/messages.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { ask, fail, type Line, type LineOptions, openLine, shut } from './line.ts';

/** A case ready to be sent. */
export interface Asked {
  readonly id: string;
  /** The case as it goes into a `run` message. */
  readonly text: string;
  readonly steps: number;
  /** The answer that is expected, in its canonical form: if exactly that comes, nothing needs to be parsed. */
  readonly expected: string | null;
}

export interface RunReply {
  /** `null`: every answer is the expected one. */
  readonly answers: readonly CaseAnswer[] | null;
  /** It came after its time, but within the grace that was given. */
  readonly late: boolean;
  /** It took longer than one of its cases may: some case is too slow, or the message was just long. */
  readonly long: boolean;
}

/** One life of an implementation: from its start to its end. Every promise rejects with an ImplementationFailure. */
export interface Session {
  readonly hello: HelloAnswer;
  /** `null`: agreed; otherwise why not. */
  readonly configure: (profile: ModuleProfile, platform?: unknown) => Promise<Refusal | null>;
  /** Sends cases as one message. May be called again before it has answered. `grace` multiplies the time it may take. */
  readonly run: (cases: readonly Asked[], withState: boolean, grace: number) => Promise<RunReply>;
  readonly ping: () => Promise<void>;
  /** Sends a line as it is and waits for an answer of type `error`; for the smoke test's bad input. */
  readonly provoke: (line: string) => Promise<string>;
  readonly stderr: () => string;
  readonly close: () => Promise<void>;
  /** Ends it without asking, as a crash would. */
  readonly kill: () => void;
}

export interface Refusal {
  readonly reason: string;
  readonly link?: string;
}

export interface SessionOptions extends LineOptions {
  readonly version: string;
  /** Milliseconds of some clock. */
  readonly now: () => number;
}

/** What a module says it can do. Throws an ImplementationFailure for a host, which answers no SEAMCALL. */
export function moduleCapabilities({ capabilities }: HelloAnswer): Capabilities {
  if (capabilities.role === 'module') return capabilities;
  throw new ImplementationFailure('protocol-violation', 'it makes SEAMCALLs (role host); a module answers them', '');
}

/** Starts `command` and says hello. Rejects with an ImplementationFailure where that does not work out. */
export async function openSession(command: string, options: SessionOptions): Promise<Session> {
  const line = openLine(command, options);
  const hello = await exchangeHellos(line, options.version);
  /** When the last answer to a `run` came. */
  let lastAnswer = 0;
  return {
    hello,
    configure: (profile, platform) => configure(line, profile, platform),
    async run(cases, withState, grace) {
      const sent = options.now();
      const { answer, late, longest } = await askCases(line, cases, withState, grace);
      const came = options.now();
      // The cases were worked on from the moment the message before them was answered.
      const long = came - (lastAnswer > sent ? lastAnswer : sent) > longest;
      lastAnswer = came;
      return { answers: answer === null ? null : resultsOf(line, answer, cases), late, long };
    },
    async ping() {
      await request(line, { type: 'ping' }, 'pong');
    },
    provoke: (text) => provoke(line, text),
    stderr: line.child.stderr,
    close: () => shut(line),
    kill: () => {
      line.failure ??= new ImplementationFailure('exit', 'killed by the harness', '');
      clearTimeout(line.idle);
      line.child.kill();
    },
  };
}

async function exchangeHellos(line: Line, version: string): Promise<HelloAnswer> {
  try {
    const capabilities = { lineMax: LINE_MAX, roles: ['module', 'host'] };
    const harness = { name: 'seamstress', version };
    const hello = await request(line, { type: 'hello', protocol: PROTOCOL, harness, capabilities }, 'hello');
    const { major, minor } = hello.protocol;
    if (major === PROTOCOL.major) return hello;
    throw fail(
      line,
      'version',
      `it speaks seam-stdio/${major}.${minor}, this harness speaks ${PROTOCOL.major}.${PROTOCOL.minor}`,
    );
  } catch (error) {
    await line.child.close(0);
    throw error;
  }
}

async function request<T extends Response['type']>(
  line: Line,
  message: object,
  type: T,
): Promise<Extract<Response, { readonly type: T }>> {
  const limit = line.timeouts.start;
  const answer = await ask(line, {
    make: (id) => JSON.stringify({ ...message, id }),
    type,
    limit,
    late: () => fail(line, 'start-timeout', startMessage(type, limit)),
    expected: null,
  });
  return answer as Extract<Response, { readonly type: T }>;
}

async function configure(line: Line, profile: ModuleProfile, platform: unknown): Promise<Refusal | null> {
  const message = { type: 'configure', profile, ...(platform !== undefined && { platform }) };
  const { outcome, reason = 'no reason given', link } = await request(line, message, 'configured');
  return outcome === 'ok' ? null : { reason, ...(link !== undefined && { link }) };
}

/** `longest`: what the case with the most steps may take, in ms; `answer` is `null` where it is exactly as expected. */
async function askCases(
  line: Line,
  cases: readonly Asked[],
  withState: boolean,
  grace: number,
): Promise<{ readonly answer: Response | null; readonly late: boolean; readonly longest: number }> {
  let [limit, longest] = [0, 0];
  for (const { steps } of cases) {
    const one = caseLimit(line.timeouts, steps);
    limit += one;
    if (one > longest) longest = one;
  }
  let late = false;
  const tooLate = (): void => {
    fail(line, 'case-timeout', `no answer to ${describe(cases)} within ${grace * limit} ms`);
  };
  const answer = await ask(line, {
    make: (id) => `{"type":"run","id":${id},"state":${withState},"cases":[${cases.map(({ text }) => text).join(',')}]}`,
    type: 'ran',
    limit,
    late: (id) => {
      if (grace <= 1) {
        tooLate();
        return;
      }
      late = true;
      const timer = setTimeout(() => line.pending.has(id) && tooLate(), (grace - 1) * limit);
      timer.unref();
    },
    expected: cases.every(({ expected }) => expected !== null)
      ? (id) => `{"type":"ran","id":${id},"results":[${cases.map(({ expected }) => expected).join(',')}]}`
      : null,
  });
  return { answer, late, longest };
}

function resultsOf(line: Line, answer: Response, cases: readonly Asked[]): readonly CaseAnswer[] {
  const { results } = answer as Extract<Response, { type: 'ran' }>;
  const wrong = results.findIndex((result, index) => result.case !== cases[index]?.id);
  if (results.length === cases.length && wrong < 0) return results;
  const place = wrong >= 0 ? `, result ${wrong} is of case '${results[wrong]?.case}'` : '';
  throw fail(
    line,
    'protocol-violation',
    `${results.length} results for ${cases.length} cases${place}; they come in the order of the cases`,
  );
}

function provoke(line: Line, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    if (line.failure !== null) {
      reject(line.failure);
      return;
    }
    const { start } = line.timeouts;
    const timer = setTimeout(() => reject(fail(line, 'start-timeout', `no answer within ${start} ms`)), start);
    const end = (message: string): void => {
      clearTimeout(timer);
      line.onError = null;
      line.pending.delete(0);
      resolve(message);
    };
    line.onError = end;
    // So that the end of the process, or any other answer, ends the wait.
    line.pending.set(0, { type: 'error', settle: () => end(''), reject, timer, limit: 0, expected: null });
    line.child.write(`${text}\n`);
  });
}

function describe(cases: readonly Asked[]): string {
  const [first] = cases;
  return cases.length === 1 ? `case '${first?.id}'` : `a message of ${cases.length} cases, '${first?.id}' first`;
}
