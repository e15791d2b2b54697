import { join, relative } from 'node:path';
import type { Given } from '../../campaign/range.ts';
import { listCaseFiles, readCaseFile } from '../../store/case-store.ts';
import { kindOfPath } from '../../store/read.ts';
import { type KnownDeviation, loadKnown } from '../../store/known.ts';
import type { Context } from '../screen/context.ts';

export interface Corpus {
  /** As messages print it. */
  readonly path: string;
  /** The known deviations of every kernel. */
  readonly known: readonly KnownDeviation[];
  /** Cases a campaign starts with: the files below `cases/`. */
  readonly cases: readonly Given[];
}

/** The corpus of `--corpus`, which must exist; without it the corpus of this checkout, empty if there is none. */
export function openCorpus({ root }: Context, chosen: string | undefined): Corpus {
  const path = chosen ?? nameOf(join(root, 'corpus'));
  if (chosen === undefined && kindOfPath(path) === undefined) return { path, known: [], cases: [] };
  const known = loadKnown(path);
  const folder = join(path, 'cases');
  const files = kindOfPath(folder) === 'folder' ? listCaseFiles(folder) : [];
  return { path, known, cases: files.map((origin) => ({ origin, case: readCaseFile(origin).case })) };
}

/** A path relative to the working directory, or as it is if it lies outside. */
export function nameOf(path: string): string {
  const near = relative(process.cwd(), path);
  if (near === '') return '.';
  return near.startsWith('..') ? path : near;
}
