import { publishedSchema } from '../../schema.ts';
import { UserError } from '../../user-error.ts';
import { shorten } from '../process/complaint.ts';
import { type FailureKind, ImplementationFailure } from '../process/failure.ts';
import { createLineSplitter, LINE_MAX } from '../process/line-splitter.ts';
import { type Child, startPiped } from '../process/piped.ts';
import type { Timeouts } from '../process/timeouts.ts';
import type { Response } from '../protocol/messages.ts';

export const RESPONSE = publishedSchema<Response>('./implementations/protocol/response.schema.json');

export interface LineOptions {
  readonly timeouts: Timeouts;
  /** Every answer is checked against its schema, or only every 64th of those that are exactly as expected. */
  readonly validate: 'always' | 'sampled';
}

const VALIDATE_EVERY = 64;

/** The pipes to a module behind seam-stdio/1, and the messages it has not answered. */
export interface Line extends LineOptions {
  readonly child: Child;
  /** Ends the line after a long silence, but only while a message waits for its answer. */
  readonly idle: NodeJS.Timeout;
  /** By id, the oldest first. */
  readonly pending: Map<number, Pending>;
  nextId: number;
  /** Why the line is down; `null`: it is up. */
  failure: ImplementationFailure | null;
  answered: number;
  /** Takes the message of an `error`; `null`: an `error` breaks the line. */
  onError: ((message: string) => void) | null;
}

interface Pending {
  readonly type: Response['type'];
  /** `null`: the answer is exactly as expected. */
  readonly settle: (response: Response | null) => void;
  readonly reject: (failure: ImplementationFailure) => void;
  readonly timer: NodeJS.Timeout;
  /** What the answer may take, in ms: the messages behind it wait for it. */
  readonly limit: number;
  /** For `ran`: the line that is expected. */
  readonly expected: string | null;
}

/** A message about to be sent. */
export interface Outgoing {
  readonly make: (id: number) => string;
  /** The type of its answer. */
  readonly type: Response['type'];
  /** What its answer may take, in ms, beside what the messages ahead of it may. */
  readonly limit: number;
  /** Called when that time is over. */
  readonly late: (id: number) => void;
  /** The answer that is expected, word for word. */
  readonly expected: ((id: number) => string) | null;
}

/** Starts `command`. */
export function openLine(command: string, { timeouts, validate }: LineOptions): Line {
  const splitter = createLineSplitter(LINE_MAX, (text) => take(line, text));
  const line: Line = {
    timeouts,
    validate,
    child: startPiped(command, {
      onData(chunk) {
        line.idle.refresh();
        if (!splitter.push(chunk)) fail(line, 'line-too-long', `a line on its stdout is longer than ${LINE_MAX} bytes`);
      },
      onEnd(how) {
        const half = splitter.pending() === 0 ? '' : `, in the middle of a line of ${splitter.pending()} bytes so far`;
        const kind = how.startsWith('could not') || /exit code 12[67]$/.test(how) ? 'cannot-start' : 'exit';
        fail(line, kind, `it ended: ${how}${half}`);
      },
    }),
    idle: setTimeout(() => {
      if (line.pending.size === 0) line.idle.refresh();
      else
        fail(line, 'idle-timeout', `nothing came for ${timeouts.idle} ms while ${line.pending.size} messages waited`);
    }, timeouts.idle),
    pending: new Map(),
    nextId: 1,
    failure: null,
    answered: 0,
    onError: null,
  };
  line.idle.unref();
  return line;
}

/** Breaks the line, once: later calls return the first failure. */
export function fail(line: Line, kind: FailureKind, message: string): ImplementationFailure {
  if (line.failure !== null) return line.failure;
  const failure = new ImplementationFailure(kind, message, line.child.stderr());
  line.failure = failure;
  clearTimeout(line.idle);
  line.child.kill();
  for (const one of line.pending.values()) {
    clearTimeout(one.timer);
    one.reject(failure);
  }
  line.pending.clear();
  return failure;
}

/** Sends a message and waits for its answer; `null`: it is exactly as expected. */
export function ask(line: Line, { make, type, limit, late, expected }: Outgoing): Promise<Response | null> {
  return new Promise((resolve, reject) => {
    if (line.failure !== null) {
      reject(line.failure);
      return;
    }
    const { pending } = line;
    const id = line.nextId;
    line.nextId += 1;
    let ahead = 0;
    for (const one of pending.values()) ahead += one.limit;
    if (pending.size === 0) line.idle.refresh();
    const timer = setTimeout(() => late(id), limit + ahead);
    const settle = (response: Response | null): void => {
      clearTimeout(timer);
      pending.delete(id);
      resolve(response);
    };
    pending.set(id, { type, settle, reject, timer, limit, expected: expected?.(id) ?? null });
    line.child.write(`${make(id)}\n`);
  });
}

/** Says `stop` and waits for the end of the process. */
export async function shut(line: Line): Promise<void> {
  if (line.failure === null) {
    line.child.write(`${JSON.stringify({ type: 'stop', id: line.nextId })}\n`);
    // No answer from now on is of interest.
    line.failure = new ImplementationFailure('exit', 'the session was closed', '');
  }
  clearTimeout(line.idle);
  await line.child.close(line.timeouts.shutdown);
}

/** A line of output. */
function take(line: Line, text: string): void {
  if (line.failure !== null || text === '') return;
  line.answered += 1;
  const quick = quickAnswer(line.pending, text);
  if (quick !== null && line.validate === 'sampled' && line.answered % VALIDATE_EVERY !== 0) {
    quick.settle(null);
    return;
  }
  const response = parse(line, text);
  if (response === null) return;
  if (response.type === 'error') {
    if (line.onError === null) fail(line, 'refusal', `it answered with an error: ${response.message}`);
    else line.onError(response.message);
    return;
  }
  const { id, type } = response;
  const one = line.pending.get(id);
  if (one === undefined)
    fail(line, 'protocol-violation', `it answered id ${id}, which was not asked or was answered before`);
  else if (one.type !== type)
    fail(line, 'protocol-violation', `it answered id ${id} with '${type}' instead of '${one.type}'`);
  else one.settle(quick === null ? response : null);
}

/** The message that a line answers in exactly the expected words. */
function quickAnswer(pending: ReadonlyMap<number, Pending>, text: string): Pending | null {
  // Answers mostly come in the order of the questions: the oldest is looked at, and no other.
  for (const one of pending.values()) return one.expected === text ? one : null;
  return null;
}

/** `null`: the line is no message, and is down. */
function parse(line: Line, text: string): Response | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    fail(line, 'garbage', `a line on its stdout is not JSON: ${shorten(text)} (stdout is for messages only)`);
    return null;
  }
  try {
    return RESPONSE.check(value, 'message');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    fail(line, 'protocol-violation', `${error.message}, in ${shorten(text)}`);
    return null;
  }
}
