import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Judge } from '../oracle/judge.ts';
import type { Verdict, Violation } from '../oracle/verdict.ts';

/** The search so far, and the one way to go on: offer a candidate. */
export interface Probe {
  /** The smallest case that keeps the bucket so far. */
  readonly current: () => Case;
  /** Its violation. */
  readonly violation: () => Violation;
  /** Takes the candidate if it keeps the bucket. `undefined` and cases tried before cost nothing and are not taken. */
  readonly offer: (candidate: Case | undefined) => boolean;
  /** Does the candidate keep the bucket? `undefined`: nobody can tell any more (the budget is spent). */
  readonly keeps: (candidate: Case) => boolean | undefined;
  readonly spent: () => boolean;
  readonly evaluations: () => number;
  /** First case of every other bucket met on the way. */
  readonly slipped: ReadonlyMap<string, Slip>;
  /** The first candidate on which the judge itself broke. */
  readonly crash: () => Crash | undefined;
}

/** A candidate that fails otherwise than the case being shrunk. */
export interface Slip {
  readonly case: Case;
  readonly violation: Violation;
}

export interface Crash {
  readonly case: Case;
  readonly stack: string;
}

export interface ShrinkLimits {
  /** Cases judged at most, each as many as its verdict cost: what makes the result the same on every machine. */
  readonly evaluations: number;
  /** Outer guard against a slow judge; results that it cuts short are not reproducible. */
  readonly outOfTime?: () => boolean;
}

const SLIPPED_MAX = 64;

/** `undefined`: the case does not fail in this bucket at all. */
export function startProbe(input: Case, bucket: string, judge: Judge, limits: ShrinkLimits): Probe | undefined {
  const light = judge(input, false);
  const inLight = light.violations.find((one) => one.bucket === bucket);
  // Only a failure that takes further runs of the same case to see is worth those runs on every candidate.
  const full = inLight === undefined;
  const first = full ? judge(input, true) : light;
  const violation = inLight ?? first.violations.find((one) => one.bucket === bucket);
  if (violation === undefined) return undefined;

  let current = input;
  let currentViolation = violation;
  let evaluations = full ? 2 : 1;
  let cost = costOf(light) + (full ? costOf(first) : 0);
  let crash: Crash | undefined;
  // Also what makes the passes end: a case once current can never be offered again.
  const tried = new Map<string, boolean>([[keyOf(input), true]]);
  const buckets = new Set(first.violations.map((one) => one.bucket));
  const slipped = new Map<string, Slip>();
  const spent = (): boolean => cost >= limits.evaluations || limits.outOfTime?.() === true;

  const evaluate = (candidate: Case): Violation | undefined => {
    evaluations += 1;
    const found = attempt(candidate);
    for (const one of found) {
      if (buckets.has(one.bucket) || slipped.has(one.bucket) || slipped.size >= SLIPPED_MAX) continue;
      slipped.set(one.bucket, { case: candidate, violation: one });
    }
    return found.find((one) => one.bucket === bucket);
  };
  const attempt = (candidate: Case): readonly Violation[] => {
    try {
      const verdict = judge(candidate, full);
      cost += costOf(verdict);
      return verdict.violations;
    } catch (error) {
      if (error instanceof UserError) throw error;
      cost += 1;
      crash ??= { case: candidate, stack: stackOf(error) };
      return [];
    }
  };

  return {
    current: () => current,
    violation: () => currentViolation,
    offer(candidate) {
      if (candidate === undefined || spent()) return false;
      const key = keyOf(candidate);
      if (tried.has(key)) return false;
      const kept = evaluate(candidate);
      tried.set(key, kept !== undefined);
      if (kept === undefined) return false;
      current = candidate;
      currentViolation = kept;
      return true;
    },
    keeps(candidate) {
      const key = keyOf(candidate);
      const before = tried.get(key);
      if (before !== undefined) return before;
      if (spent()) return undefined;
      const kept = evaluate(candidate) !== undefined;
      tried.set(key, kept);
      return kept;
    },
    spent,
    evaluations: () => evaluations,
    slipped,
    crash: () => crash,
  };
}

function costOf(verdict: Verdict): number {
  return verdict.cost ?? 1;
}

/** `stack` of whatever was thrown. */
export function stackOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'stack' in error ? String(error.stack) : String(error);
}

/** Equal text, equal case; unequal text costs one evaluation too many at worst. */
function keyOf({ platform, events, schedule }: Case): string {
  return JSON.stringify([platform, events, schedule], (_key, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  );
}
