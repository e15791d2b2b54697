import type { Ledger } from '../campaign/ledger.ts';
import { grouped } from '../report/console.ts';
import type { Terminal } from './terminal.ts';

export interface ProgressLine {
  readonly show: (ledger: Ledger) => void;
  /** Leaves the terminal as a line of its own would. */
  readonly end: () => void;
}

/** How often a person sees the line redrawn, and how often a log gets one, ms. */
const REDRAW_EVERY = 100;
const LOG_EVERY = 5000;

/** Progress on stderr: one redrawn line on a terminal, otherwise a line now and then. `cases`: how many there will be, if it is known. */
export function progressLine({ err, live, columns }: Terminal, cases: number | null, now: () => number): ProgressLine {
  const start = now();
  let last = live ? Number.NEGATIVE_INFINITY : start;
  let drawn = false;
  return {
    show(ledger) {
      const time = now();
      if (time - last < (live ? REDRAW_EVERY : LOG_EVERY)) return;
      last = time;
      const text = describeProgress(ledger, cases, (time - start) / 1000);
      err(live ? `\r\u001b[K${text.slice(0, columns - 1)}` : `${text}\n`);
      drawn = live;
    },
    end() {
      if (drawn) err('\r\u001b[K');
      drawn = false;
    },
  };
}

function describeProgress({ totals, edges, findings, known }: Ledger, cases: number | null, seconds: number): string {
  const seen = [...known.values()].filter(({ reproduced, origin }) => reproduced || origin !== null).length;
  return [
    `${seconds.toFixed(0)} s`,
    `${grouped(totals.cases)}${cases === null ? '' : ` of ${grouped(cases)}`} cases`,
    `${grouped(Math.round(totals.cases / Math.max(seconds, 0.001)))}/s`,
    `${grouped(edges.size)} edges`,
    `${findings.size} findings`,
    `${seen} known`,
  ].join('  ');
}
