/** At most this many names are suggested if several are equally near. */
const OFFERED = 4;

/**
 * ` (did you mean 'fuzz'?)` if one of the candidates is close to `typed`; ` (did you mean 'a', 'b' or 'c'?)` if `typed` is
 * a part of them, or a misspelt beginning; otherwise ''.
 */
export function didYouMean(typed: string, candidates: readonly string[]): string {
  const names = nearest(typed, [...new Set(candidates)]).map((name) => `'${name}'`);
  const last = names.pop();
  if (last === undefined) return '';
  return ` (did you mean ${names.length === 0 ? last : `${names.join(', ')} or ${last}`}?)`;
}

function nearest(typed: string, candidates: readonly string[]): readonly string[] {
  const text = typed.toLowerCase();
  const [whole] = byDistance(text, candidates, Math.floor(text.length / 3), (candidate) => candidate);
  if (whole !== undefined) return [whole];
  const bare = lettersOf(text);
  if (bare.length < 3) return [];
  const containing = candidates.filter((candidate) => lettersOf(candidate.toLowerCase()).includes(bare));
  if (containing.length > 0) return containing.slice(0, OFFERED);
  return byDistance(bare, candidates, Math.floor(bare.length / 4), (candidate) =>
    lettersOf(candidate).slice(0, bare.length),
  );
}

/** Candidates whose `part` is within `limit` edits (at least 1) of the text: the nearest, or several if equally near. */
function byDistance(
  text: string,
  candidates: readonly string[],
  limit: number,
  part: (candidate: string) => string,
): readonly string[] {
  const distances = candidates.map((candidate) => editDistance(text, part(candidate.toLowerCase())));
  const least = Math.min(...distances);
  if (least > Math.max(1, limit)) return [];
  return candidates.filter((_, index) => distances[index] === least).slice(0, OFFERED);
}

function lettersOf(text: string): string {
  return text.replace(/[^a-z0-9]/g, '');
}

/** Number of insertions, deletions and substitutions between two texts. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
