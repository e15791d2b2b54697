import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { EXIT, UserError } from '../user-error.ts';
import { errorCode } from './errno.ts';
import { kindOfPath, kindText } from './read.ts';

/**
 * Writes a whole file or nothing: under a temporary name, flushed, then renamed. A reader, or the next run after a
 * `kill -9`, sees the old file or the new one. Makes the folder; follows a symbolic link and keeps the mode of a file that
 * is there. Throws a UserError where the place cannot be written, and for what is no regular file: as root, renaming over a
 * device node would destroy it.
 */
export function writeAtomic(path: string, text: string): void {
  try {
    const target = targetOf(path);
    const folder = dirname(target.path);
    makeFolder(folder);
    sweepOnce(folder);
    const temporary = temporaryName(target.path);
    try {
      writeNew(temporary, text, target.mode);
      renameSync(temporary, target.path);
    } catch (error) {
      discard(temporary);
      throw error;
    }
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/** Opens a file that is written as it grows, empty, by the rules of `writeAtomic`; returns its descriptor. */
export function openStream(path: string): number {
  try {
    const target = targetOf(path);
    makeFolder(dirname(target.path));
    sweepOnce(dirname(target.path));
    return openSync(target.path, 'w', target.mode);
  } catch (error) {
    throw writeFailure(path, error);
  }
}

interface Target {
  /** Links followed. */
  readonly path: string;
  /** Of the file that is there, or of a new one. */
  readonly mode: number;
}

/** Where a write to `path` ends up. A link to a file that is not there names that file. */
function targetOf(path: string, links = 0): Target {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return { path, mode: 0o666 };
  if (found.isSymbolicLink()) {
    if (links > LINKS_MAX) throw new UserError(`cannot write ${path}: its symbolic links form a loop`);
    return targetOf(resolve(dirname(path), readlinkSync(path)), links + 1);
  }
  if (!found.isFile())
    throw new UserError(`cannot write ${path}: ${kindText(found)}; expected a regular file, or a name that is free`);
  return { path, mode: found.mode & 0o7777 };
}

const LINKS_MAX = 40;
/** Leaves room for the process id in a name of 255 bytes. */
const NAME_MAX = 200;

function temporaryName(path: string): string {
  const name = Buffer.from(basename(path)).subarray(0, NAME_MAX).toString('utf8').replaceAll('\ufffd', '');
  return join(dirname(path), `.${name}.${process.pid}.tmp`);
}

/** Fails where another process has placed a file or a link of that name meanwhile. */
function writeNew(path: string, text: string, mode: number): void {
  discard(path);
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
  try {
    if (mode !== 0o666) fchmodSync(file, mode);
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Makes a folder and those above it, one level at a time: mkdirSync's own recursion never ends if a level cannot be made
 * and fails with ENOENT, as below /proc.
 */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const above = dirname(folder);
  if (above !== folder) makeFolder(above);
  try {
    mkdirSync(folder);
  } catch (error) {
    // Another run may have made it in the meantime.
    if (errorCode(error) !== 'EEXIST') throw error;
  }
}

/** Makes a folder where there is none. Throws a UserError where that cannot be done, or where a file has the name. */
export function ensureFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw writeFailure(folder, error);
  }
  if (kindOfPath(folder) !== 'folder') throw new UserError(`cannot use ${folder} as a folder: it is a file`);
}

/** Makes `folder` and checks that a file can be written there, before hours of work depend on it. */
export function requireWritable(folder: string): void {
  const probe = join(folder, `.probe.${process.pid}.tmp`);
  try {
    makeFolder(folder);
    sweepOnce(folder);
    writeNew(probe, '', 0o666);
  } catch (error) {
    throw writeFailure(folder, error);
  } finally {
    discard(probe);
  }
}

const swept = new Set<string>();

/** Every verb that writes removes what killed runs left beside its files. */
function sweepOnce(folder: string): void {
  if (swept.has(folder)) return;
  swept.add(folder);
  sweepTemporaries(folder);
}

/** Removes temporary files that killed runs left in `folder` and returns their number. Files of live processes stay. */
export function sweepTemporaries(folder: string): number {
  let count = 0;
  for (const name of namesIn(folder)) {
    const pid = /^\..+\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    rmSync(join(folder, name), { force: true });
    count += 1;
  }
  return count;
}

/** The error to report for a failed write: a path the user must correct (exit 2), or a full or broken disk (exit 4). */
export function writeFailure(path: string, error: unknown): unknown {
  const code = errorCode(error);
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new UserError(`cannot write ${path}: the disk is full`, EXIT.CANNOT_RUN);
  if (code === 'EIO') return new UserError(`cannot write ${path}: input/output error`, EXIT.CANNOT_RUN);
  if (error instanceof UserError) return error;
  if (code === 'EMFILE' || code === 'ENFILE')
    return new UserError(`cannot write ${path}: too many files are open (ulimit -n)`, EXIT.CANNOT_RUN);
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
  ELOOP: 'its symbolic links form a loop',
  ETXTBSY: 'it is a program that runs',
  ENXIO: 'it is a FIFO without a reader, or a device without driver',
};

/** Ignores errors: the failure to report is the one before. */
function discard(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The folder does not exist.
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
