import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Judge } from '../oracle/judge.ts';
import type { Verdict, Violation } from '../oracle/verdict.ts';

/** State of a search; it advances by offering candidates. */
export interface Probe {
  /** The smallest case so far that fails in the bucket. */
  readonly current: () => Case;
  /** Its violation. */
  readonly violation: () => Violation;
  /** Accepts the candidate if it fails in the bucket. Rejects `undefined` and cases tried before at no cost. */
  readonly offer: (candidate: Case | undefined) => boolean;
  /** Whether the candidate fails in the bucket; `undefined` if the budget is spent. */
  readonly keeps: (candidate: Case) => boolean | undefined;
  readonly spent: () => boolean;
  readonly evaluations: () => number;
  /** First case of every other bucket found during the search. */
  readonly slipped: ReadonlyMap<string, Slip>;
  /** The first candidate on which the judge itself threw. */
  readonly crash: () => Crash | undefined;
}

/** A candidate that fails in another bucket than the case being shrunk. */
export interface Slip {
  readonly case: Case;
  readonly violation: Violation;
}

export interface Crash {
  readonly case: Case;
  readonly stack: string;
}

export interface ShrinkLimits {
  /** Maximum sum of the verdicts' costs (1 each, usually). This bound makes the result the same on every machine. */
  readonly evaluations: number;
  /** Additional guard against a slow judge; results that it cuts short are not reproducible. */
  readonly outOfTime?: () => boolean;
}

const SLIPPED_MAX = 64;

/** State behind a `Probe`. */
interface Search {
  readonly bucket: string;
  readonly judge: Judge;
  readonly limits: ShrinkLimits;
  /** True if a light judgement misses the failure, so that every candidate is judged in full. */
  readonly full: boolean;
  current: Case;
  violation: Violation;
  evaluations: number;
  cost: number;
  crash: Crash | undefined;
  /** Whether a candidate fails in the bucket. Also terminates the passes: a tried case is not accepted again. */
  readonly tried: Map<string, boolean>;
  /** Buckets in which the first case of the search fails. */
  readonly buckets: ReadonlySet<string>;
  readonly slipped: Map<string, Slip>;
}

/** Starts a search; `undefined` if the case does not fail in this bucket. */
export function startProbe(input: Case, bucket: string, judge: Judge, limits: ShrinkLimits): Probe | undefined {
  const light = judge(input, false);
  const inLight = light.violations.find((one) => one.bucket === bucket);
  const full = inLight === undefined;
  const first = full ? judge(input, true) : light;
  const violation = inLight ?? first.violations.find((one) => one.bucket === bucket);
  if (violation === undefined) return undefined;
  const search: Search = {
    bucket,
    judge,
    limits,
    full,
    current: input,
    violation,
    evaluations: full ? 2 : 1,
    cost: costOf(light) + (full ? costOf(first) : 0),
    crash: undefined,
    tried: new Map([[keyOf(input), true]]),
    buckets: new Set(first.violations.map((one) => one.bucket)),
    slipped: new Map(),
  };
  return {
    current: () => search.current,
    violation: () => search.violation,
    offer: (candidate) => candidate !== undefined && offer(search, candidate),
    keeps: (candidate) => keeps(search, candidate),
    spent: () => isSpent(search),
    evaluations: () => search.evaluations,
    slipped: search.slipped,
    crash: () => search.crash,
  };
}

function offer(search: Search, candidate: Case): boolean {
  if (isSpent(search)) return false;
  const key = keyOf(candidate);
  if (search.tried.has(key)) return false;
  const kept = evaluate(search, candidate);
  search.tried.set(key, kept !== undefined);
  if (kept === undefined) return false;
  search.current = candidate;
  search.violation = kept;
  return true;
}

function keeps(search: Search, candidate: Case): boolean | undefined {
  const key = keyOf(candidate);
  const before = search.tried.get(key);
  if (before !== undefined) return before;
  if (isSpent(search)) return undefined;
  const kept = evaluate(search, candidate) !== undefined;
  search.tried.set(key, kept);
  return kept;
}

function isSpent({ cost, limits }: Search): boolean {
  return cost >= limits.evaluations || limits.outOfTime?.() === true;
}

/** Judges a candidate; returns its violation in the bucket, `undefined` if it has none. */
function evaluate(search: Search, candidate: Case): Violation | undefined {
  const { bucket, buckets, slipped } = search;
  search.evaluations += 1;
  const found = attempt(search, candidate);
  for (const one of found) {
    if (buckets.has(one.bucket) || slipped.has(one.bucket) || slipped.size >= SLIPPED_MAX) continue;
    slipped.set(one.bucket, { case: candidate, violation: one });
  }
  return found.find((one) => one.bucket === bucket);
}

function attempt(search: Search, candidate: Case): readonly Violation[] {
  try {
    const verdict = search.judge(candidate, search.full);
    search.cost += costOf(verdict);
    return verdict.violations;
  } catch (error) {
    if (error instanceof UserError) throw error;
    search.cost += 1;
    search.crash ??= { case: candidate, stack: stackOf(error) };
    return [];
  }
}

function costOf(verdict: Verdict): number {
  return verdict.cost ?? 1;
}

/** `stack` of a thrown value, else the value as text. */
export function stackOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : String(error);
}

/** Equal keys mean equal cases; equal cases with unequal keys cost at most an additional evaluation. */
function keyOf({ platform, events, schedule }: Case): string {
  return JSON.stringify([platform, events, schedule], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}
