import { leafName as leafNameOf } from '../../model/abi/leaf-number.ts';
import { asBigInt, formatU64, u64FromBigInt, type U64 } from '../../model/abi/u64.ts';
import { errnoName } from '../../model/kernel/errno.ts';
import type { AllocationKind } from '../../model/kernel/port.ts';
import { messageText } from '../../model/kernel/message.ts';
import { leafName, statusClass } from '../../model/invariants/look.ts';
import { statusDetails } from '../../model/abi/status.ts';
import type { EventRecord, TraceEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { runCase } from '../oracle/judge-case.ts';
import { readsFrom, singleReads } from './metadata-reads.ts';

/**
 * The whole run of a case as text: each event with its outcome, its SEAMCALLs and effects, and its lines of dmesg. Events
 * that overlapped stand together, and below them what they did turn by turn, each line behind the number of its event.
 */
export function describeCase(input: Case): readonly string[] {
  return describeWorld(runCase(input));
}

/** The same for a run that is over. */
export function describeWorld(world: World): readonly string[] {
  const { records, overlaps } = world;
  const groups = records.map((record) => overlaps.find((turn) => turn.record === record)?.group);
  return records.flatMap((record, index) => {
    const lines = [describeHead(record, index)];
    const group = groups[index];
    if (group === undefined) for (const line of describePart(world, record, record)) lines.push(`      ${line}`);
    if (record.outcome === 'crashed') lines.push(`      ! ${record.kernel.crash ?? ''}`);
    if (group === undefined || groups[index + 1] === group) return lines;
    for (const turn of overlaps) {
      if (turn.group !== group) continue;
      const number = String(records.indexOf(turn.record)).padStart(2);
      for (const line of describePart(world, turn.record, turn)) lines.push(`  ${number}: ${line}`);
    }
    return lines;
  });
}

function describeHead(record: EventRecord, index: number): string {
  return `${index === 0 ? ' ' : String(index).padStart(2)}  ${describeEvent(record)} -> ${describeOutcome(record)}`;
}

/** Trace and dmesg of a record, or of one turn of it. */
function describePart(
  world: World,
  { kernel }: EventRecord,
  { from, to, dmesgFrom, dmesgTo }: Pick<EventRecord, 'from' | 'to' | 'dmesgFrom' | 'dmesgTo'>,
): string[] {
  return [
    ...describeEntries(world.trace.slice(from, to)),
    ...kernel.dmesg.slice(dmesgFrom, dmesgTo).map((message) => `| ${messageText(message)}`),
  ];
}

function describeEvent({ event }: EventRecord): string {
  const { kind, ...rest } = event;
  const fields = Object.entries(rest).map(([name, value]) => {
    const text = describeValue(name, value as U64 | string | null);
    return name === kind ? text : `${name} ${text}`;
  });
  return [kind, ...fields].join(' ');
}

const DECIMAL = new Set(['lp', 'node', 'nth', 'count', 'td', 'entry']);

function describeValue(name: string, value: U64 | string | null): string {
  if (value === null) return 'any';
  // By its name, and as dmesg has it.
  if (name === 'leaf' && typeof value === 'number') {
    const known = leafNameOf(value);
    return known === undefined ? formatU64(value) : `${known} (${formatU64(value)})`;
  }
  return typeof value === 'string' || DECIMAL.has(name) ? String(value) : formatU64(value);
}

function describeOutcome(record: EventRecord): string {
  const { outcome, errno, hint, statusBefore, statusAfter, phaseBefore, phaseAfter } = record;
  const parts: string[] = [outcome];
  if (hint) parts.push('private memory');
  if (errno !== 0) parts.push(`${errno} (${errnoName(errno)})`);
  if (statusAfter !== statusBefore) parts.push(`TDX ${statusAfter}`);
  if (phaseAfter !== phaseBefore) parts.push(`module ${phaseAfter}`);
  return parts.join(', ');
}

/** What the kernel calls to get an object, or what the object is. */
const ALLOCATOR = {
  k: 'kmalloc',
  x: 'alloc_pages_exact',
  c: 'alloc_contig_pages',
  m: 'cpumask',
} as const satisfies Record<AllocationKind, string>;

/** Effects in their order, a line each; reads of fields that follow one another share one. */
function describeEntries(trace: readonly TraceEntry[]): string[] {
  const entries = singleReads(trace);
  const lines: string[] = [];
  for (let at = 0; at < entries.length; ) {
    const reads = readsFrom(entries, at);
    lines.push(describeEntry(entries[at] as TraceEntry, reads));
    at += reads;
  }
  return lines;
}

/** One effect, in a line; `reads`: for so many reads of fields that follow one another (default 1: for itself). */
export function describeEntry(entry: TraceEntry, reads = 1): string {
  switch (entry.kind) {
    case 'seamcall': {
      const inputs = [
        `rcx ${formatU64(entry.inRCX)}`,
        `rdx ${formatU64(entry.inRDX)}${reads === 1 ? '' : ` to ${formatU64(u64FromBigInt(asBigInt(entry.inRDX) + BigInt(reads - 1)))}`}`,
        `r8 ${formatU64(entry.inR8)}`,
      ].filter((text) => !text.endsWith(' 0x0'));
      const details =
        entry.trap === 'none' && entry.rax !== 0 && statusDetails(entry.rax) !== 0
          ? ` details ${formatU64(statusDetails(entry.rax))}`
          : '';
      const why = entry.trap === 'none' && entry.rax !== 0 && entry.reason !== '' ? ` (${entry.reason})` : '';
      const condition = entry.condition === null ? '' : ` [${entry.condition}]`;
      const calls = entry.calls * reads;
      const times = calls === 1 ? '' : ` x ${calls}`;
      return `LP ${entry.lp}  ${leafName(entry.leaf)}${inputs.length === 0 ? '' : ` ${inputs.join(' ')}`}${times}${condition} -> ${statusClass(entry)}${details}${why}`;
    }
    case 'alloc':
      return `alloc ${entry.bytes} bytes (${ALLOCATOR[entry.what]}) -> ${entry.address === -1 ? (entry.injected ? 'failed (by the case)' : 'failed') : formatU64(entry.address)}`;
    case 'free':
      return `free ${formatU64(entry.address)} (${entry.bytes} bytes, ${ALLOCATOR[entry.what]}), module ${entry.phase}`;
    case 'wbinvd':
      return entry.cpu === -1 ? 'WBINVD on all CPUs' : `WBINVD on CPU ${entry.cpu}`;
    case 'reset':
      return `MOVDIR64B [${formatU64(entry.base)}, ${formatU64(entry.base + entry.size)}), module ${entry.phase}`;
  }
}
