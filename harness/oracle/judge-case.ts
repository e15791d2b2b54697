import { highHalf, lowHalf } from '../../model/abi/u64.ts';
import { ALWAYS_AFTER, SOMETIMES_AFTER } from '../../model/invariants/catalogue.ts';
import type { Always, Offence, Sometimes } from '../../model/invariants/invariant.ts';
import { leafName } from '../../model/invariants/look.ts';
import { bootWorld } from '../../model/world/boot.ts';
import { runFrom } from '../../model/world/schedule.ts';
import type { EventRecord, ModulePhase, SeamcallEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { judgeMetamorphic } from './metamorphic.ts';
import { findProfile } from './profile.ts';
import type { Verdict, Violation } from './verdict.ts';

const NONE: readonly never[] = [];

/**
 * Runs a case on the model and checks every invariant after every event. Pure and deterministic.
 *
 * `full` (the default) also runs the metamorphic variants of the case, which costs two or three runs more; a campaign
 * asks for them on a fixed share of its cases.
 */
export function judgeCase(input: Case, full = true): Verdict {
  const { revision, release } = findProfile(input.profile);
  const violations: Violation[] = [];
  const sometimes: string[] = [];
  const edges: number[] = [];
  const world = bootWorld(input.platform, revision, release, true);
  look(world, world.records[0] as EventRecord, -1, violations, sometimes);
  let seamcalls = 0;
  const { events, schedule } = input;
  for (let index = 0; index < events.length; ) {
    const seen = world.records.length;
    const next = runFrom(world, events, index, schedule);
    // A kexec leaves two records: its own and the next kernel's boot. Events that overlapped are looked at when the last
    // of them has ended.
    for (let at = seen; at < world.records.length; at += 1) {
      const record = world.records[at] as EventRecord;
      look(world, record, index + at - seen < next ? index + at - seen : next - 1, violations, sometimes);
      seamcalls += collectEdges(world, record, edges);
    }
    index = next;
  }
  // Another way to describe the machine takes other steps: the same schedule would be another interleaving.
  if (full && (schedule === undefined || schedule.length === 0)) judgeMetamorphic(input, world, violations);
  return { violations, edges: unique(edges), sometimes, seamcalls, complete: isComplete(world) };
}

/** One world after all events of a case, for whoever wants to look at it. */
export function runCase(input: Case): World {
  const { revision, release } = findProfile(input.profile);
  const world = bootWorld(input.platform, revision, release, true);
  for (let index = 0; index < input.events.length; ) index = runFrom(world, input.events, index, input.schedule);
  return world;
}

function look(world: World, record: EventRecord, index: number, violations: Violation[], sometimes: string[]): void {
  const { kind } = record.event;
  for (const rule of ALWAYS_AFTER.get(kind) ?? (NONE as readonly Always[]))
    rule.check(world, record, (offence) => violations.push(violationOf(rule.id, offence, index)));
  for (const rule of SOMETIMES_AFTER.get(kind) ?? (NONE as readonly Sometimes[]))
    if (!sometimes.includes(rule.id) && rule.reached(world, record)) sometimes.push(rule.id);
}

/** The bucket: invariant, leaf, status class and abstract state, as stable text. */
function violationOf(invariant: string, { leaf, status, state, message }: Offence, event: number): Violation {
  let bucket = invariant;
  if (leaf !== null) bucket += `|${leafName(leaf)}|${status}`;
  if (state !== '') bucket += `|${state}`;
  return { invariant, bucket, event: event < 0 ? 0 : event, message };
}

/** READY was reached, or an initialisation failed with a line that says so. */
function isComplete({ records }: World): boolean {
  for (const record of records)
    if (
      record.event.kind === 'enable' &&
      (record.phaseAfter === 'READY' || (record.errno !== 0 && record.dmesgTo > record.dmesgFrom))
    )
      return true;
  return false;
}

const PHASES: readonly ModulePhase[] = [
  'ABSENT',
  'PENDING',
  'SYSINIT_DONE',
  'CONFIG_DONE',
  'READY',
  'SHUTDOWN',
  'DEAD',
];
const STATUSES = ['uninitialised', 'initialised', 'error', 'none', 'shutdown'] as const;
const OUTCOMES = ['done', 'refused', 'ignored', 'crashed'] as const;
const TRAPS = ['none', 'gp', 'ud', 'vmfail'] as const;
const KIND_NUMBER: ReadonlyMap<string, number> = new Map([...ALWAYS_AFTER.keys()].map((kind, index) => [kind, index]));
/** Edges are numbered below this; SEAMCALL edges in the lower half, event edges in the upper. A prime keeps mixing even. */
const EDGES_HALF = 32749;

/** Adds the edges an event passed and answers how many SEAMCALLs it made. */
function collectEdges(world: World, record: EventRecord, edges: number[]): number {
  let calls = 0;
  for (let index = record.from; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind !== 'seamcall') continue;
    calls += entry.calls;
    edges.push(seamcallEdge(entry));
  }
  const outcome =
    ((PHASES.indexOf(record.phaseBefore) * 5 + STATUSES.indexOf(record.statusBefore)) * 32 +
      (KIND_NUMBER.get(record.event.kind) ?? 0)) *
      4 +
    OUTCOMES.indexOf(record.outcome);
  edges.push(EDGES_HALF + ((outcome * 128 - record.errno) % EDGES_HALF));
  return calls;
}

function seamcallEdge({ before, leaf, trap, rax }: SeamcallEntry): number {
  const status = trap === 'none' ? highHalf(rax) % 1048573 : TRAPS.indexOf(trap);
  return (((PHASES.indexOf(before) * 256 + (lowHalf(leaf) % 251)) * 1009 + status) * 7 + 3) % EDGES_HALF;
}

function unique(edges: number[]): number[] {
  edges.sort((a, b) => a - b);
  let kept = 0;
  for (let index = 0; index < edges.length; index += 1)
    if (index === 0 || edges[index] !== edges[index - 1]) edges[kept++] = edges[index] as number;
  edges.length = kept;
  return edges;
}
