import { writeSync } from 'node:fs';
import pc from 'picocolors';
import type { Palette } from '../../report/console.ts';
import { errorCode } from '../../store/errno.ts';
import { printable } from '../../text.ts';
import { EXIT } from '../../user-error.ts';

/**
 * The two streams of a run: what was asked for goes to `out`, everything else (progress, hints, complaints) to `err`.
 */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Replaces the line of stderr that a person watches. */
  readonly redraw: (text: string) => void;
  /** stderr is watched by a person: one line may be redrawn. */
  readonly live: boolean;
  readonly columns: number;
}

/**
 * The process's own streams. A reader that went away (`| head`) ends the writing, not the run. A stream that cannot be
 * written to (a full disk) ends the process with a message on the other one: what was asked for is lost.
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
  const why = code === 'ENOSPC' ? 'the disk is full' : `it cannot be written to (${code})`;
  try {
    // The stream of the other name may be as full; a write to the descriptor shows that at once.
    writeSync(name === 'stdout' ? 2 : 1, `seamstress: ${name}: ${why}; what was to be printed is lost\n`);
  } catch {
    // Nothing is left to print to.
  }
  process.exit(EXIT.CANNOT_RUN);
}

const ESC = 0x1b;
/** Colours as the palette writes them, and characters that move a cursor, change a title or reorder text. */
const ESCAPES = /\p{Cc}\[[\d;]*m|(?![\n\t])\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** Names and messages from outside are shown, not obeyed; colours stay. */
function withoutEscapes(text: string): string {
  return text.replace(ESCAPES, (found) => (found.length > 1 && found.charCodeAt(0) === ESC ? found : printable(found)));
}

/** NO_COLOR, FORCE_COLOR, TERM=dumb, then whether stdout is a terminal; `wanted` (`--color`, `--no-color`) beats them all. */
export function palette(wanted: boolean | undefined): Palette {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const asked = NO_COLOR ? false : FORCE_COLOR && FORCE_COLOR !== '0' ? true : undefined;
  const colors = pc.createColors(wanted ?? asked ?? (pc.isColorSupported && process.stdout.isTTY === true));
  return { bad: (text) => colors.bold(colors.red(text)), good: colors.green, strong: colors.bold, dim: colors.dim };
}
