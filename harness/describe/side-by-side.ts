import type { Description } from '../oracle/judge.ts';

/** One of the two runs: its name in the output and its lines from `describeWorld`. */
export interface Side {
  readonly name: string;
  readonly lines: readonly string[];
}

type Mark = '-' | '+' | ' ';

interface Row {
  readonly mark: Mark;
  readonly text: string;
}

/** Equal lines at most this far from a difference are shown; so is the head of every event. */
const CONTEXT = 2;
/** Up to this product of lengths lines are matched one by one; longer runs differ entirely between their common ends. */
const CELLS_MAX = 4_000_000;

/** Two runs of one case as one text: `-` marks lines of the first only, `+` of the second only. Equal lines are
 * shortened; the first difference is the broken line. */
export function describeSideBySide(first: Side, second: Side): Description {
  const rows = align(first.lines, second.lines);
  const shown = rows.map(({ mark, text }, index) => mark !== ' ' || isHead(text) || isNearDifference(rows, index));
  const lines = [`- ${first.name}`, `+ ${second.name}`];
  let broken: number | null = null;
  for (let index = 0; index < rows.length; index += 1) {
    const { mark, text } = rows[index] as Row;
    if (shown[index] === true) {
      if (mark !== ' ') broken ??= lines.length;
      lines.push(`${mark} ${text}`);
      continue;
    }
    let end = index;
    while (end < rows.length && shown[end] !== true) end += 1;
    // A single line takes no more space than the note that replaces it.
    lines.push(end - index === 1 ? `  ${text}` : `        ... ${end - index} lines the same`);
    index = end - 1;
  }
  return { lines, broken };
}

function isHead(text: string): boolean {
  return !text.startsWith('      ');
}

function isNearDifference(rows: readonly Row[], index: number): boolean {
  return rows.slice(Math.max(0, index - CONTEXT), index + CONTEXT + 1).some(({ mark }) => mark !== ' ');
}

function align(first: readonly string[], second: readonly string[]): readonly Row[] {
  let start = 0;
  while (start < first.length && start < second.length && first[start] === second[start]) start += 1;
  let [firstEnd, secondEnd] = [first.length, second.length];
  while (firstEnd > start && secondEnd > start && first[firstEnd - 1] === second[secondEnd - 1]) {
    firstEnd -= 1;
    secondEnd -= 1;
  }
  return [
    ...first.slice(0, start).map(same),
    ...match(first.slice(start, firstEnd), second.slice(start, secondEnd)),
    ...first.slice(firstEnd).map(same),
  ];
}

/** The longest common subsequence, by dynamic programming from the end. */
function match(first: readonly string[], second: readonly string[]): readonly Row[] {
  const width = second.length + 1;
  if ((first.length + 1) * width > CELLS_MAX) return [...first.map(removed), ...second.map(added)];
  const common = new Uint32Array((first.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  for (let i = first.length - 1; i >= 0; i -= 1)
    for (let j = second.length - 1; j >= 0; j -= 1)
      common[i * width + j] = first[i] === second[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  while (i < first.length && j < second.length) {
    if (first[i] === second[j]) {
      rows.push(same(first[i] ?? ''));
      i += 1;
      j += 1;
    } else if (at(i + 1, j) >= at(i, j + 1)) rows.push(removed(first[i++] ?? ''));
    else rows.push(added(second[j++] ?? ''));
  }
  return [...rows, ...first.slice(i).map(removed), ...second.slice(j).map(added)];
}

function same(text: string): Row {
  return { mark: ' ', text };
}

function removed(text: string): Row {
  return { mark: '-', text };
}

function added(text: string): Row {
  return { mark: '+', text };
}
