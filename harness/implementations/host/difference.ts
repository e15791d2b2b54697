import { leafName, statusClass } from '../../../model/invariants/look.ts';
import { renderMessage } from '../../../model/kernel/message.ts';
import type { EventRecord, TraceEntry } from '../../../model/world/trace.ts';
import { describeEntry } from '../../describe/describe-case.ts';
import { singleReads } from '../../describe/metadata-reads.ts';
import { compareStates } from './state-difference.ts';
import type { World } from '../../../model/world/world.ts';

/** The first thing that two runs of a case do not have in common. */
export interface RunDifference {
  /** 0-based index of the event; -1: the boot. */
  readonly event: number;
  /** What kind of thing differs: part of the bucket, so without the numbers of the case. */
  readonly what: string;
  /** The same for a reader: where, and what of it. */
  readonly where: string;
  readonly expected: string;
  readonly got: string;
}

/**
 * Compares two worlds, event by event: effects and their order, errno, outcome, dmesg, state. `untold`: the parts of the
 * state that the second did not report.
 */
export function compareWorlds(
  expected: World,
  got: World,
  untold: ReadonlySet<string> = NOTHING,
): RunDifference | null {
  for (let index = 0; index < expected.records.length; index += 1) {
    const one = expected.records[index];
    const other = got.records[index];
    if (one === undefined || other === undefined) return null;
    const difference = compareRecords(expected, one, got, other);
    if (difference !== null) return { event: index - 1, ...difference };
  }
  return compareStates(expected, got, untold);
}

const NOTHING: ReadonlySet<string> = new Set();

type Found = Omit<RunDifference, 'event'> | null;

function compareRecords(expected: World, one: EventRecord, got: World, other: EventRecord): Found {
  const { kind } = one.event;
  const differs = (what: string, before: string, after: string): Found =>
    before === after ? null : { what: `${kind}: ${what}`, where: `${what} of ${kind}`, expected: before, got: after };
  return (
    differs('crash', crashOf(one), crashOf(other)) ??
    compareTraces(kind, expected.trace.slice(one.from, one.to), got.trace.slice(other.from, other.to)) ??
    // tdx_init() has no result, the model's flow only remembers why it stopped; and who crashes returns nothing.
    (kind === 'boot' || one.outcome === 'crashed' ? null : differs('errno', String(one.errno), String(other.errno))) ??
    differs('outcome', one.outcome, other.outcome) ??
    differs('answer', answerOf(one), answerOf(other)) ??
    compareLines(kind, linesOf(one), linesOf(other)) ??
    (one.outcome === 'crashed' ? null : differs('TDX state', one.statusAfter, other.statusAfter))
  );
}

function crashOf({ outcome }: EventRecord): string {
  return outcome === 'crashed' ? 'a dead kernel' : 'none';
}

function answerOf({ hint }: EventRecord): string {
  return hint ? 'private memory' : 'not private';
}

/** What the kernel of that time printed, which after a kexec is not the kernel there is now. */
function linesOf({ kernel, dmesgFrom, dmesgTo }: EventRecord): readonly string[] {
  return kernel.dmesg.slice(dmesgFrom, dmesgTo).map(renderMessage);
}

function compareLines(kind: string, expected: readonly string[], got: readonly string[]): Found {
  for (let index = 0; index < Math.max(expected.length, got.length); index += 1) {
    const [before, after] = [expected[index], got[index]].map((line) => (line === undefined ? 'none' : `"${line}"`));
    if (before === undefined || after === undefined || before === after) continue;
    return { what: `${kind}: dmesg`, where: `line ${index + 1} of what ${kind} prints`, expected: before, got: after };
  }
  return null;
}

function compareTraces(kind: string, expected: readonly TraceEntry[], got: readonly TraceEntry[]): Found {
  const [one, other] = [joinResets(singleReads(expected)), joinResets(singleReads(got))];
  for (let index = 0; index < Math.max(one.length, other.length); index += 1) {
    const [a, b] = [one[index], other[index]];
    if (describe(a) === describe(b)) continue;
    return {
      what: `${kind}: ${nameOf(a)} / ${nameOf(b)}`,
      where: `effect ${index + 1} of ${kind}`,
      expected: readable(a, b),
      got: readable(b, a),
    };
  }
  return null;
}

/** One MOVDIR64B run that goes on where the one before ended is the same run. */
function joinResets(entries: readonly TraceEntry[]): readonly TraceEntry[] {
  const joined: TraceEntry[] = [];
  for (const entry of entries) {
    const last = joined.at(-1);
    if (entry.kind === 'reset' && last?.kind === 'reset' && last.base + last.size === entry.base)
      joined[joined.length - 1] = { ...last, size: last.size + entry.size };
    else joined.push(entry);
  }
  return joined;
}

function nameOf(entry: TraceEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  if (entry.kind === 'seamcall') return `${leafName(entry.leaf)} ${statusClass(entry)}`;
  return entry.kind === 'alloc' || entry.kind === 'free' ? `${entry.kind} ${entry.what}` : entry.kind;
}

function describe(entry: TraceEntry | undefined): string {
  if (entry === undefined) return 'nothing';
  switch (entry.kind) {
    case 'seamcall':
      return `LP ${entry.lp} ${leafName(entry.leaf)} ${[entry.inRCX, entry.inRDX, entry.inR8].map(hex).join(' ')} x ${entry.calls} -> ${entry.trap} ${[entry.rax, entry.rcx, entry.rdx, entry.r8].map(hex).join(' ')}`;
    case 'alloc':
      return `alloc ${entry.what} ${entry.bytes} -> ${entry.address}`;
    case 'free':
      return `free ${entry.what} ${entry.address} ${entry.bytes}`;
    case 'wbinvd':
      return `wbinvd ${entry.cpu}`;
    case 'reset':
      return `reset ${hex(entry.base)} ${hex(entry.size)}`;
  }
}

/** As a trace shows it; in full where the two look the same there. */
function readable(entry: TraceEntry | undefined, other: TraceEntry | undefined): string {
  if (entry === undefined) return 'no more';
  const short = describeEntry(entry);
  return `"${other !== undefined && describeEntry(other) === short ? describe(entry) : short}"`;
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}
