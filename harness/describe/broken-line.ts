import type { Violation } from '../oracle/verdict.ts';
import type { RunLine } from './run-line.ts';

/**
 * Index of the line that broke the rule: the line of trace entry `entry` (-1: the rule names none), else the event's
 * last call that matches leaf and status of the bucket, else the head of the event. `null` for a run without that event.
 */
export function brokenLine(lines: readonly RunLine[], { bucket, event }: Violation, entry: number): number | null {
  const named = lines.findIndex(({ from, to }) => from <= entry && entry < to);
  if (named !== -1) return named;
  const record = recordOf(lines, event);
  const [, leaf = '', status = ''] = bucket.split('|');
  if (/^TDH\./.test(leaf)) {
    const call = lines.findLastIndex(
      (line) => line.record === record && line.text.includes(` ${leaf}`) && line.text.includes(`-> ${status}`),
    );
    if (call !== -1) return call;
  }
  const head = lines.findIndex((line) => line.record === record);
  return head === -1 ? null : head;
}

/** Record of an event. Boots have records, too, but are not events of the case. */
function recordOf(lines: readonly RunLine[], event: number): number {
  let events = -1;
  let record = 0;
  for (const line of lines) {
    if (line.record === record) continue;
    record = line.record;
    if (!/^ +boot ->/.test(line.text)) events += 1;
    if (events === event) return record;
  }
  return record;
}
