import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Case, type CaseFile, decodeCaseFile, encodeCaseFile, encodeCaseLine } from '../case.ts';
import { UserError } from '../user-error.ts';
import { writeAtomic } from './atomic.ts';
import { readFailure, readText } from './read.ts';

/** Hash of a case in sixteen hexadecimal digits: its name in a corpus. */
export function caseHash(input: Case): string {
  return createHash('sha256').update(encodeCaseLine(input)).digest('hex').slice(0, 16);
}

/** Name of the file for a finding of this bucket: readable, and the same in every run. */
export function bucketFileName(bucket: string): string {
  const slug = bucket
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-|-$/g, '');
  return `${slug}-${createHash('sha256').update(bucket).digest('hex').slice(0, 8)}.json`;
}

/** A case whose file is named by its hash. */
const HASH_NAME = /^([0-9a-f]{16})\.json$/;

/** Reads one case file; a UserError says what is wrong with it, a hash in its name that is not the case's included. */
export function readCaseFile(path: string): CaseFile {
  const file = decodeCaseFile(readText(path), path);
  const hash = HASH_NAME.exec(basename(path))?.[1];
  if (hash !== undefined && hash !== caseHash(file.case))
    throw new UserError(
      `${path}: the case is not the one that the name says: its hash is ${caseHash(file.case)}; the file was changed or damaged`,
    );
  return file;
}

/** Adds a case, named by the hash of its contents, and returns the path. Adding it again changes nothing. */
export function addCase(folder: string, file: CaseFile): string {
  const path = join(folder, `${caseHash(file.case)}.json`);
  writeAtomic(path, encodeCaseFile(file));
  return path;
}

/** Writes the finding of a bucket, replacing an earlier one, and returns the path. */
export function saveFinding(folder: string, bucket: string, file: CaseFile): string {
  const path = join(folder, bucketFileName(bucket));
  writeAtomic(path, encodeCaseFile(file));
  return path;
}

/** Paths of the `.json` files below `folder`, in the same order on every machine; hidden files are ignored. */
export function listCaseFiles(folder: string): readonly string[] {
  const paths: string[] = [];
  const visit = (at: string): void => {
    const entries = readdirSync(at, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory()) visit(path);
      else if (entry.name.endsWith('.json')) paths.push(path);
    }
  };
  try {
    visit(folder);
  } catch (error) {
    throw readFailure(folder, error);
  }
  return paths;
}
