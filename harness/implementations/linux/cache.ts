import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFolder } from '../../store/atomic.ts';

/** Days after which what nobody has used is thrown away. */
const KEPT_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

/** Where what is unpacked and built is kept: never in a source tree. */
export function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'seamstress');
  ensureFolder(folder);
  return folder;
}

/** Notes that an entry of the cache is in use, now (milliseconds since 1970). It may be somebody else's to write: then it is not noted. */
export function noteUse(entry: string, now: number = Date.now()): void {
  try {
    utimesSync(entry, now / 1000, now / 1000);
  } catch {
    // A cache that is shared and read-only is swept by its owner.
  }
}

/** Throws away what nobody has used for a month, and what a build that was killed has left behind. */
export function sweepCache(now: number = Date.now()): void {
  const folder = cacheFolder();
  for (const name of readdirSync(folder)) {
    const entry = join(folder, name);
    try {
      if (now - statSync(entry).mtimeMs > KEPT_DAYS * DAY) rmSync(entry, { recursive: true, force: true });
    } catch {
      // Another process was quicker, or it is not ours to take away.
    }
  }
}
