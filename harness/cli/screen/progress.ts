import type { Ledger } from '../../campaign/ledger.ts';
import { grouped } from '../../report/console.ts';
import type { Terminal } from './terminal.ts';

export interface ProgressLine {
  readonly show: (ledger: Ledger) => void;
  /** Also shows the number of cases that shrinking tried, on a timer: shrinking takes long, and no range ends meanwhile. */
  readonly follow: (tries: () => number) => void;
  /** Erases the line. */
  readonly end: () => void;
}

/** The line is redrawn this often on a terminal, and printed this often to a log, ms. */
const REDRAW_EVERY = 100;
const LOG_EVERY = 5000;
const FOLLOW_EVERY = 500;

/**
 * Progress on stderr: one line, redrawn, on a terminal; a line every few seconds elsewhere. `cases`: their total, null if
 * it is not known.
 */
export function progressLine(
  { err, redraw: replace, live, columns }: Terminal,
  cases: number | null,
  now: () => number,
): ProgressLine {
  const start = now();
  let last = live ? Number.NEGATIVE_INFINITY : start;
  let drawn = false;
  let latest: Ledger | undefined;
  let tried = 0;
  let timer: NodeJS.Timeout | undefined;
  const redraw = (): void => {
    const time = now();
    if (time - last < (live ? REDRAW_EVERY : LOG_EVERY)) return;
    last = time;
    const text = describeProgress(latest, cases, tried, (time - start) / 1000);
    if (live) replace(text.slice(0, columns - 1));
    else err(`${text}\n`);
    drawn = live;
  };
  return {
    show(ledger) {
      latest = ledger;
      redraw();
    },
    follow(tries) {
      timer = setInterval(() => {
        tried = tries();
        if (tried > 0 || latest !== undefined) redraw();
      }, FOLLOW_EVERY);
      timer.unref();
    },
    end() {
      clearInterval(timer);
      if (drawn) replace('');
      drawn = false;
    },
  };
}

function describeProgress(ledger: Ledger | undefined, cases: number | null, tries: number, seconds: number): string {
  const parts = [`${seconds.toFixed(0)} s`];
  if (ledger !== undefined) {
    const { totals, edges, findings, known } = ledger;
    const seen = [...known.values()].filter(({ reproduced, origin }) => reproduced || origin !== null).length;
    parts.push(
      `${grouped(totals.cases)}${cases === null ? '' : ` of ${grouped(cases)}`} cases`,
      `${grouped(Math.round(totals.cases / Math.max(seconds, 0.001)))}/s`,
      `${grouped(edges.size)} edges`,
      `${findings.size} findings`,
      `${seen} known`,
    );
  }
  if (tries > 0) parts.push(`${grouped(tries)} tries to make findings smaller`);
  return parts.join('  ');
}
