/** One line of a shortened trace: `>` marks the line that broke the rule, `.` replaces omitted lines. */
export interface ExcerptLine {
  readonly mark: '|' | '>' | '.';
  readonly text: string;
}

/** Maximum number of trace lines on a screen. */
const LINES_MAX = 24;

/**
 * A trace in at most `max` lines, including gaps: the line that broke the rule and those around it, the end, and the
 * heads of the other events. `broken`: index of that line; `null` if there is none, then the end has priority.
 */
export function excerpt(
  lines: readonly string[],
  broken: number | null,
  max: number = LINES_MAX,
): readonly ExcerptLine[] {
  const kept = new Set<number>();
  for (const index of byImportance(lines, broken)) {
    kept.add(index);
    // A gap takes a line, too; a later line may close a gap.
    if (kept.size + gapsOf(kept, lines.length) > max) kept.delete(index);
  }
  return render(lines, broken, kept);
}

function render(lines: readonly string[], broken: number | null, kept: ReadonlySet<number>): readonly ExcerptLine[] {
  const shown: ExcerptLine[] = [];
  for (let index = 0; index < lines.length; ) {
    if (kept.has(index)) {
      shown.push({ mark: index === broken ? '>' : '|', text: lines[index] ?? '' });
      index += 1;
      continue;
    }
    let end = index;
    while (end < lines.length && !kept.has(end)) end += 1;
    shown.push({ mark: '.', text: `... ${end - index} more line${end - index === 1 ? '' : 's'}` });
    index = end;
  }
  return shown;
}

function gapsOf(kept: ReadonlySet<number>, length: number): number {
  let gaps = 0;
  let inside = false;
  for (let index = 0; index < length; index += 1) {
    if (kept.has(index)) inside = false;
    else if (!inside) {
      inside = true;
      gaps += 1;
    }
  }
  return gaps;
}

/** Indices of lines, most important first; equal ones in their order. */
function byImportance(lines: readonly string[], broken: number | null): readonly number[] {
  const last = lines.length - 1;
  const focus = broken ?? last;
  const ownHead = headBefore(lines, focus);
  const cost = lines.map((text, index) => {
    if (index === focus) return 0;
    if (index === ownHead) return 1;
    const near = Math.abs(index - focus) + (index > focus ? 0 : 0.5);
    const end = 2 + (last - index) * 1.5;
    const head = isHead(text) ? 5 : Number.POSITIVE_INFINITY;
    return Math.min(near + 1, end, head);
  });
  return lines.map((_, index) => index).sort((a, b) => (cost[a] ?? 0) - (cost[b] ?? 0) || a - b);
}

function headBefore(lines: readonly string[], index: number): number {
  for (let at = index; at >= 0; at -= 1) if (isHead(lines[at] ?? '')) return at;
  return -1;
}

/** Heads of events are indented less than their lines. */
function isHead(text: string): boolean {
  return /^.{0,2}[ \d]{1,3} {2}\S/.test(text) && !text.startsWith('      ');
}
