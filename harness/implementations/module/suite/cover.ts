/** Something that may be chosen: what it reaches, and what it costs to have. */
export interface Candidate<T> {
  readonly item: T;
  readonly keys: readonly string[];
  readonly cost: number;
}

/** A chosen item with the keys that only it brought. */
export interface Chosen<T> {
  readonly item: T;
  readonly brought: readonly string[];
}

/**
 * A small set of candidates that reaches every key some candidate reaches: the one that brings most first (cheapest,
 * then earliest, among equals), and at the end every one dropped that the others make superfluous. No single removal
 * is possible from the result.
 */
export function chooseCover<T>(candidates: readonly Candidate<T>[]): Chosen<T>[] {
  const missing = new Set(candidates.flatMap(({ keys }) => keys));
  const chosen: Candidate<T>[] = [];
  while (missing.size !== 0) {
    let best: Candidate<T> | undefined;
    let bestCount = 0;
    for (const candidate of candidates) {
      let count = 0;
      for (const key of candidate.keys) if (missing.has(key)) count += 1;
      if (
        count > bestCount ||
        (count === bestCount && best !== undefined && count !== 0 && candidate.cost < best.cost)
      ) {
        best = candidate;
        bestCount = count;
      }
    }
    if (best === undefined) break;
    chosen.push(best);
    for (const key of best.keys) missing.delete(key);
  }
  return named(prune(chosen));
}

/** Drops, dearest first, what the rest reaches anyway. */
function prune<T>(chosen: readonly Candidate<T>[]): Candidate<T>[] {
  const times = new Map<string, number>();
  for (const { keys } of chosen) for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
  const kept = new Set(chosen);
  for (const candidate of [...chosen].sort((a, b) => b.cost - a.cost)) {
    if (candidate.keys.some((key) => times.get(key) === 1)) continue;
    kept.delete(candidate);
    for (const key of candidate.keys) times.set(key, (times.get(key) ?? 0) - 1);
  }
  return chosen.filter((candidate) => kept.has(candidate));
}

function named<T>(chosen: readonly Candidate<T>[]): Chosen<T>[] {
  const seen = new Set<string>();
  return chosen.map(({ item, keys }) => {
    const brought = keys.filter((key) => !seen.has(key));
    for (const key of keys) seen.add(key);
    return { item, brought };
  });
}
