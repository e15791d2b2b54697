import { join } from 'node:path';
import { publishedSchema } from '../schema.ts';
import { kindOfPath, readText } from './case-store.ts';
import { UserError } from '../cli/exit.ts';

/** Why a deviation happens, written down once for all kernels that share it. */
export interface Reason {
  /** Beginning of the buckets it explains; the longest that fits wins. */
  readonly bucket: string;
  readonly reason: string;
  readonly source: string;
}

export const REASONS_SCHEMA = publishedSchema<{ readonly reasons: readonly Reason[] }>('./store/reasons.schema.json');

/** The reasons of a corpus (its reasons.json); none if there is no such file. */
export function loadReasons(corpus: string): readonly Reason[] {
  const path = join(corpus, 'reasons.json');
  if (kindOfPath(path) === undefined) return [];
  let value: unknown;
  try {
    value = JSON.parse(readText(path));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${path}: not valid JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  return REASONS_SCHEMA.check(value, path).reasons;
}

/** The reason that fits a bucket best, if any. */
export function reasonFor(reasons: readonly Reason[], bucket: string): Reason | undefined {
  let best: Reason | undefined;
  for (const reason of reasons)
    if (bucket.startsWith(reason.bucket) && reason.bucket.length > (best?.bucket.length ?? -1)) best = reason;
  return best;
}
