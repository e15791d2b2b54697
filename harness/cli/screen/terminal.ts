import { writeSync } from 'node:fs';
import pc from 'picocolors';
import type { Palette } from '../../report/console.ts';
import { errorCode } from '../../store/errno.ts';
import { printable } from '../../text.ts';
import { EXIT } from '../../user-error.ts';

/**
 * The two streams of a run: the result goes to `out`, everything else (progress, hints, errors) to `err`.
 */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Replaces the progress line on stderr. */
  readonly redraw: (text: string) => void;
  /** stderr is an interactive terminal: a line can be redrawn. */
  readonly live: boolean;
  readonly columns: number;
}

/**
 * The streams of this process. If the reader goes away (`| head`), writing ends, but the run continues. If a stream cannot
 * be written to (a full disk), the process ends with a message on the other stream, because output is lost.
 */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (errorCode(error) === 'EPIPE') return;
      endWithoutStream(stream === process.stdout ? 'stdout' : 'stderr', errorCode(error));
    });
  return {
    out: (text) => void process.stdout.write(withoutEscapes(text)),
    err: (text) => void process.stderr.write(withoutEscapes(text)),
    redraw: (text) => void process.stderr.write(`\r\u001b[K${withoutEscapes(text)}`),
    live: process.stderr.isTTY === true && !process.env['CI'],
    columns: process.stderr.columns ?? 80,
  };
}

function endWithoutStream(name: 'stdout' | 'stderr', code: string): never {
  const why = code === 'ENOSPC' ? 'the disk is full' : code;
  try {
    // The other stream may be full too; a write to the descriptor fails at once.
    writeSync(name === 'stdout' ? 2 : 1, `seamstress: cannot write to ${name}: ${why}; the output is incomplete\n`);
  } catch {
    // No stream is left to print to.
  }
  process.exit(EXIT.CANNOT_RUN);
}

const ESC = 0x1b;
/** Colours as the palette writes them, and characters that move a cursor, change a title or reorder text. */
const ESCAPES = /\p{Cc}\[[\d;]*m|(?![\n\t])\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Escapes control characters in text from outside, so that the terminal does not act on them; colours stay. */
function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, (found) => (found.length > 1 && found.charCodeAt(0) === ESC ? found : printable(found)));
}

/**
 * The order of precedence: `wanted` (`--color`, `--no-color`), NO_COLOR, FORCE_COLOR, TERM=dumb, whether stdout is a
 * terminal.
 */
export function palette(wanted: boolean | undefined): Palette {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const asked = NO_COLOR ? false : FORCE_COLOR && FORCE_COLOR !== '0' ? true : undefined;
  const colors = pc.createColors(wanted ?? asked ?? (pc.isColorSupported && process.stdout.isTTY === true));
  return { bad: (text) => colors.bold(colors.red(text)), good: colors.green, strong: colors.bold, dim: colors.dim };
}
