import { UserError } from '../../user-error.ts';
import { publishedSchema } from '../../schema.ts';
import type { ModuleImplementation } from './implementation.ts';
import { createLineSplitter } from '../process/line-splitter.ts';
import type { CaseAnswer, ModuleCaseText, Request, Response } from '../protocol/messages.ts';
import { PROTOCOL } from '../protocol/messages.ts';
import { LINE_MAX } from '../process/line-splitter.ts';

export const REQUEST = publishedSchema<Request>('./implementations/protocol/request.schema.json');

/** Where a server's bytes come from and its lines go. */
export interface ServerStreams {
  readonly chunks: AsyncIterable<Buffer>;
  /** Writes a line; the end of line is added. */
  readonly write: (line: string) => void;
}

/** Puts an implementation behind seam-stdio/1 until `stop` or the end of the input. */
export async function serve(implementation: ModuleImplementation, { chunks, write }: ServerStreams): Promise<void> {
  const lines: string[] = [];
  const splitter = createLineSplitter(LINE_MAX, (line) => lines.push(line));
  const say = (response: Response): void => write(JSON.stringify(response));
  let platform: unknown;
  for await (const chunk of chunks) {
    const whole = splitter.push(chunk);
    for (const line of lines.splice(0)) {
      if (line === '') continue;
      const request = read(line, say);
      if (request === null) continue;
      if (request.type === 'configure') platform = request.platform;
      await answer(implementation, request, platform, say);
      if (request.type === 'stop') return;
    }
    if (!whole) {
      say({ type: 'error', id: null, message: `a line is longer than ${LINE_MAX} bytes` });
      return;
    }
  }
}

/** The request in a line; `null` after saying what is wrong with it. */
function read(line: string, say: (response: Response) => void): Request | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
    return REQUEST.check(value, 'request');
  } catch (error) {
    const why = error instanceof UserError ? error.message : 'the line is not JSON';
    say({ type: 'error', id: idOf(value), message: why });
    return null;
  }
}

function idOf(value: unknown): number | null {
  const id = typeof value === 'object' && value !== null && 'id' in value ? value.id : null;
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0 ? id : null;
}

async function answer(
  { identity, capabilities, configure, play }: ModuleImplementation,
  request: Request,
  configured: unknown,
  say: (response: Response) => void,
): Promise<void> {
  const { id } = request;
  switch (request.type) {
    case 'hello':
      return say({ type: 'hello', id, protocol: PROTOCOL, implementation: identity, capabilities });
    case 'configure': {
      const refusal = capabilities.modules.includes(request.profile.module)
        ? ((await configure?.(request.profile, request.platform)) ?? null)
        : { reason: `it is no ${request.profile.module}, it is ${capabilities.modules.join(', ')}` };
      return say(
        refusal === null
          ? { type: 'configured', id, outcome: 'ok' }
          : { type: 'configured', id, outcome: 'unsupported', ...refusal },
      );
    }
    case 'run': {
      const results: CaseAnswer[] = [];
      for (const one of request.cases) {
        const question = { ...one, platform: one.platform ?? configured } as ModuleCaseText;
        results.push(await playSafely(play, question, request.state === true));
      }
      return say({ type: 'ran', id, results });
    }
    case 'ping':
      return say({ type: 'pong', id });
    case 'stop':
      return say({ type: 'stopped', id });
  }
}

/** An implementation that throws has answered: that it could not. */
export async function playSafely(
  play: ModuleImplementation['play'],
  question: ModuleCaseText,
  withState: boolean,
): Promise<CaseAnswer> {
  try {
    return await play(question, withState);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { case: question.id, outcome: 'errored', message, definite: true };
  }
}
