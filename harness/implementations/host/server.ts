import { UserError } from '../../user-error.ts';
import { publishedSchema } from '../../schema.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { LINE_MAX } from '../process/line-splitter.ts';
import type { HostImplementation } from './implementation.ts';
import type { Answer, Ask, HostRequest, HostResponse, ModuleCaseText } from '../protocol/host-messages.ts';

export const HOST_REQUEST = publishedSchema<HostRequest>('./implementations/protocol/host-request.schema.json');

/** Where a host's lines come from and go. Both block: a host asks in the middle of a command. */
export interface HostStreams {
  /** The next line without its end; null: there is no more. */
  readonly read: () => string | null;
  readonly write: (line: string) => void;
}

/** Puts a host behind seam-stdio/1 until `stop` or the end of the input. */
export function serveHost({ identity, capabilities, perform }: HostImplementation, { read, write }: HostStreams): void {
  const say = (response: HostResponse): void => write(JSON.stringify(response));
  let nextId = 1;
  /** Reads on until there is a request; says what is wrong with every other line. */
  const receive = (): HostRequest | null => {
    for (let line = read(); line !== null; line = read()) {
      if (line === '') continue;
      const request = parse(line, say);
      if (request !== null) return request;
    }
    return null;
  };
  const ask = (what: Ask): Answer | null => {
    if (!isQuestion(what)) {
      say(what);
      return null;
    }
    const id = nextId;
    nextId += 1;
    say({ ...what, id });
    const answer = receive();
    if (answer?.type === 'answer' && answer.id === id) return answer;
    throw new EndOfConversation();
  };
  try {
    for (let request = receive(); request !== null; request = receive()) {
      const { type, id } = request;
      switch (request.type) {
        case 'hello':
          say({ type: 'hello', id, protocol: PROTOCOL, implementation: identity, capabilities });
          break;
        case 'ping':
          say({ type: 'pong', id });
          break;
        case 'stop':
          say({ type: 'stopped', id });
          return;
        case 'answer':
          say({ type: 'error', id, message: 'nothing was asked' });
          break;
        default:
          if (!capabilities.commands.includes(request.type))
            say({ type: 'error', id, message: `this host has no command '${type}'` });
          else say({ type: 'done', id, ...perform(request, ask) });
      }
    }
  } catch (error) {
    if (!(error instanceof EndOfConversation)) throw error;
  }
}

/** An answer never came: nothing is left to talk about. */
class EndOfConversation extends Error {}

function isQuestion(ask: Ask): ask is ModuleCaseText {
  const { type } = ask;
  return type === 'seamcall' || type === 'alloc' || type === 'load' || type === 'vmxon' || type === 'offline-memory';
}

/** The request in a line; `null` after saying what is wrong with it. */
function parse(line: string, say: (response: HostResponse) => void): HostRequest | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
    if (line.length > LINE_MAX) throw new UserError(`a line is longer than ${LINE_MAX} bytes`);
    return HOST_REQUEST.check(value, 'request');
  } catch (error) {
    const message = error instanceof UserError ? error.message : 'the line is not JSON';
    const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
    say({ type: 'error', id: Number.isSafeInteger(id) && (id as number) >= 0 ? (id as number) : null, message });
    return null;
  }
}
