import { join } from 'node:path';
import type { Stages } from '../../campaign/stages.ts';
import type { CaseFile } from '../../case.ts';
import { bucketFileName, listCaseFiles, readCaseFile } from '../../store/case-store.ts';
import { kindOfPath } from '../../store/read.ts';
import type { Corpus } from './corpus-option.ts';
import { UserError } from '../../user-error.ts';
import { type ProfileOptions, profileOf } from './profile-options.ts';
import { didYouMean } from './suggest.ts';

/** A case to read or to generate; `load` throws a UserError if that fails. */
export interface LocatedCase {
  readonly name: string;
  readonly load: () => CaseFile;
}

export interface Places extends ProfileOptions {
  readonly stages: Stages;
  readonly corpus: Corpus;
  /** Its folder `findings/` has the findings. */
  readonly output: string;
  readonly mood: string;
}

/**
 * The cases that arguments name: a path to a file or folder, a bucket (in the findings, then in the corpus), or
 * SEED:INDEX, tried in this order. Throws a UserError for any other argument.
 */
export function locateCases(names: readonly string[], places: Places): readonly LocatedCase[] {
  return names.flatMap((name) => {
    const kind = kindOfPath(name);
    if (kind === 'folder') return listCaseFiles(name).map(fromFile);
    if (kind === 'file') return [fromFile(name)];
    return [byBucket(name, places) ?? bySeed(name, places) ?? unknown(name, places)];
  });
}

function fromFile(path: string): LocatedCase {
  return { name: path, load: () => readCaseFile(path) };
}

function byBucket(bucket: string, { output, corpus, kernel }: Places): LocatedCase | undefined {
  const found = join(output, 'findings', bucketFileName(bucket));
  if (kindOfPath(found) === 'file') return fromFile(found);
  const known = corpus.known.filter((one) => one.bucket === bucket);
  const one = known.find(({ case: input }) => input.profile.kernel === kernel) ?? known[0];
  return one === undefined ? undefined : fromFile(one.path);
}

function bySeed(name: string, places: Places): LocatedCase | undefined {
  const match = /^(.+):(\d{1,15})$/.exec(name);
  if (match === null) return undefined;
  const [, seed = '', index = '0'] = match;
  const profile = profileOf(places, places.stages);
  return { name, load: () => ({ case: places.stages.generate(seed, Number(index), { profile, mood: places.mood }) }) };
}

function unknown(name: string, { corpus, output }: Places): never {
  const hint = didYouMean(
    name,
    corpus.known.map(({ bucket }) => bucket),
  );
  throw new UserError(
    `'${name}' is not a case${hint}: expected a file, a folder, a bucket in ${join(output, 'findings')} or ${corpus.path}, or SEED:INDEX`,
  );
}
