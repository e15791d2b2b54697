import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Better, Verdict, Violation } from '../oracle/verdict.ts';
import { stackOf } from '../shrink/probe.ts';
import type { GenerateOptions, Stages } from './stages.ts';

/** The unit of work: cases [from, to) of a seed. The same range always gives the same result, on any machine. */
export interface Range extends GenerateOptions {
  readonly seed: string;
  readonly from: number;
  readonly to: number;
}

/** Result of judging some cases: plain data, whose size does not depend on the number of cases. */
export interface Tally {
  readonly cases: number;
  readonly events: number;
  readonly seamcalls: number;
  readonly complete: number;
  /** Ascending. */
  readonly edges: readonly number[];
  readonly sometimes: readonly string[];
  /** The first case of each bucket, in the order of detection. */
  readonly firsts: readonly FirstHit[];
  /** Number of cases that failed in each bucket, in the order of `firsts`. */
  readonly hits: readonly number[];
  /** Cases in which the implementation did better than the model, in the order of detection. */
  readonly better: readonly BetterHits[];
  /** The case on which generator or judge threw; later cases were not run. */
  readonly crash: { readonly origin: string; readonly stack: string } | null;
}

export interface FirstHit {
  readonly violation: Violation;
  readonly case: Case;
  readonly origin: string;
}

/** Cases in which the implementation did better than its model in the same way. */
export interface BetterHits extends Better {
  readonly cases: number;
  /** Origin of the first one. */
  readonly origin: string;
}

/** A case that was not generated, for example one from the corpus. */
export interface Given {
  readonly origin: string;
  readonly case: Case;
}

/**
 * One case in so many is judged in full, with the checks that compare several runs; selected by index, so that the
 * result is the same for any number of workers.
 */
const FULL_EVERY = 12;
/**
 * So is every case with at least this many memory blocks: TDMRs and reserved areas run out there, so that the outcome
 * may depend on how memory is split.
 */
const FULL_FROM_BLOCKS = 14;

/** True if the case with this index of a seed is judged in full. */
export function isJudgedInFull(index: number, { platform }: Case): boolean {
  return index % FULL_EVERY === 0 || platform.memory.length >= FULL_FROM_BLOCKS;
}

/**
 * Cases are generated in batches of this size before being judged: alternating per case is about 10 % slower, probably
 * because generator and judge do not both fit in the instruction cache.
 */
export const MADE_AHEAD = 64;

/** Cases by position, generated or given. `make` returns the same case for the same position. */
interface Source {
  readonly count: number;
  readonly origin: (position: number) => string;
  readonly make: (position: number) => Case;
  readonly full: (position: number, input: Case) => boolean;
  readonly isStopping: () => boolean;
}

/** Judges a range of generated cases; `isStopping`: no further case is begun once it returns true. */
export function runRange(stages: Stages, range: Range, isStopping: () => boolean = NEVER): Tally {
  const { seed, from, to } = range;
  return tally(stages, {
    count: to - from,
    origin: (position) => `${seed}:${from + position}`,
    make: (position) => stages.generate(seed, from + position, range),
    full: (position, input) => isJudgedInFull(from + position, input),
    isStopping,
  });
}

export function runGiven(stages: Stages, given: readonly Given[], isStopping: () => boolean = NEVER): Tally {
  return tally(stages, {
    count: given.length,
    origin: (position) => (given[position] as Given).origin,
    make: (position) => (given[position] as Given).case,
    full: () => true,
    isStopping,
  });
}

const NEVER = (): boolean => false;

function tally(stages: Stages, source: Source): Tally {
  const passed = new Uint8Array(2 ** 16);
  const edges: number[] = [];
  const sometimes = new Set<string>();
  const buckets = new Map<string, Bucket>();
  const better = new Map<string, BetterHits>();
  let crash: Tally['crash'] = null;
  let [cases, events, seamcalls, complete] = [0, 0, 0, 0];
  let ahead: readonly Case[] = [];
  for (let position = 0; position < source.count && !source.isStopping(); position += 1) {
    const at = position % MADE_AHEAD;
    if (at === 0) ahead = makeAhead(source, position);
    let input: Case;
    let verdict: Verdict;
    try {
      input = ahead[at] ?? source.make(position);
      verdict = stages.judge(input, source.full(position, input), sometimes);
    } catch (error) {
      if (error instanceof UserError) throw error;
      crash = { origin: source.origin(position), stack: stackOf(error) };
      break;
    }
    cases += 1;
    events += input.events.length;
    seamcalls += verdict.seamcalls;
    if (verdict.complete) complete += 1;
    for (const edge of verdict.edges)
      if (passed[edge] === 0) {
        passed[edge] = 1;
        edges.push(edge);
      }
    for (const id of verdict.sometimes) sometimes.add(id);
    if (verdict.violations.length > 0) noteFailures(verdict.violations, input, source, position, buckets);
    if (verdict.better !== undefined) noteBetter(verdict.better, source.origin(position), better);
  }
  const met = [...buckets.values()];
  return {
    ...{ cases, events, seamcalls, complete, firsts: met.map(({ first }) => first), crash },
    edges: edges.sort((a, b) => a - b),
    sometimes: [...sometimes].sort(),
    hits: met.map(({ hits }) => hits),
    better: [...better.values()],
  };
}

/** The next cases from a position; fewer if the generator throws, which it does again when that case is judged. */
function makeAhead({ count, make }: Source, from: number): Case[] {
  const made: Case[] = [];
  const to = Math.min(from + MADE_AHEAD, count);
  try {
    for (let position = from; position < to; position += 1) made.push(make(position));
  } catch {
    // Reported when the case is due, unless an earlier one crashes.
  }
  return made;
}

/** State of a bucket while cases are counted. */
interface Bucket {
  readonly first: FirstHit;
  hits: number;
  /** Position of the last case that failed in it: a case counts once, however often it fails there. */
  last: number;
}

function noteFailures(
  violations: readonly Violation[],
  input: Case,
  source: Source,
  position: number,
  buckets: Map<string, Bucket>,
): void {
  for (const violation of violations) {
    const known = buckets.get(violation.bucket);
    if (known === undefined) {
      const first = { violation, case: input, origin: source.origin(position) };
      buckets.set(violation.bucket, { first, hits: 1, last: position });
    } else if (known.last !== position) {
      known.hits += 1;
      known.last = position;
    }
  }
}

function noteBetter(one: Better, origin: string, better: Map<string, BetterHits>): void {
  const key = JSON.stringify(one);
  const before = better.get(key) ?? { ...one, cases: 0, origin };
  better.set(key, { ...before, cases: before.cases + 1 });
}
