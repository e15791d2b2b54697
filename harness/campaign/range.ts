import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Better, Verdict, Violation } from '../oracle/verdict.ts';
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
  /** What was done better than by the model, in the order it was met. */
  readonly better: readonly BetterHits[];
  /** The case on which generator or judge broke; nothing after it was run. */
  readonly crash: { readonly origin: string; readonly stack: string } | null;
}

export interface FirstHit {
  readonly violation: Violation;
  readonly case: Case;
  readonly origin: string;
}

/** Cases on which what is judged did better than its model, in the same way. */
export interface BetterHits extends Better {
  readonly cases: number;
  /** Of the first of them. */
  readonly origin: string;
}

/** Cases that came from somewhere else, for example from the corpus. */
export interface Given {
  readonly origin: string;
  readonly case: Case;
}

/** Every so many cases the judge also runs its checks across several runs; by index, so that it is the same on any number of workers. */
const FULL_EVERY = 12;
/** And wherever memory comes in so many blocks: TDMRs and reserved areas run out there, and how memory is cut decides. */
const FULL_FROM_BLOCKS = 14;

/** Is the case with this index of a seed one that is judged in full? */
export function isJudgedInFull(index: number, { platform }: Case): boolean {
  return index % FULL_EVERY === 0 || platform.memory.length >= FULL_FROM_BLOCKS;
}

/**
 * Cases are made so many at a time and judged then: by turns takes a tenth longer, it seems because a core's cache does not
 * hold the code for both.
 */
export const MADE_AHEAD = 64;

/** Cases by position, however they come about. `make` gives the same case whenever it is asked. */
interface Source {
  readonly count: number;
  readonly origin: (position: number) => string;
  readonly make: (position: number) => Case;
  readonly full: (position: number, input: Case) => boolean;
  readonly isStopping: () => boolean;
}

/** `isStopping`: nothing is begun any more once it says so. */
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

/** The next cases from a position; fewer where the generator breaks: it will again when that case's turn comes. */
function makeAhead({ count, make }: Source, from: number): Case[] {
  const made: Case[] = [];
  const to = Math.min(from + MADE_AHEAD, count);
  try {
    for (let position = from; position < to; position += 1) made.push(make(position));
  } catch {
    // Told of in its turn, if the cases before it are judged without trouble.
  }
  return made;
}

/** What is known of a bucket while cases are counted. */
interface Bucket {
  readonly first: FirstHit;
  hits: number;
  /** Position of the case that hit it last: a case counts once, however often it fails there. */
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
