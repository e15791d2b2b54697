import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { EXIT, UserError } from '../user-error.ts';
import { errorCode } from './errno.ts';

/**
 * Writes a whole file or nothing: under a temporary name, flushed, then renamed. A reader, or the next run after a
 * `kill -9`, sees the old file or the new one. Makes the folder. Throws a UserError where the place cannot be written.
 */
export function writeAtomic(path: string, text: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    makeFolder(dirname(path));
    const file = openSync(temporary, 'w');
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw writeFailure(path, error);
  }
}

/**
 * Makes a folder and those above it, one level at a time: mkdirSync's own recursion never ends where a level cannot be
 * made and says ENOENT, as below /proc.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another run may have been faster.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Makes `folder` and proves that a file can be written there, before hours of work depend on it. */
export function requireWritable(folder: string): void {
  const probe = join(folder, 'probe');
  writeAtomic(probe, '');
  rmSync(probe, { force: true });
}

/** Removes what runs that were killed in mid-write left in `folder`. Files of runs still alive stay. */
export function sweepTemporaries(folder: string): number {
  let swept = 0;
  for (const name of namesIn(folder)) {
    const pid = /^\..+\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(folder, name), { force: true });
    swept += 1;
  }
  return swept;
}

/** What a failed write means to the user: a place to correct (exit 2), or a machine that cannot go on (exit 4). */
export function writeFailure(path: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UserError(`cannot write ${path}: the disk is full`, EXIT.CANNOT_RUN);
  if (code === 'EIO') return new UserError(`cannot write ${path}: input/output error`, EXIT.CANNOT_RUN);
  const why = WRITE_ERRORS[code];
  return why === undefined ? error : new UserError(`cannot write ${path}: ${why}`);
}

const WRITE_ERRORS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder',
  ENOENT: 'no such folder',
  ENAMETOOLONG: 'the name is too long',
};

/** The failure to report is the first one, not that its leftovers cannot be removed either. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The place is not even there.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}
