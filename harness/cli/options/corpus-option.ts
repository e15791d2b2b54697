import { join, relative } from 'node:path';
import type { Given } from '../../campaign/range.ts';
import { listCaseFiles, readCaseFile } from '../../store/case-store.ts';
import { kindOfPath } from '../../store/read.ts';
import { type KnownDeviation, loadKnown } from '../../store/known.ts';
import type { Context } from '../screen/context.ts';

export interface Corpus {
  /** As messages call it. */
  readonly path: string;
  /** Of every kernel. */
  readonly known: readonly KnownDeviation[];
  /** Cases a campaign starts with: the files below `cases/`. */
  readonly cases: readonly Given[];
}

/** The corpus of `--corpus`, which must exist, or else this checkout's, which need not. */
export function openCorpus({ root }: Context, chosen: string | undefined): Corpus {
  const path = chosen ?? nameOf(join(root, 'corpus'));
  if (chosen === undefined && kindOfPath(path) === undefined) return { path, known: [], cases: [] };
  const known = loadKnown(path);
  const folder = join(path, 'cases');
  const files = kindOfPath(folder) === 'folder' ? listCaseFiles(folder) : [];
  return { path, known, cases: files.map((origin) => ({ origin, case: readCaseFile(origin).case })) };
}

/** A path as a person here would type it. */
export function nameOf(path: string): string {
  const near = relative(process.cwd(), path);
  if (near === '') return '.';
  return near.startsWith('..') ? path : near;
}
