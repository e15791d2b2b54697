import { constants, createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { parseJSONText } from '../json-text.ts';
import { TraceFormatError } from './replay.ts';

/** Longer than any recorded line (the longest is 300 KB) and short enough to hold in memory and parse. Bytes. */
export const LINE_SIZE_MAX = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

/** One line of a JSON Lines file: its number, from 1, and its parsed value. */
export interface JSONLine {
  readonly number: number;
  readonly value: unknown;
}

/**
 * The lines of a JSON Lines file, plain or gzip (told by its first bytes, not by its name), one at a time; empty lines
 * are passed over. Throws TraceFormatError with `file:line` for text that is not JSON, not UTF-8, too long or a cut
 * gzip stream; file system errors come as they are.
 */
export async function* readJSONLines(file: string, sizeMax: number = LINE_SIZE_MAX): AsyncGenerator<JSONLine> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let number = 0;
  let pending: Buffer[] = [];
  let pendingSize = 0;
  const finish = (last: Buffer): JSONLine | undefined => {
    number += 1;
    const bytes = pending.length === 0 ? last : Buffer.concat([...pending, last]);
    pending = [];
    pendingSize = 0;
    if (bytes.length > sizeMax) throw tooLong(file, number, sizeMax);
    const text = decode(decoder, bytes, file, number).trim();
    return text === '' ? undefined : { number, value: parse(text, file, number) };
  };
  for await (const chunk of chunks(file, () => number + 1)) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = finish(chunk.subarray(from, at));
      if (line !== undefined) yield line;
      from = at + 1;
    }
    if (from === chunk.length) continue;
    pending.push(chunk.subarray(from));
    pendingSize += chunk.length - from;
    if (pendingSize > sizeMax) throw tooLong(file, number + 1, sizeMax);
  }
  if (pendingSize !== 0) {
    const line = finish(Buffer.alloc(0));
    if (line !== undefined) yield line;
  }
}

async function* chunks(file: string, lineNumber: () => number): AsyncGenerator<Buffer> {
  const gzip = await isGzip(file);
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  let stream: Readable = source;
  if (gzip) {
    const gunzip = createGunzip();
    // A read error must reach the reader of the unpacked side.
    source.on('error', (error) => gunzip.destroy(error));
    stream = source.pipe(gunzip);
  }
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (error) {
    if (gzip && isZlibError(error)) {
      throw new TraceFormatError(
        `${file}:${lineNumber()}: damaged gzip data (${error.message}); the file may have been cut`,
      );
    }
    throw error;
  } finally {
    source.destroy();
  }
}

async function isGzip(file: string): Promise<boolean> {
  // Without O_NONBLOCK, opening a FIFO waits for a writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile())
      throw new TraceFormatError(`${file}: it is a folder, a FIFO or a device; expected JSON Lines, plain or gzip`);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await handle.close();
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_');
}

function decode(decoder: TextDecoder, bytes: Buffer, file: string, number: number): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new TraceFormatError(`${file}:${number}: not UTF-8 text; expected JSON Lines, plain or gzip`);
  }
}

function parse(text: string, file: string, number: number): unknown {
  try {
    return parseJSONText(text, `${file}:${number}`, 'one JSON object a line');
  } catch (error) {
    throw new TraceFormatError(error instanceof Error ? error.message : String(error));
  }
}

function tooLong(file: string, number: number, sizeMax: number): TraceFormatError {
  return new TraceFormatError(`${file}:${number}: line longer than ${sizeMax} bytes; no recorded case is`);
}
