import { UserError } from '../../user-error.ts';
import { publishedSchema } from '../../schema.ts';
import { startPiped } from '../process/piped.ts';
import { type FailureKind, ImplementationFailure } from '../process/failure.ts';
import { createLineSplitter } from '../process/line-splitter.ts';
import type { CaseAnswer, Capabilities, HelloAnswer, ModuleProfile, Response } from '../protocol/messages.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import { caseLimit, type Timeouts } from '../process/timeouts.ts';

export const RESPONSE = publishedSchema<Response>('./implementations/protocol/response.schema.json');

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

export interface SessionOptions {
  readonly timeouts: Timeouts;
  readonly version: string;
  /** Milliseconds of some clock. */
  readonly now: () => number;
  /** Every answer is checked against its schema, or only every 64th of those that are exactly as expected. */
  readonly validate: 'always' | 'sampled';
}

/** What a module says it can do. Throws an ImplementationFailure for a host, which answers no SEAMCALL. */
export function moduleCapabilities({ capabilities }: HelloAnswer): Capabilities {
  if (capabilities.role === 'module') return capabilities;
  throw new ImplementationFailure('protocol-violation', 'it makes SEAMCALLs (role host); a module answers them', '');
}

const VALIDATE_EVERY = 64;

interface Pending {
  readonly type: Response['type'];
  readonly settle: (response: Response | null) => void;
  readonly reject: (failure: ImplementationFailure) => void;
  readonly timer: NodeJS.Timeout;
  /** What it may take, in ms: the messages behind it wait for it. */
  readonly limit: number;
  /** For `ran`: the line that is expected. */
  readonly expected: string | null;
}

