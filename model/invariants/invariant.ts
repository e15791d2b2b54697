import type { U64 } from '../abi/u64.ts';
import type { Revision } from '../kernel/revision.ts';
import type { EventRecord, TraceEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Fact } from './facts.ts';
import type { Severity } from './severity.ts';

/**
 * What must always hold. Invariants read the world and write nothing. Each states in a sentence what it requires, and
 * where the requirement comes from, and reports every offence.
 */
export interface Always {
  readonly holds: 'always';
  /** `family/what-it-says`: stable, because buckets and known deviations are named after it. */
  readonly id: string;
  readonly statement: string;
  /** Mail, specification section, kernel function or recording, in a form of harness/testing/citation.ts. */
  readonly source: string;
  /** What breaking it costs, unless the flaw that the bucket shows is known to cost something else. */
  readonly severity: Severity;
  /** After which events it is checked; `all`: after boot too. */
  readonly after: readonly EventKind[] | 'all';
  /** Facts without which the rule cannot apply: it is not run after events that lack one. Missing: it always runs. */
  readonly needs?: readonly Fact[];
  readonly check: (world: World, record: EventRecord, report: Report) => void;
}

/** What a campaign must have reached, as otherwise an `always` could hold because nothing happened. */
export interface Sometimes {
  readonly holds: 'sometimes';
  readonly id: string;
  readonly statement: string;
  readonly source: string;
  readonly after: readonly EventKind[] | 'all';
  /** As for `Always`. */
  readonly needs?: readonly Fact[];
  /** Cases within which a campaign in its default mood must have reached it at least once. */
  readonly budget: number;
  /** Kernel revisions for which it can be reached at all; missing: every one. */
  readonly appliesTo?: (revision: Revision) => boolean;
  readonly reached: (world: World, record: EventRecord) => boolean;
}

export type EventKind = EventRecord['event']['kind'];

export type Report = (offence: Offence) => void;

export interface Offence {
  /** Leaf number and status (or trap) of the SEAMCALL that caused it; `null` and `''` if there is none. */
  readonly leaf: U64 | null;
  readonly status: string;
  /** The abstract state before, as far as it separates causes; part of the bucket. */
  readonly state: string;
  /** The offence in a sentence, with the numbers of this case. */
  readonly message: string;
  /** The entry of the trace that broke the rule; `null`: the event as a whole did. */
  readonly entry: TraceEntry | null;
}
