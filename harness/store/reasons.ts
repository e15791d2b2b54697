import { join } from 'node:path';
import { publishedSchema } from '../schema.ts';
import { parseJSONText } from '../json-text.ts';
import { kindOfPath, readText } from './read.ts';

/** The reason for a deviation, written once for all kernels that share it. */
export interface Reason {
  /** Prefix of the buckets it explains; the longest match wins. */
  readonly bucket: string;
  /** Kernels it applies to; missing: all. A reason with kernels takes precedence over an equal one without. */
  readonly kernels?: readonly string[];
  readonly reason: string;
  readonly source: string;
}

export const REASONS_SCHEMA = publishedSchema<{ readonly reasons: readonly Reason[] }>('./store/reasons.schema.json');

/** The reasons of a corpus (its reasons.json); none if there is no such file. */
export function loadReasons(corpus: string): readonly Reason[] {
  const path = join(corpus, 'reasons.json');
  if (kindOfPath(path) === undefined) return [];
  const value = parseJSONText(readText(path), path, 'the reasons of known deviations in JSON');
  return REASONS_SCHEMA.check(value, path).reasons;
}

/** The most specific reason for a kernel's bucket, if any. */
export function reasonFor(reasons: readonly Reason[], bucket: string, kernel: string): Reason | undefined {
  let best: Reason | undefined;
  for (const reason of reasons) {
    if (!bucket.startsWith(reason.bucket) || reason.kernels?.includes(kernel) === false) continue;
    if (best === undefined || rank(reason) > rank(best)) best = reason;
  }
  return best;
}

/** Longer prefixes rank higher; of two equal prefixes, the one with kernels. */
function rank({ bucket, kernels }: Reason): number {
  return 2 * bucket.length + (kernels === undefined ? 0 : 1);
}
