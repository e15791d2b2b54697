import { type Case, encodeCaseLine } from '../case.ts';

/** A case of a corpus; `path` only orders cases of equal size. */
export interface CorpusCase {
  readonly path: string;
  readonly case: Case;
}

/**
 * The redundant cases: those that are not in a subset that reaches all edges. The subset is chosen greedily: the case
 * that adds most edges first; among equals, the shorter. Independent of the order of `files`; applied to the subset, it
 * returns nothing.
 */
export function minimiseCorpus<T extends CorpusCase>(
  files: readonly T[],
  edgesOf: (input: Case) => readonly number[],
): readonly T[] {
  const left = files.map((file) => ({
    file,
    edges: new Set(edgesOf(file.case)),
    size: encodeCaseLine(file.case).length,
  }));
  left.sort((a, b) => a.size - b.size || (a.file.path < b.file.path ? -1 : 1));
  const reached = new Set<number>();
  for (;;) {
    let best = -1;
    let most = 0;
    for (const [index, { edges }] of left.entries()) {
      let gain = 0;
      for (const edge of edges) if (!reached.has(edge)) gain += 1;
      if (gain <= most) continue;
      most = gain;
      best = index;
    }
    if (best < 0) return left.map(({ file }) => file);
    for (const { edges } of left.splice(best, 1)) for (const edge of edges) reached.add(edge);
  }
}
