import { questionsAfter } from '../../model/invariants/catalogue.ts';
import { factsOf } from '../../model/invariants/facts.ts';
import type { Offence } from '../../model/invariants/invariant.ts';
import { leafName } from '../../model/invariants/look.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { bootWorld } from '../../model/world/boot.ts';
import type { Event } from '../../model/world/event.ts';
import { runFrom } from '../../model/world/schedule.ts';
import type { EventRecord, TraceEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import type { Case } from '../case.ts';
import { judgeMetamorphic } from './metamorphic.ts';
import { beginEdges, collectEdges } from './edges.ts';
import { findProfile } from '../profile.ts';
import type { Verdict, Violation } from './verdict.ts';

/**
 * Runs a case on the model and checks every invariant after every event. Pure and deterministic.
 *
 * `full` (the default) also runs the metamorphic variants of the case, which costs two or three more runs; a campaign
 * requests them for a fixed share of its cases. `seen`: ids of `sometimes` that need not be checked any more.
 */
export function judgeCase(input: Case, full = true, seen: ReadonlySet<string> = NOTHING): Verdict {
  const { revision, release } = findProfile(input.profile);
  const world = bootWorld(input.platform, revision, release, true);
  const { events, schedule } = input;
  const verdict = judgeWorld(world, events, (events, index) => runFrom(world, events, index, schedule), seen);
  // A variant of the machine takes different steps, so the same schedule would be a different interleaving.
  if (full && (schedule === undefined || schedule.length === 0)) judgeMetamorphic(input, world, verdict.violations);
  return verdict;
}

const NOTHING: ReadonlySet<string> = new Set();

/** A verdict under construction. */
export interface OpenVerdict extends Verdict {
  readonly violations: Violation[];
  readonly edges: number[];
  readonly sometimes: string[];
  seamcalls: number;
  complete: boolean;
}

/** Runs event `index` and all events that overlap it; returns the index of the first event that has not begun. */
type Advance = (events: readonly Event[], index: number) => number;

/** Called for every offence when it is reported, with the world in the state of that moment. */
export type Observe = (bucket: string, offence: Offence) => void;

/** Runs the events of a case on a freshly booted world and checks every invariant after each event. */
export function judgeWorld(
  world: World,
  events: readonly Event[],
  advance: Advance,
  seen: ReadonlySet<string> = NOTHING,
  observe?: Observe,
): OpenVerdict {
  const verdict: OpenVerdict = { violations: [], edges: [], sometimes: [], seamcalls: 0, complete: false };
  const { records } = world;
  beginEdges();
  look(world, records[0] as EventRecord, 0, verdict, seen, observe);
  for (let index = 0; index < events.length; ) {
    const first = records.length;
    const next = advance(events, index);
    // A kexec makes two records: its own and the next kernel's boot. Events that overlapped are checked when the last of
    // them has ended.
    for (let at = first; at < records.length; at += 1) {
      const record = records[at] as EventRecord;
      const event = index + at - first < next ? index + at - first : next - 1;
      look(world, record, event, verdict, seen, observe);
      verdict.seamcalls += collectEdges(world, record, verdict.edges);
    }
    index = next;
  }
  verdict.complete = isComplete(world);
  return verdict;
}

/**
 * The world after all events of a case, and the trace entry that caused the first violation in `bucket`; `null` if the
 * rule names none or the run does not break it.
 */
export function runToCulprit(
  input: Case,
  bucket: string,
): { readonly world: World; readonly culprit: TraceEntry | null } {
  const { revision, release } = findProfile(input.profile);
  const world = bootWorld(input.platform, revision, release, true);
  let culprit: TraceEntry | null = null;
  const advance: Advance = (events, index) => runFrom(world, events, index, input.schedule);
  judgeWorld(world, input.events, advance, NOTHING, (found, { entry }) => {
    if (found === bucket) culprit ??= entry;
  });
  return { world, culprit };
}

/** The world after all events of a case; `adapt`: replaces the kernel that the case's profile names. */
export function runCase(input: Case, adapt: (revision: Revision) => Revision = (revision) => revision): World {
  const { revision, release } = findProfile(input.profile);
  const world = bootWorld(input.platform, adapt(revision), release, true);
  for (let index = 0; index < input.events.length; ) index = runFrom(world, input.events, index, input.schedule);
  return world;
}

/** Checks every rule that may apply to a record; `index`: the event of the case that the record belongs to. */
function look(
  world: World,
  record: EventRecord,
  index: number,
  { violations, sometimes }: OpenVerdict,
  seen: ReadonlySet<string>,
  observe: Observe | undefined,
): void {
  const questions = questionsAfter(record.kind, factsOf(world, record));
  for (const { id, check } of questions.always) {
    check(world, record, report);
    if (reported.length === 0) continue;
    for (const offence of reported) {
      const bucket = knownBucketOf(id, offence);
      violations.push({ invariant: id, bucket, event: index, message: offence.message });
      observe?.(bucket, offence);
    }
    reported = [];
  }
  for (const { id, reached } of questions.sometimes)
    if (!seen.has(id) && !sometimes.includes(id) && reached(world, record)) sometimes.push(id);
}

// Offences of the rule being checked. One list and one function for all rules, instead of a pair per rule and event.
let reported: Offence[] = [];
const report = (offence: Offence): void => {
  reported.push(offence);
};

/** The bucket: invariant, leaf, status class and abstract state, as stable text. */
function bucketOf(invariant: string, { leaf, status, state }: Offence): string {
  let bucket = invariant;
  if (leaf !== null) bucket += `|${leafName(leaf)}|${status}`;
  if (state !== '') bucket += `|${state}`;
  return bucket;
}

interface KnownBucket {
  readonly leaf: Offence['leaf'];
  readonly status: string;
  readonly state: string;
  readonly bucket: string;
}

/** Buckets by invariant. A campaign on a flawed kernel finds a few dozen buckets, two of them in every case. */
const KNOWN_BUCKETS = new Map<string, KnownBucket[]>();

/** `bucketOf`, interned: equal buckets are the same string, so that counting by bucket need not compare the text. */
function knownBucketOf(invariant: string, offence: Offence): string {
  const { leaf, status, state } = offence;
  let known = KNOWN_BUCKETS.get(invariant);
  if (known === undefined) {
    known = [];
    KNOWN_BUCKETS.set(invariant, known);
  }
  for (const one of known) if (one.leaf === leaf && one.status === status && one.state === state) return one.bucket;
  const bucket = bucketOf(invariant, offence);
  known.push({ leaf, status, state, bucket });
  return bucket;
}

/** True if READY was reached, or if an initialisation failed and printed a line. */
function isComplete({ records }: World): boolean {
  for (const record of records)
    if (
      record.kind === 'enable' &&
      (record.phaseAfter === 'READY' || (record.errno !== 0 && record.dmesgTo > record.dmesgFrom))
    )
      return true;
  return false;
}
