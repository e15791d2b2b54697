import pc from 'picocolors';
import type { Palette } from '../../report/console.ts';
import { errorCode } from '../../store/errno.ts';

/**
 * The two streams of a run: what was asked for goes to `out`, everything else (progress, hints, complaints) to `err`.
 */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** stderr is watched by a person: one line may be redrawn. */
  readonly live: boolean;
  readonly columns: number;
}

/** The process's own streams. A reader that went away (`| head`) ends the writing, not the run. */
export function processTerminal(): Terminal {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (errorCode(error) !== 'EPIPE') throw error;
    });
  }
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    live: process.stderr.isTTY === true && !process.env['CI'],
    columns: process.stderr.columns ?? 80,
  };
}

/** NO_COLOR, FORCE_COLOR, TERM=dumb, then whether stdout is a terminal; `wanted` (`--color`, `--no-color`) beats them all. */
export function palette(wanted: boolean | undefined): Palette {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  const asked = NO_COLOR ? false : FORCE_COLOR && FORCE_COLOR !== '0' ? true : undefined;
  const colors = pc.createColors(wanted ?? asked ?? (pc.isColorSupported && process.stdout.isTTY === true));
  return { bad: (text) => colors.bold(colors.red(text)), good: colors.green, strong: colors.bold, dim: colors.dim };
}
