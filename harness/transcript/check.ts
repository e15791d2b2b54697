import type { ReplayOptions } from './formats.ts';
import { replayLine } from './formats.ts';
import { readJSONLines } from './json-lines.ts';
import type { CaseResult, Mismatch } from './replay.ts';
import { TraceFormatError } from './replay.ts';

/** What `check-trace` found in all files together: the shape of its `--json` (check-trace.schema.json). */
export interface CheckSummary {
  readonly files: number;
  readonly cases: number;
  /** Recorded steps; a folded `repeat` is one. */
  readonly steps: number;
  /** SEAMCALLs made by the model or by the kernel under replay, every call of a repeat counted. */
  readonly seamcalls: number;
  /** Cases that agree, and cases that do not; the rest could not be compared at all and are in `skipped`. */
  readonly matched: number;
  readonly mismatched: number;
  readonly skipped: readonly { readonly reason: string; readonly count: number }[];
  /** The first ones, file by file. */
  readonly mismatches: readonly (Mismatch & { readonly file: string })[];
}

/** How often a caller wants to hear: `done` cases so far. */
export type Progress = (done: number) => void;

/**
 * Replays every line of the files in order, streaming; keeps the first `mismatchesMax` mismatches. Throws
 * TraceFormatError (with file and line) for a damaged file and file system errors as they are.
 */
export async function checkTraces(
  files: readonly string[],
  options: ReplayOptions,
  mismatchesMax: number,
  progress: Progress = () => {},
): Promise<CheckSummary> {
  const skipped = new Map<string, number>();
  const mismatches: (Mismatch & { file: string })[] = [];
  const total = { cases: 0, steps: 0, seamcalls: 0, matched: 0, mismatched: 0 };
  for (const file of files) {
    for await (const { number, value } of readJSONLines(file)) {
      const result = replayAt(value, file, number, options);
      total.cases += 1;
      total.steps += result.steps;
      total.seamcalls += result.seamcalls;
      if (result.mismatches.length !== 0) total.mismatched += 1;
      else if (isCompared(result)) total.matched += 1;
      for (const { reason, count } of result.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + count);
      for (const mismatch of result.mismatches)
        if (mismatches.length < mismatchesMax) mismatches.push({ file, ...mismatch });
      progress(total.cases);
    }
  }
  return {
    files: files.length,
    ...total,
    skipped: [...skipped].map(([reason, count]) => ({ reason, count })),
    mismatches,
  };
}

/** A case that made no SEAMCALL and says that something was skipped was skipped as a whole. */
function isCompared(result: CaseResult): boolean {
  return result.seamcalls !== 0 || result.skipped.length === 0;
}

function replayAt(value: unknown, file: string, number: number, options: ReplayOptions): CaseResult {
  try {
    return replayLine(value, file, options);
  } catch (error) {
    if (error instanceof TraceFormatError) throw new TraceFormatError(`${file}:${number}: ${error.message}`);
    throw error;
  }
}
