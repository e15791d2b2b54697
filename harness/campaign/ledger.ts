import type { Case } from '../case.ts';
import type { KnownDeviation } from '../store/known.ts';
import type { BetterHits, FirstHit, Tally } from './range.ts';
import type { Totals } from './record.ts';
import type { Recheck, Shown, Shrunk } from './task.ts';

/**
 * Results of a campaign so far. Tallies are entered in the order of their cases, so that the ledger is the same for any
 * number of workers.
 */
export interface Ledger {
  readonly totals: { -readonly [K in keyof Totals]: number };
  readonly edges: Set<number>;
  readonly sometimes: Set<string>;
  /** By bucket, in the order of detection. */
  readonly findings: Map<string, Finding>;
  readonly known: ReadonlyMap<string, KnownState>;
  /** Differences from the model that come with satisfying an invariant the model violates, by bucket. */
  readonly explained: Map<string, Explained>;
  /** Findings that a later case explained. */
  readonly dismissed: Finding[];
  crash: { readonly origin: string; readonly stack: string } | null;
}

export interface Finding {
  readonly first: FirstHit;
  hits: number;
  /** Result of shrinking; `undefined` before that, or if there was no time. */
  shrunk?: Shrunk;
  /** The first case as text, for a finding that was not shrunk. */
  shown?: Shown;
  /** Path of the case's file. */
  file: string;
}

export interface Explained {
  /** Buckets in which only the model failed, in cases with this difference. */
  readonly kept: Set<string>;
  /** Number of those cases. */
  cases: number;
  /** Do not report it in other cases either. */
  excuses: boolean;
  /** Cases with this difference in which the model failed in no additional bucket. */
  hits: number;
}

export interface KnownState {
  readonly deviation: KnownDeviation;
  reproduced: boolean;
  minimal: boolean;
  origin: string | null;
  hits: number;
  /** Cases in which the model fails in this bucket and the implementation does not. */
  better: number;
  betterOrigin: string | null;
}

export function openLedger(known: ReadonlyMap<string, KnownDeviation>): Ledger {
  return {
    totals: { cases: 0, events: 0, seamcalls: 0, complete: 0 },
    edges: new Set(),
    sometimes: new Set(),
    findings: new Map(),
    known: new Map(
      [...known].map(([bucket, deviation]) => [
        bucket,
        { deviation, reproduced: false, minimal: false, origin: null, hits: 0, better: 0, betterOrigin: null },
      ]),
    ),
    explained: new Map(),
    dismissed: [],
    crash: null,
  };
}

/** Enters a tally and returns the new findings; the caller sets their `file`. */
export function enter(ledger: Ledger, tally: Tally): readonly Finding[] {
  const { totals } = ledger;
  totals.cases += tally.cases;
  totals.events += tally.events;
  totals.seamcalls += tally.seamcalls;
  totals.complete += tally.complete;
  for (const edge of tally.edges) ledger.edges.add(edge);
  for (const id of tally.sometimes) ledger.sometimes.add(id);
  ledger.crash ??= tally.crash;
  for (const hits of tally.better) enterBetter(ledger, hits);
  return tally.firsts.flatMap((first, index) => enterHits(ledger, first, tally.hits[index] ?? 0));
}

/** Enters the failures in other buckets found while shrinking `parent`; returns the new findings. */
export function enterSlips(ledger: Ledger, parent: Finding): readonly Finding[] {
  const origin = `shrinking ${parent.first.origin.replace(/^shrinking /, '')}`;
  return (parent.shrunk?.slipped ?? []).flatMap((slip) => enterHits(ledger, { ...slip, origin }, 0));
}

/** Enters the result of rechecking a known deviation's own case; returns the new findings. */
export function enterRecheck(ledger: Ledger, bucket: string, found: Recheck | null, input: Case): readonly Finding[] {
  const state = ledger.known.get(bucket);
  if (state === undefined) return [];
  const origin = state.deviation.path;
  if (found === null) {
    ledger.crash ??= { origin, stack: `the judge threw on ${origin}` };
    return [];
  }
  state.reproduced = found.violations.some((one) => one.bucket === bucket);
  state.minimal = found.minimal;
  if (found.better !== undefined) enterBetter(ledger, { ...found.better, cases: 1, origin });
  return found.violations
    .filter((one) => !ledger.known.has(one.bucket))
    .flatMap((violation) => enterHits(ledger, { violation, case: input, origin }, 0));
}

function enterHits(ledger: Ledger, first: FirstHit, hits: number): readonly Finding[] {
  const { bucket } = first.violation;
  const state = ledger.known.get(bucket);
  if (state !== undefined) {
    state.hits += hits;
    state.origin ??= first.origin;
    return [];
  }
  const explained = ledger.explained.get(bucket);
  if (explained?.excuses === true) {
    explained.hits += hits;
    return [];
  }
  const before = ledger.findings.get(bucket);
  if (before !== undefined) {
    before.hits += hits;
    return [];
  }
  const finding: Finding = { first, hits, file: '' };
  ledger.findings.set(bucket, finding);
  return [finding];
}

function enterBetter(
  { known, explained, findings, dismissed }: Ledger,
  { kept, difference, excuses, cases, origin }: BetterHits,
): void {
  for (const bucket of kept) {
    const state = known.get(bucket);
    if (state === undefined) continue;
    state.better += cases;
    state.betterOrigin ??= origin;
  }
  const by = explained.get(difference) ?? { kept: new Set(), cases: 0, excuses: false, hits: 0 };
  explained.set(difference, by);
  for (const bucket of kept) by.kept.add(bucket);
  by.cases += cases;
  if (!excuses) return;
  by.excuses = true;
  const finding = findings.get(difference);
  if (finding === undefined) return;
  findings.delete(difference);
  dismissed.push(finding);
  by.hits += finding.hits;
}
