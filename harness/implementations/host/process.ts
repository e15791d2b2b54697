import { UserError } from '../../user-error.ts';
import { publishedSchema } from '../../schema.ts';
import { type FailureKind, ImplementationFailure } from '../process/failure.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import { startSyncChild } from '../process/synchronous.ts';
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

/** Starts `command` and says hello. Throws an ImplementationFailure where that does not work out. */
export function openHostSession(command: string, { timeouts, version, now }: StdioHostOptions): HostSession {
  const child = startSyncChild(command);
  let nextId = 1;
  let lastAsked = 0;
  let failure: ImplementationFailure | null = null;

  const fail = (kind: FailureKind, message: string): ImplementationFailure => {
    if (failure !== null) return failure;
    failure = new ImplementationFailure(kind, message, child.stderr());
    child.kill();
    return failure;
  };
  const send = (message: HostRequest): void => child.write(`${JSON.stringify(message)}\n`);
  const receive = (patience: number, late: () => ImplementationFailure): HostResponse => {
    if (failure !== null) throw failure;
    let line: string;
    try {
      line = child.read(patience, late);
    } catch (error) {
      if (error instanceof ImplementationFailure) failure ??= error;
      child.kill();
      throw error;
    }
    return parse(line);
  };
  const parse = (line: string): HostResponse => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw fail('garbage', `a line on its stdout is not JSON: ${shorten(line)} (stdout is for messages only)`);
    }
    try {
      return HOST_RESPONSE.check(value, 'message');
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      throw fail('protocol-violation', `${error.message}, in ${shorten(line)}`);
    }
  };
  const request = <T extends HostResponse['type']>(
    message: Extract<HostRequest, { readonly type: 'hello' | 'ping' }>,
    type: T,
  ): Extract<HostResponse, { readonly type: T }> => {
    send(message);
    const answer = receive(timeouts.start, () => fail('start-timeout', startMessage(type, timeouts.start)));
    if (answer.type === type && 'id' in answer && answer.id === message.id)
      return answer as Extract<HostResponse, { readonly type: T }>;
    throw fail(
      'protocol-violation',
      `it answered ${message.type} with ${told(answer)} instead of '${type}' and its id`,
    );
  };
  const takeId = (): number => {
    nextId += 1;
    return nextId - 1;
  };

  const hello = (): Extract<HostResponse, { readonly type: 'hello' }> => {
    const harness = { name: 'seamstress', version };
    const capabilities = { lineMax: LINE_MAX, roles: ['module', 'host'] };
    const answer = request({ type: 'hello', id: takeId(), protocol: PROTOCOL, harness, capabilities }, 'hello');
    const { major, minor } = answer.protocol;
    if (major === PROTOCOL.major) return answer;
    throw fail('version', `it speaks seam-stdio/${major}.${minor}, this harness ${PROTOCOL.major}.${PROTOCOL.minor}`);
  };

  const perform = (command: CommandMessage, ask: (ask: Ask) => Answer | null): Done => {
    const id = takeId();
    const begun = now();
    const silence = caseLimit(timeouts, 1);
    send({ ...command, id });
    for (let messages = 1; messages <= MESSAGES_MAX; messages += 1) {
      const said = receive(silence, () =>
        fail('case-timeout', `nothing came for ${silence} ms while '${command.type}' was under way`),
      );
      if (said.type === 'done') {
        if (said.id === id) return said;
        throw fail('protocol-violation', `it ended id ${said.id}; under way is '${command.type}' with id ${id}`);
      }
      if (now() - begun > timeouts.case)
        throw fail(
          'case-timeout',
          `'${command.type}' is not done after ${timeouts.case} ms and ${messages} messages, the last of them ${told(said)}`,
        );
      if (!isAsk(said)) throw fail('protocol-violation', `it said ${told(said)} while '${command.type}' was under way`);
      if ('id' in said) {
        if (said.id <= lastAsked)
          throw fail(
            'protocol-violation',
            `it asked with id ${said.id} after ${lastAsked}: every question has a higher one`,
          );
        lastAsked = said.id;
      }
      const answer = ask(said);
      if (answer !== null && 'id' in said) send({ type: 'answer', id: said.id, ...answer });
    }
    throw fail('case-timeout', `'${command.type}' is not done after ${MESSAGES_MAX} messages`);
  };

  const { implementation: identity, capabilities } = hello();
  if (capabilities.role !== 'host')
    throw fail('protocol-violation', 'it answers SEAMCALLs (role module); a host makes them');
  return {
    identity,
    capabilities,
    perform,
    ping: () => void request({ type: 'ping', id: takeId() }, 'pong'),
    provoke(line) {
      child.write(`${line}\n`);
      const answer = receive(timeouts.start, () => fail('start-timeout', `no answer within ${timeouts.start} ms`));
      return answer.type === 'error' ? answer.message : '';
    },
    stderr: child.stderr,
    close() {
      if (failure === null) send({ type: 'stop', id: takeId() });
      failure ??= new ImplementationFailure('exit', 'the session was closed', '');
      child.close(timeouts.shutdown);
    },
    kill() {
      failure ??= new ImplementationFailure('exit', 'killed by the harness', '');
      child.kill();
    },
  };
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

function startMessage(type: string, limit: number): string {
  return `no '${type}' within ${limit} ms. Does it flush its stdout after every line? Many languages buffer output that goes to a pipe`;
}

function shorten(text: string): string {
  return text.length > 160 ? `${JSON.stringify(text.slice(0, 157))}...` : JSON.stringify(text);
}
