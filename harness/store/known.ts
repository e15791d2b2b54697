import { join } from 'node:path';
import type { Case, Known } from '../case.ts';
import { UserError } from '../user-error.ts';
import { listCaseFiles, readCaseFile } from './case-store.ts';
import { kindOfPath } from './read.ts';

/** An understood deviation: its minimal case and the reason for it. */
export interface KnownDeviation extends Known {
  readonly path: string;
  readonly case: Case;
}

/**
 * The known deviations of every kernel in a corpus (the files below its `known/`), by path. A corpus without that
 * folder has none. Throws a UserError for a corpus that does not exist, a file without `known`, or one bucket of one
 * kernel in two files.
 */
export function loadKnown(corpus: string): readonly KnownDeviation[] {
  if (kindOfPath(corpus) !== 'folder')
    throw new UserError(`no corpus at ${corpus}: expected a folder (it may be empty)`);
  const folder = join(corpus, 'known');
  if (kindOfPath(folder) === undefined) return [];
  const seen = new Map<string, string>();
  return listCaseFiles(folder).map((path) => {
    const { case: input, known } = readCaseFile(path);
    if (known === undefined) {
      throw new UserError(`${path}: a known deviation needs a 'known' property (invariant, bucket, reason, source)`);
    }
    const key = `${input.profile.kernel}\n${known.bucket}`;
    const other = seen.get(key);
    if (other !== undefined) {
      throw new UserError(
        `${path}: ${other} already holds bucket '${known.bucket}' of kernel ${input.profile.kernel}; remove one`,
      );
    }
    seen.set(key, path);
    return { ...known, path, case: input };
  });
}

/** The known deviations of a kernel, by bucket. */
export function knownOfKernel(known: readonly KnownDeviation[], kernel: string): ReadonlyMap<string, KnownDeviation> {
  return new Map(known.filter((one) => one.case.profile.kernel === kernel).map((one) => [one.bucket, one]));
}
