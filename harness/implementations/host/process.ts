import { UserError } from '../../user-error.ts';
import { publishedSchema } from '../../schema.ts';
import { shorten, startMessage } from '../process/complaint.ts';
import { type FailureKind, ImplementationFailure } from '../process/failure.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import { startSyncChild, type SyncChild } from '../process/synchronous.ts';
import { caseLimit, type Timeouts } from '../process/timeouts.ts';
import type { HostImplementation } from './implementation.ts';
import type { Answer, Ask, CommandMessage, Done, HostRequest, HostResponse } from '../protocol/host-messages.ts';

export const HOST_RESPONSE = publishedSchema<HostResponse>('./implementations/protocol/host-response.schema.json');

/** Messages of one command, beyond which nothing will come of it. */
const MESSAGES_MAX = 1_000_000;

export interface StdioHostOptions {
  readonly timeouts: Timeouts;
  readonly version: string;
  /** Milliseconds of some clock. */
  readonly now: () => number;
}

/** One life of a host behind seam-stdio/1. Every method throws an ImplementationFailure where the conversation breaks off. */
export interface HostSession extends HostImplementation {
  readonly ping: () => void;
  /** Sends a line as it is and answers the message of the `error` it gets. */
  readonly provoke: (line: string) => string;
  readonly stderr: () => string;
  readonly close: () => void;
  /** Ends it without asking, as a crash would. */
  readonly kill: () => void;
}

/** The pipes to a host behind seam-stdio/1. */
interface Line {
  readonly child: SyncChild;
  readonly timeouts: Timeouts;
  readonly now: () => number;
  nextId: number;
  /** The highest id that the host has asked with. */
  lastAsked: number;
  /** Characters received so far. */
  received: number;
  /** Why the line is down; `null`: it is up. */
  failure: ImplementationFailure | null;
}

/** Characters that a host may send during a command: far more than ten thousand SEAMCALLs need. */
const COMMAND_TEXT_MAX = 1 << 24;

/** Starts `command` and says hello. Throws an ImplementationFailure where that does not work out. */
export function openHostSession(command: string, { timeouts, version, now }: StdioHostOptions): HostSession {
  const line: Line = {
    child: startSyncChild(command),
    timeouts,
    now,
    nextId: 1,
    lastAsked: 0,
    received: 0,
    failure: null,
  };
  const { implementation: identity, capabilities } = exchangeHellos(line, version);
  if (capabilities.role !== 'host')
    throw fail(line, 'protocol-violation', 'it answers SEAMCALLs (role module); a host makes them');
  return {
    identity,
    capabilities,
    perform: (what, ask) => perform(line, what, ask),
    ping: () => void request(line, { type: 'ping', id: takeId(line) }, 'pong'),
    provoke(text) {
      line.child.write(`${text}\n`);
      const late = (): ImplementationFailure => fail(line, 'start-timeout', `no answer within ${timeouts.start} ms`);
      const answer = receive(line, timeouts.start, late);
      return answer.type === 'error' ? answer.message : '';
    },
    stderr: line.child.stderr,
    close() {
      if (line.failure === null) send(line, { type: 'stop', id: takeId(line) });
      line.failure ??= new ImplementationFailure('exit', 'the session was closed', '');
      line.child.close(timeouts.shutdown);
    },
    kill() {
      line.failure ??= new ImplementationFailure('exit', 'killed by the harness', '');
      line.child.kill();
    },
  };
}

/** Breaks the line, once: later calls return the first failure. */
function fail(line: Line, kind: FailureKind, message: string): ImplementationFailure {
  if (line.failure !== null) return line.failure;
  line.failure = new ImplementationFailure(kind, message, line.child.stderr());
  line.child.kill();
  return line.failure;
}

function takeId(line: Line): number {
  line.nextId += 1;
  return line.nextId - 1;
}

function send({ child }: Line, message: HostRequest): void {
  child.write(`${JSON.stringify(message)}\n`);
}

/** The next message of the host; `late` is thrown after `patience` ms. */
function receive(line: Line, patience: number, late: () => ImplementationFailure): HostResponse {
  if (line.failure !== null) throw line.failure;
  let text: string;
  try {
    text = line.child.read(patience, late);
    line.received += text.length;
  } catch (error) {
    if (error instanceof ImplementationFailure) line.failure ??= error;
    line.child.kill();
    throw error;
  }
  return parse(line, text);
}

