import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { printable } from '../../text.ts';
import { EXIT, UserError } from '../../user-error.ts';
import { cacheFolder, noteUse, sweepCache } from './cache.ts';

/** The file that all of this is about, and what has to come with it out of an archive. */
export const TDX_C = 'arch/x86/virt/vmx/tdx/tdx.c';
const PARTS = ['arch/x86/virt/vmx/tdx', 'arch/x86/include/asm'];
/** What `debian` alone stands for. */
const DEBIAN_RELEASE = '6.12';
const DEBIAN_FOLDER = '/usr/src';
/** A kernel archive takes seconds; a decompression bomb takes as long as the disk lasts. Milliseconds. */
const UNPACK_LIMIT = 180_000;
/** The folders that are needed have some 10 MiB in a kernel. */
const UNPACKED_MAX = 256 * 2 ** 20;

/**
 * The kernel tree that `where` names: an unpacked tree, an archive of one (.tar.xz, .tar.gz, .tar.zst ...), or `debian` or
 * `debian-RELEASE`, the source package of a kernel of Debian's, installed with apt if it is not there. Throws a UserError
 * that says what is missing.
 */
export function findTree(where: string): string {
  const debian = /^debian(?:-(\d+\.\d+))?$/.exec(where);
  if (debian !== null) return unpack(debianArchive(debian[1]));
  const path = resolve(where);
  if (!existsSync(path)) throw new UserError(`no kernel tree at ${path}`, EXIT.CANNOT_RUN);
  if (statSync(path).isFile()) return unpack(path);
  if (!existsSync(join(path, TDX_C)))
    throw new UserError(`${path} is no kernel tree with TDX host support: it has no ${TDX_C}`, EXIT.CANNOT_RUN);
  return path;
}

/** The archive of a release's source package if it is installed. */
export function installedDebianArchive(release = DEBIAN_RELEASE): string | undefined {
  if (!existsSync(DEBIAN_FOLDER)) return undefined;
  const archives = readdirSync(DEBIAN_FOLDER).filter((name) => name.startsWith(`linux-source-${release}.tar.`));
  return archives[0] === undefined ? undefined : join(DEBIAN_FOLDER, archives[0]);
}

function debianArchive(release = DEBIAN_RELEASE): string {
  const installed = installedDebianArchive(release);
  if (installed !== undefined) return installed;
  const name = `linux-source-${release}`;
  try {
    execFileSync('apt-get', ['install', '-y', name], { stdio: ['ignore', 'ignore', 'pipe'] });
  } catch {
    throw new UserError(
      `Debian's kernel source is not installed and could not be: run 'apt-get update && apt-get install ${name}' as root (newer releases are in the backports suite)`,
      EXIT.CANNOT_RUN,
    );
  }
  const archive = installedDebianArchive(release);
  if (archive === undefined)
    throw new UserError(`${name} is installed, but there is no archive of it in ${DEBIAN_FOLDER}`, EXIT.CANNOT_RUN);
  return archive;
}

/** Unpacks the few folders that are needed, once for each state of the archive. */
function unpack(archive: string): string {
  const { size, mtimeMs } = statSync(archive);
  const key = createHash('sha256').update(`${archive}\n${size}\n${mtimeMs}`).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${basename(archive).replace(/\.tar\.\w+$/, '')}-${key}`);
  if (existsSync(join(folder, TDX_C))) {
    noteUse(folder);
    return folder;
  }
  sweepCache();
  const temporary = `${folder}.${process.pid}`;
  mkdirSync(temporary);
  try {
    execFileSync(
      'tar',
      [
        ...['-xf', archive, '-C', temporary, '--strip-components=1'],
        // As root, tar would restore owners, setuid bits and device nodes.
        ...['--no-same-owner', '--no-same-permissions', '--wildcards'],
        ...PARTS.map((part) => `*/${part}/*.[ch]`),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'], timeout: UNPACK_LIMIT },
    );
    requireOrdinaryFiles(temporary, archive);
    if (!existsSync(join(temporary, TDX_C))) throw new UserError(`${archive} holds no ${TDX_C}`, EXIT.CANNOT_RUN);
    rmSync(folder, { recursive: true, force: true });
    renameSync(temporary, folder);
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true });
    if (error instanceof UserError) throw error;
    throw new UserError(
      `cannot unpack ${archive}: ${error instanceof Error ? error.message : String(error)}`,
      EXIT.CANNOT_RUN,
    );
  }
  return folder;
}

/** Throws a UserError for an archive that holds links, devices, or more than a kernel has. */
function requireOrdinaryFiles(folder: string, archive: string): void {
  let total = 0;
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const found = lstatSync(join(folder, name));
    if (!found.isFile() && !found.isDirectory())
      throw new UserError(
        `${archive} holds ${printable(name)}, which is a link or a device; expected the files of a kernel tree`,
        EXIT.CANNOT_RUN,
      );
    if (found.isFile()) total += found.size;
    if (total > UNPACKED_MAX)
      throw new UserError(
        `${archive} holds more than ${UNPACKED_MAX / 2 ** 20} MiB; expected a kernel tree`,
        EXIT.CANNOT_RUN,
      );
  }
}
