/** Number of cases of all shards together, or seconds. */
export type Budget = { readonly runs: number } | { readonly time: number };

/** 1-based: shard 2/3 runs every third range, beginning with the second. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/** Cases in a range: long enough (about 25 ms) to make the cost of messages negligible, short enough to stop at once. */
export const RANGE_SIZE = 512;

/** Shares of a time budget after which no range starts: with findings to shrink, and without. */
const RANGES_SHARE = 0.9;
const IDLE_RANGES_SHARE = 0.97;

/** Range `n` of this shard, of `size` cases; `undefined` if none is left. A time budget always has another one. */
export function nthRange(
  budget: Budget,
  shard: Shard,
  n: number,
  size = RANGE_SIZE,
): { readonly from: number; readonly to: number } | undefined {
  const from = (n * shard.count + shard.index - 1) * size;
  if ('time' in budget) return { from, to: from + size };
  return from < budget.runs ? { from, to: Math.min(from + size, budget.runs) } : undefined;
}

/** Clock readings, milliseconds. */
export interface Deadlines {
  /** No range starts after this if findings wait to be shrunk ... */
  readonly ranges: number;
  /** ... or after this in any case. */
  readonly idleRanges: number;
  readonly shrinking: number;
}

/** `null`: a budget of cases has no deadline. */
export function deadlines(budget: Budget, start: number): Deadlines | null {
  if ('runs' in budget) return null;
  const milliseconds = budget.time * 1000;
  return {
    ranges: start + milliseconds * RANGES_SHARE,
    idleRanges: start + milliseconds * IDLE_RANGES_SHARE,
    shrinking: start + milliseconds,
  };
}