function parse(line: Line, text: string): HostResponse {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fail(line, 'garbage', `a line on its stdout is not JSON: ${shorten(text)} (stdout is for messages only)`);
  }
  try {
    return HOST_RESPONSE.check(value, 'message');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw fail(line, 'protocol-violation', `${error.message}, in ${shorten(text)}`);
  }
}

function request<T extends HostResponse['type']>(
  line: Line,
  message: Extract<HostRequest, { readonly type: 'hello' | 'ping' }>,
  type: T,
): Extract<HostResponse, { readonly type: T }> {
  const { start } = line.timeouts;
  send(line, message);
  const answer = receive(line, start, () => fail(line, 'start-timeout', startMessage(type, start)));
  if (answer.type === type && 'id' in answer && answer.id === message.id)
    return answer as Extract<HostResponse, { readonly type: T }>;
  const what = `it answered ${message.type} with ${told(answer)} instead of '${type}' and its id`;
  throw fail(line, 'protocol-violation', what);
}

function exchangeHellos(line: Line, version: string): Extract<HostResponse, { readonly type: 'hello' }> {
  const harness = { name: 'seamstress', version };
  const capabilities = { lineMax: LINE_MAX, roles: ['module', 'host'] };
  const id = takeId(line);
  const answer = request(line, { type: 'hello', id, protocol: PROTOCOL, harness, capabilities }, 'hello');
  const { major, minor } = answer.protocol;
  if (major === PROTOCOL.major) return answer;
  const message = `it speaks seam-stdio/${major}.${minor}, this harness ${PROTOCOL.major}.${PROTOCOL.minor}`;
  throw fail(line, 'version', message);
}

function perform(line: Line, command: CommandMessage, ask: (ask: Ask) => Answer | null): Done {
  const { timeouts, now } = line;
  const { type } = command;
  const id = takeId(line);
  const begun = now();
  const before = line.received;
  const silence = caseLimit(timeouts, 1);
  const late = (): ImplementationFailure =>
    fail(line, 'case-timeout', `nothing came for ${silence} ms while '${type}' was under way`);
  send(line, { ...command, id });
  for (let messages = 1; messages <= MESSAGES_MAX; messages += 1) {
    const said = receive(line, silence, late);
    if (said.type === 'done') {
      if (said.id === id) return said;
      throw fail(line, 'protocol-violation', `it ended id ${said.id}; under way is '${type}' with id ${id}`);
    }
    if (now() - begun > timeouts.case)
      throw fail(
        line,
        'case-timeout',
        `'${type}' is not done after ${timeouts.case} ms and ${messages} messages, the last of them ${told(said)}`,
      );
    if (line.received - before > COMMAND_TEXT_MAX)
      throw fail(
        line,
        'protocol-violation',
        `it sent more than ${COMMAND_TEXT_MAX} characters while '${type}' was under way`,
      );
    if (!isAsk(said)) throw fail(line, 'protocol-violation', `it said ${told(said)} while '${type}' was under way`);
    if ('id' in said) noteId(line, said.id);
    const answer = ask(said);
    if (answer !== null && 'id' in said) send(line, { type: 'answer', id: said.id, ...answer });
  }
  throw fail(line, 'case-timeout', `'${type}' is not done after ${MESSAGES_MAX} messages`);
}

function noteId(line: Line, id: number): void {
  if (id <= line.lastAsked)
    throw fail(
      line,
      'protocol-violation',
      `it asked with id ${id} after ${line.lastAsked}: every question has a higher one`,
    );
  line.lastAsked = id;
}

const ASKS: ReadonlySet<string> = new Set<Ask['type']>([
  ...(['seamcall', 'alloc', 'load', 'vmxon', 'offline-memory'] as const),
  ...(['free', 'store', 'movdir64b', 'wbinvd', 'vmxoff', 'printk'] as const),
]);

function isAsk(said: HostResponse): said is Extract<HostResponse, Ask> {
  return ASKS.has(said.type);
}

/** A message in a few words. */
function told(said: HostResponse): string {
  if (said.type === 'error') return `an error (${said.message})`;
  return said.type === 'seamcall' ? `'seamcall' of leaf ${said.rax}` : `'${said.type}'`;
}
