import { formatU64, type U64 } from '../../model/abi/u64.ts';
import { failed, leafName, statusClass } from '../../model/invariants/look.ts';
import { messageText } from '../../model/kernel/message.ts';
import type { AllocationKind } from '../../model/kernel/port.ts';
import type { Event } from '../../model/world/event.ts';
import type { BootEvent, EventRecord, SeamcallEntry, TraceEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { runCase } from './judge-case.ts';

/** A case run on the model, as lines for a person: each event and what it came to, and below it effects and dmesg. */
export function describeCase(input: Case): readonly string[] {
  const world = runCase(input);
  return world.records.flatMap((record, index) => describeEvent(world, record, index));
}

function describeEvent(world: World, record: EventRecord, index: number): readonly string[] {
  const { event, from, to, dmesgFrom, dmesgTo, phaseBefore, phaseAfter } = record;
  const phase = phaseBefore === phaseAfter ? '' : `; module ${phaseBefore} -> ${phaseAfter}`;
  return [
    `${String(index).padStart(2)}  ${formatEvent(event)}: ${outcomeOf(record, world)}${phase}`,
    ...foldEffects(world.trace.slice(from, to)).map((line) => `      ${line}`),
    ...world.kernel.dmesg.slice(dmesgFrom, dmesgTo).map((message) => `      dmesg: ${messageText(message)}`),
  ];
}

function outcomeOf({ outcome, errno }: EventRecord, { kernel }: World): string {
  if (outcome === 'crashed') return `the kernel crashed (${kernel.crash})`;
  return errno === 0 ? outcome : `${outcome}, returned ${errno}`;
}

/** `cpu-offline lp 2`: the kind, then each operand with its name; addresses, sizes and registers in hexadecimal. */
export function formatEvent(event: Event | BootEvent): string {
  const operands = Object.entries(event).flatMap(([name, value]: [string, unknown]) => {
    if (name === 'kind' || value === null) return [];
    return `${name} ${HEXADECIMAL.has(name) ? formatU64(value as U64) : String(value)}`;
  });
  return [event.kind, ...operands].join(' ');
}

const HEXADECIMAL = new Set(['address', 'base', 'size', 'rax', 'rcx', 'rdx', 'r8', 'r9', 'r10', 'r11']);

/** Successful calls of one leaf in a row are one line: a reader looks for what failed. */
function foldEffects(entries: readonly TraceEntry[]): readonly string[] {
  const lines: string[] = [];
  for (let index = 0; index < entries.length; ) {
    const entry = entries[index] as TraceEntry;
    let end = index + 1;
    while (end < entries.length && isSameCall(entry, entries[end] as TraceEntry)) end += 1;
    const run = entries.slice(index, end);
    const line = entry.kind === 'seamcall' ? describeSeamcall(entry, run as SeamcallEntry[]) : describeEffect(entry);
    if (line !== undefined) lines.push(line);
    index = end;
  }
  return lines;
}

function isSameCall(a: TraceEntry, b: TraceEntry): boolean {
  if (a.kind !== 'seamcall' || b.kind !== 'seamcall' || a.condition !== null || b.condition !== null) return false;
  return a.leaf === b.leaf && a.lp === b.lp && a.raw === b.raw && !failed(a) && !failed(b);
}

function describeSeamcall(entry: SeamcallEntry, run: readonly SeamcallEntry[]): string {
  const calls = run.reduce((sum, one) => sum + one.calls, 0);
  const times = calls === 1 ? '' : ` x${calls}`;
  const why = failed(entry) && entry.reason !== '' ? ` (${entry.reason})` : '';
  const condition = entry.condition === null ? '' : ` under ${entry.condition}`;
  return `CPU ${entry.lp}  ${leafName(entry.leaf)}${times}  ${statusClass(entry)}${condition}${why}`;
}

/** Allocations that succeed are no news; memory given back is. */
function describeEffect(entry: Exclude<TraceEntry, SeamcallEntry>): string | undefined {
  switch (entry.kind) {
    case 'alloc':
      return entry.address === -1 ? `${ALLOCATORS[entry.what]} of ${entry.bytes} bytes fails` : undefined;
    case 'free':
      if (entry.what !== 'c') return undefined;
      return `PAMT [${formatU64(entry.address)}, ${formatU64(entry.address + entry.bytes)}) freed while the module is ${entry.phase}`;
    case 'wbinvd':
      return entry.cpu === -1 ? 'WBINVD on every online CPU' : `CPU ${entry.cpu}  WBINVD`;
    case 'reset':
      return `pages [${formatU64(entry.base)}, ${formatU64(entry.base + entry.size)}) taken back with MOVDIR64B`;
  }
}

const ALLOCATORS: Readonly<Record<AllocationKind, string>> = {
  k: 'kmalloc',
  x: 'alloc_pages_exact',
  c: 'alloc_contig_pages (a PAMT)',
  m: 'allocation of a cpumask',
};
