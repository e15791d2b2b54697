import { errnoName } from '../../model/kernel/errno.ts';
import { leafName as leafNameOf } from '../../model/abi/leaf-number.ts';
import { formatU64, type U64 } from '../../model/abi/u64.ts';
import type { EventRecord } from '../../model/world/trace.ts';

/** One line of a run as text, and the part of the run it shows. */
export interface RunLine {
  readonly text: string;
  /** Index of the event's record; the boot is 0. */
  readonly record: number;
  /** Entries of the trace that the line shows, [from, to); empty for heads, dmesg and crashes. */
  readonly from: number;
  readonly to: number;
}

/** `3  enable -> failed with -5 (EIO), TDX error`: an event, its outcome and its changes of state. */
export function eventHead(record: EventRecord, index: number): string {
  return `${index === 0 ? ' ' : String(index).padStart(2)}  ${eventText(record)} -> ${outcomeText(record)}`;
}

function eventText({ event }: EventRecord): string {
  const { kind, ...rest } = event;
  const fields = Object.entries(rest).map(([name, value]) => {
    const text = valueText(name, value as U64 | string | null);
    return name === kind ? text : `${name} ${text}`;
  });
  return [kind, ...fields].join(' ');
}

const DECIMAL = new Set(['lp', 'node', 'nth', 'count', 'td', 'entry']);

function valueText(name: string, value: U64 | string | null): string {
  if (value === null) return 'any';
  // By name, and as a number as in dmesg.
  if (name === 'leaf' && typeof value === 'number') {
    const known = leafNameOf(value);
    return known === undefined ? formatU64(value) : `${known} (${formatU64(value)})`;
  }
  return typeof value === 'string' || DECIMAL.has(name) ? String(value) : formatU64(value);
}

function outcomeText(record: EventRecord): string {
  const { outcome, errno, hint, statusBefore, statusAfter, phaseBefore, phaseAfter } = record;
  const failed = outcome === 'done' && errno !== 0;
  const parts: string[] = [failed ? `failed with ${errno} (${errnoName(errno)})` : outcome];
  if (hint) parts.push('private memory');
  if (errno !== 0 && !failed) parts.push(`${errno} (${errnoName(errno)})`);
  if (statusAfter !== statusBefore) parts.push(`TDX ${statusAfter}`);
  if (phaseAfter !== phaseBefore) parts.push(`module ${phaseAfter}`);
  return parts.join(', ');
}
