import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { UserError } from '../user-error.ts';
import { errorCode } from './errno.ts';

/** No case, platform, reason or report that seamstress reads is larger. Bytes. */
const TEXT_MAX = 64 * 1024 * 1024;

/**
 * Reads a text file that the user named. Throws a UserError for what is no regular file (a FIFO would block, /dev/zero
 * never end), for one above 64 MiB, and for one that cannot be read.
 */
export function readText(path: string): string {
  try {
    // Without O_NONBLOCK, opening a FIFO waits for a writer.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const found = fstatSync(file);
      if (!found.isFile()) throw new UserError(`cannot read ${path}: ${kindText(found)}; expected a regular file`);
      if (found.size > TEXT_MAX)
        throw new UserError(
          `cannot read ${path}: it has ${Math.ceil(found.size / 2 ** 20)} MiB; expected at most ${TEXT_MAX / 2 ** 20} MiB`,
        );
      return readWhole(file, found.size);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw error instanceof UserError ? error : readFailure(path, error);
  }
}

/** Files below /proc have size 0 and contents: what is there is read, up to the bound. */
function readWhole(file: number, size: number): string {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(Math.max(64 * 1024, Math.min(size - total, 2 ** 20)));
    const read = readSync(file, chunk, 0, chunk.length, null);
    if (read === 0) break;
    chunks.push(chunk.subarray(0, read));
    total += read;
    if (total > TEXT_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What is at a path: `undefined` for nothing. Throws a UserError where that cannot be found out. */
export function kindOfPath(path: string): 'file' | 'folder' | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    return found.isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (errorCode(error) === 'ENOTDIR') return undefined;
    throw readFailure(path, error);
  }
}

/** Throws a UserError unless `path` is a regular file: for readers that stream it. */
export function requireRegularFile(path: string): void {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path);
  } catch (error) {
    throw readFailure(path, error);
  }
  if (!found.isFile()) throw new UserError(`cannot read ${path}: ${kindText(found)}; expected a regular file`);
}

interface Kind {
  readonly isDirectory: () => boolean;
  readonly isFIFO: () => boolean;
  readonly isSocket: () => boolean;
}

export function kindText(found: Kind): string {
  if (found.isDirectory()) return 'it is a folder';
  if (found.isFIFO()) return 'it is a FIFO';
  return found.isSocket() ? 'it is a socket' : 'it is a device';
}

/** A failed read as one line with what to do. */
export function readFailure(path: string, error: unknown): UserError {
  const why = READ_ERRORS[errorCode(error)] ?? (error instanceof Error ? error.message : String(error));
  return new UserError(`cannot read ${path}: ${why}`);
}

const READ_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ELOOP: 'its symbolic links form a loop',
  ENAMETOOLONG: 'the name is too long',
  ENXIO: 'it is a socket or a device without driver',
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  ENFILE: 'too many files are open on this machine',
  EIO: 'input/output error',
};