/** Starts `command` and says hello. Rejects with an ImplementationFailure where that does not work out. */
export async function openSession(
  command: string,
  { timeouts, version, validate, now }: SessionOptions,
): Promise<Session> {
  const pending = new Map<number, Pending>();
  let nextId = 1;
  let failure: ImplementationFailure | null = null;
  let answered = 0;
  let lastAnswer = 0;
  let onError: ((message: string) => void) | null = null;

  const fail = (kind: FailureKind, message: string): ImplementationFailure => {
    if (failure !== null) return failure;
    failure = new ImplementationFailure(kind, message, child.stderr());
    clearTimeout(idle);
    child.kill();
    for (const one of pending.values()) {
      clearTimeout(one.timer);
      one.reject(failure);
    }
    pending.clear();
    return failure;
  };

  const take = (line: string): void => {
    if (failure !== null || line === '') return;
    answered += 1;
    const quick = quickAnswer(pending, line);
    if (quick !== null && validate === 'sampled' && answered % VALIDATE_EVERY !== 0) {
      quick.settle(null);
      return;
    }
    const response = parse(line);
    if (response === null) return;
    if (response.type === 'error') {
      if (onError === null) fail('refusal', `it answered with an error: ${response.message}`);
      else onError(response.message);
      return;
    }
    const one = pending.get(response.id);
    if (one === undefined) {
      fail('protocol-violation', `it answered id ${response.id}, which was not asked or was answered before`);
      return;
    }
    if (one.type !== response.type) {
      fail('protocol-violation', `it answered id ${response.id} with '${response.type}' instead of '${one.type}'`);
      return;
    }
    one.settle(quick === null ? response : null);
  };

  const parse = (line: string): Response | null => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      fail('garbage', `a line on its stdout is not JSON: ${shorten(line)} (stdout is for messages only)`);
      return null;
    }
    try {
      return RESPONSE.check(value, 'message');
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      fail('protocol-violation', `${error.message}, in ${shorten(line)}`);
      return null;
    }
  };

  const splitter = createLineSplitter(LINE_MAX, take);
  const child = startPiped(command, {
    onData(chunk) {
      idle.refresh();
      if (!splitter.push(chunk)) fail('line-too-long', `a line on its stdout is longer than ${LINE_MAX} bytes`);
    },
    onEnd(how) {
      const half = splitter.pending() === 0 ? '' : `, in the middle of a line of ${splitter.pending()} bytes so far`;
      const kind = how.startsWith('could not') || /exit code 12[67]$/.test(how) ? 'cannot-start' : 'exit';
      fail(kind, `it ended: ${how}${half}`);
    },
  });
  // Only speaks up while something is asked.
  const idle: NodeJS.Timeout = setTimeout(() => {
    if (pending.size === 0) idle.refresh();
    else fail('idle-timeout', `nothing came for ${timeouts.idle} ms while ${pending.size} messages waited`);
  }, timeouts.idle);
  idle.unref();

  const ask = (
    make: (id: number) => string,
    type: Response['type'],
    limit: number,
    late: (id: number, reject: (failure: ImplementationFailure) => void) => void,
    expected: ((id: number) => string) | null = null,
  ): Promise<Response | null> =>
    new Promise((resolve, reject) => {
      if (failure !== null) {
        reject(failure);
        return;
      }
      const id = nextId;
      nextId += 1;
      let ahead = 0;
      for (const one of pending.values()) ahead += one.limit;
      if (pending.size === 0) idle.refresh();
      const timer = setTimeout(() => late(id, reject), limit + ahead);
      const settle = (response: Response | null): void => {
        clearTimeout(timer);
        pending.delete(id);
        resolve(response);
      };
      pending.set(id, { type, settle, reject, timer, limit, expected: expected?.(id) ?? null });
      child.write(`${make(id)}\n`);
    });

  const request = async (message: object, type: Response['type']) =>
    (await ask(
      (id) => JSON.stringify({ ...message, id }),
      type,
      timeouts.start,
      () => fail('start-timeout', startMessage(type, timeouts.start)),
    )) as Response;

  const stop = async (): Promise<void> => {
    if (failure === null) {
      child.write(`${JSON.stringify({ type: 'stop', id: nextId })}\n`);
      // What it says from now on is of no interest.
      failure = new ImplementationFailure('exit', 'the session was closed', '');
    }
    clearTimeout(idle);
    await child.close(timeouts.shutdown);
  };

  let hello: HelloAnswer;
  try {
    const capabilities = { lineMax: LINE_MAX, roles: ['module', 'host'] };
    const message = {
      type: 'hello' as const,
      protocol: PROTOCOL,
      harness: { name: 'seamstress', version },
      capabilities,
    };
    hello = (await request(message, 'hello')) as HelloAnswer;
    const { major, minor } = hello.protocol;
    if (major !== PROTOCOL.major) {
      throw fail(
        'version',
        `it speaks seam-stdio/${major}.${minor}, this harness speaks ${PROTOCOL.major}.${PROTOCOL.minor}`,
      );
    }
  } catch (error) {
    await child.close(0);
    throw error;
  }

  return {
    hello,
    async configure(profile, platform) {
      const message = { type: 'configure' as const, profile, ...(platform !== undefined && { platform }) };
      const answer = await request(message, 'configured');
      if (answer.type !== 'configured' || answer.outcome === 'ok') return null;
      return { reason: answer.reason ?? 'no reason given', ...(answer.link !== undefined && { link: answer.link }) };
    },
    async run(cases, withState, grace) {
      let [limit, longest] = [0, 0];
      for (const { steps } of cases) {
        const one = caseLimit(timeouts, steps);
        limit += one;
        if (one > longest) longest = one;
      }
      let late = false;
      const sent = now();
      const answer = await ask(
        (id) => `{"type":"run","id":${id},"state":${withState},"cases":[${cases.map(({ text }) => text).join(',')}]}`,
        'ran',
        limit,
        (id) => {
          const tooLate = (): ImplementationFailure =>
            fail('case-timeout', `no answer to ${describe(cases)} within ${grace * limit} ms`);
          if (grace <= 1) {
            tooLate();
            return;
          }
          late = true;
          const timer = setTimeout(() => pending.has(id) && tooLate(), (grace - 1) * limit);
          timer.unref();
        },
        cases.every(({ expected }) => expected !== null)
          ? (id) => `{"type":"ran","id":${id},"results":[${cases.map(({ expected }) => expected).join(',')}]}`
          : null,
      );
      const came = now();
      // It was worked on from the moment the message before it was answered.
      const long = came - (lastAnswer > sent ? lastAnswer : sent) > longest;
      lastAnswer = came;
      if (answer === null) return { answers: null, late, long };
      const { results } = answer as Extract<Response, { type: 'ran' }>;
      const wrong = results.findIndex((result, index) => result.case !== cases[index]?.id);
      if (results.length !== cases.length || wrong >= 0) {
        const place = wrong >= 0 ? `, result ${wrong} is of case '${results[wrong]?.case}'` : '';
        throw fail(
          'protocol-violation',
          `${results.length} results for ${cases.length} cases${place}; they come in the order of the cases`,
        );
      }
      return { answers: results, late, long };
    },
    async ping() {
      await request({ type: 'ping' }, 'pong');
    },
    provoke(line) {
      return new Promise((resolve, reject) => {
        if (failure !== null) {
          reject(failure);
          return;
        }
        const timer = setTimeout(
          () => reject(fail('start-timeout', `no answer within ${timeouts.start} ms`)),
          timeouts.start,
        );
        const end = (): void => {
          clearTimeout(timer);
          onError = null;
          pending.delete(0);
        };
        onError = (message) => {
          end();
          resolve(message);
        };
        // So that the end of the process, or anything else, is told here.
        const settle = (): void => {
          end();
          resolve('');
        };
        pending.set(0, { type: 'error', settle, reject, timer, limit: 0, expected: null });
        child.write(`${line}\n`);
      });
    },
    stderr: child.stderr,
    close: stop,
    kill: () => {
      failure ??= new ImplementationFailure('exit', 'killed by the harness', '');
      clearTimeout(idle);
      child.kill();
    },
  };
}

/** The message that a line answers in exactly the expected words. */
function quickAnswer(pending: ReadonlyMap<number, Pending>, line: string): Pending | null {
  // Answers mostly come in the order of the questions: the oldest is looked at, and no other.
  for (const one of pending.values()) return one.expected === line ? one : null;
  return null;
}

function startMessage(type: Response['type'], limit: number): string {
  return `no '${type}' within ${limit} ms. Does it flush its stdout after every line? Many languages buffer output that goes to a pipe`;
}

function describe(cases: readonly Asked[]): string {
  const [first] = cases;
  return cases.length === 1 ? `case '${first?.id}'` : `a message of ${cases.length} cases, '${first?.id}' first`;
}

function shorten(text: string): string {
  return text.length > 160 ? `${JSON.stringify(text.slice(0, 157))}...` : JSON.stringify(text);
}
