import type { Case } from '../case.ts';
import { UserError } from '../cli/exit.ts';
import type { Verdict, Violation } from '../oracle/verdict.ts';
import { stackOf } from '../shrink/probe.ts';
import type { GenerateOptions, Stages } from './stages.ts';

/** The unit of work: cases [from, to) of a seed. The same range gives the same result wherever and whenever it runs. */
export interface Range extends GenerateOptions {
  readonly seed: string;
  readonly from: number;
  readonly to: number;
}

/** What judging some cases came to; plain data, small however many cases there were. */
export interface Tally {
  readonly cases: number;
  readonly events: number;
  readonly seamcalls: number;
  readonly complete: number;
  /** Ascending. */
  readonly edges: readonly number[];
  readonly sometimes: readonly string[];
  /** The first case of each bucket, in the order they were met. */
  readonly firsts: readonly FirstHit[];
  /** Cases that failed in a bucket, in the order of `firsts`. */
  readonly hits: readonly number[];
  /** The case on which generator or judge broke; nothing after it was run. */
  readonly crash: { readonly origin: string; readonly stack: string } | null;
}

export interface FirstHit {
  readonly violation: Violation;
  readonly case: Case;
  readonly origin: string;
}

/** Cases that came from somewhere else, for example from the corpus. */
export interface Given {
  readonly origin: string;
  readonly case: Case;
}

/** Every so many cases the judge also runs its checks across several runs; by index, so that it is the same on any number of workers. */
const FULL_EVERY = 8;

export function runRange(stages: Stages, range: Range): Tally {
  const { seed, from, to } = range;
  return tally(stages, to - from, (position) => ({
    origin: `${seed}:${from + position}`,
    make: () => stages.generate(seed, from + position, range),
    full: (from + position) % FULL_EVERY === 0,
  }));
}

export function runGiven(stages: Stages, given: readonly Given[]): Tally {
  return tally(stages, given.length, (position) => {
    const one = given[position] as Given;
    return { origin: one.origin, make: () => one.case, full: true };
  });
}

function tally(
  stages: Stages,
  count: number,
  at: (position: number) => { origin: string; make: () => Case; full: boolean },
): Tally {
  const edges = new Set<number>();
  const sometimes = new Set<string>();
  const hits = new Map<string, number>();
  const firsts: FirstHit[] = [];
  let crash: Tally['crash'] = null;
  let [cases, events, seamcalls, complete] = [0, 0, 0, 0];
  for (let position = 0; position < count; position++) {
    const { origin, make, full } = at(position);
    let input: Case;
    let verdict: Verdict;
    try {
      input = make();
      verdict = stages.judge(input, full, sometimes);
    } catch (error) {
      if (error instanceof UserError) throw error;
      crash = { origin, stack: stackOf(error) };
      break;
    }
    cases += 1;
    events += input.events.length;
    seamcalls += verdict.seamcalls;
    if (verdict.complete) complete += 1;
    for (const edge of verdict.edges) edges.add(edge);
    for (const id of verdict.sometimes) sometimes.add(id);
    if (verdict.violations.length > 0) noteFailures(verdict.violations, input, origin, hits, firsts);
  }
  return {
    ...{ cases, events, seamcalls, complete, firsts, crash },
    edges: [...edges].sort((a, b) => a - b),
    sometimes: [...sometimes].sort(),
    hits: firsts.map(({ violation }) => hits.get(violation.bucket) ?? 0),
  };
}

/** A case counts once for a bucket, however often it fails there. */
function noteFailures(
  violations: readonly Violation[],
  input: Case,
  origin: string,
  hits: Map<string, number>,
  firsts: FirstHit[],
): void {
  for (let index = 0; index < violations.length; index += 1) {
    const violation = violations[index] as Violation;
    const { bucket } = violation;
    if (isEarlier(violations, index, bucket)) continue;
    const before = hits.get(bucket) ?? 0;
    hits.set(bucket, before + 1);
    if (before === 0) firsts.push({ violation, case: input, origin });
  }
}

function isEarlier(violations: readonly Violation[], end: number, bucket: string): boolean {
  for (let index = 0; index < end; index += 1) if (violations[index]?.bucket === bucket) return true;
  return false;
}
