import { statusDetails } from '../../model/abi/status.ts';
import { asBigInt, formatU64, u64FromBigInt } from '../../model/abi/u64.ts';
import { leafName, statusClass } from '../../model/invariants/look.ts';
import { messageText } from '../../model/kernel/message.ts';
import type { EventRecord, TraceEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import type { Description } from '../oracle/judge.ts';
import { runCase, runToCulprit } from '../oracle/judge-case.ts';
import { type Variant, variantOf } from '../oracle/metamorphic.ts';
import type { Violation } from '../oracle/verdict.ts';
import { ALLOCATOR } from './allocator.ts';
import { brokenLine } from './broken-line.ts';
import { readsFrom, singleReads } from './metadata-reads.ts';
import { eventHead, type RunLine } from './run-line.ts';
import { describeSideBySide } from './side-by-side.ts';

/**
 * The whole run of a case as text: each event with its outcome, its SEAMCALLs and effects, and its lines of dmesg. Events
 * that overlapped are listed together, followed by their turns; each line begins with the number of its event. With
 * `violation`, the result names the line that broke its rule; for a metamorphic rule it shows both runs side by side.
 */
export function describeCase(input: Case, violation?: Violation): Description {
  if (violation === undefined) return describeWorld(runCase(input));
  const other = variantOf(input, violation.invariant);
  if (other !== undefined) return describeTwins(input, runCase(input), other);
  const { world, culprit } = runToCulprit(input, violation.bucket);
  return describeWorld(world, violation, culprit);
}

/** The same for a finished run; `culprit`: the entry of its trace that broke the rule, if known. */
export function describeWorld(world: World, violation?: Violation, culprit: TraceEntry | null = null): Description {
  const lines = runLines(world);
  return {
    lines: lines.map(({ text }) => text),
    broken: violation === undefined ? null : brokenLine(lines, violation, indexOf(world, culprit)),
  };
}

function indexOf({ trace }: World, entry: TraceEntry | null): number {
  return entry === null ? -1 : trace.indexOf(entry);
}

/** The case and its metamorphic variant, side by side. */
function describeTwins(input: Case, world: World, { platform, events, how }: Variant): Description {
  const other = runCase({ ...input, platform, events });
  return describeSideBySide(
    { name: 'the machine of the case', lines: describeWorld(world).lines },
    { name: `the same machine with ${how()}`, lines: describeWorld(other).lines },
  );
}

/** The lines of a run. */
function runLines(world: World): readonly RunLine[] {
  const { records, overlaps } = world;
  const groups = records.map((record) => overlaps.find((turn) => turn.record === record)?.group);
  return records.flatMap((record, index) => {
    const lines = [plain(eventHead(record, index), index)];
    const group = groups[index];
    if (group === undefined) lines.push(...partLines(world, record, record, index, '      '));
    if (record.outcome === 'crashed') lines.push(plain(`      ! ${record.kernel.crash ?? ''}`, index));
    if (group === undefined || groups[index + 1] === group) return lines;
    for (const turn of overlaps) {
      if (turn.group !== group) continue;
      const number = records.indexOf(turn.record);
      lines.push(...partLines(world, turn.record, turn, number, `  ${String(number).padStart(2)}: `));
    }
    return lines;
  });
}

function plain(text: string, record: number): RunLine {
  return { text, record, from: 0, to: 0 };
}

/** Trace and dmesg of a record, or of one turn of it; reads of consecutive fields share a line. */
function partLines(
  world: World,
  { kernel }: EventRecord,
  { from, to, dmesgFrom, dmesgTo }: Pick<EventRecord, 'from' | 'to' | 'dmesgFrom' | 'dmesgTo'>,
  record: number,
  indent: string,
): RunLine[] {
  const singles: { readonly entry: TraceEntry; readonly index: number }[] = [];
  for (let index = from; index < to; index += 1)
    for (const entry of singleReads([world.trace[index] as TraceEntry])) singles.push({ entry, index });
  const entries = singles.map(({ entry }) => entry);
  const lines: RunLine[] = [];
  for (let at = 0; at < singles.length; ) {
    const reads = readsFrom(entries, at);
    const last = singles[at + reads - 1] ?? singles[at];
    const text = `${indent}${describeEntry(entries[at] as TraceEntry, reads)}`;
    lines.push({ text, record, from: singles[at]?.index ?? 0, to: (last?.index ?? 0) + 1 });
    at += reads;
  }
  for (const message of kernel.dmesg.slice(dmesgFrom, dmesgTo))
    lines.push(plain(`${indent}| ${messageText(message)}`, record));
  return lines;
}

/** One effect as a line; `reads`: the number of consecutive fields that the line stands for (default 1). */
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
      return `alloc ${entry.bytes} bytes (${ALLOCATOR[entry.what]}) -> ${entry.address === -1 ? (entry.injected ? 'failed, as the case demands' : 'failed') : formatU64(entry.address)}`;
    case 'free':
      return `free ${formatU64(entry.address)} (${entry.bytes} bytes, ${ALLOCATOR[entry.what]}) while the module is ${entry.phase}`;
    case 'wbinvd':
      return entry.cpu === -1 ? 'WBINVD on all CPUs' : `WBINVD on CPU ${entry.cpu}`;
    case 'reset':
      return `MOVDIR64B [${formatU64(entry.base)}, ${formatU64(entry.base + entry.size)}) while the module is ${entry.phase}`;
  }
}
