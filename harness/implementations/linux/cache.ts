import { readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ensureFolder } from '../../store/atomic.ts';

/** Days after which an unused entry is removed. */
const KEPT_DAYS = 30;
const DAY = 24 * 60 * 60 * 1000;

/** Where what is unpacked and built is kept: never in a source tree. */
export function cacheFolder(): string {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'seamstress');
  ensureFolder(folder);
  return folder;
}

/** Notes that an entry of the cache is in use, now (milliseconds since 1970). An entry that another user owns stays as it is. */
export function noteUse(entry: string, now: number = Date.now()): void {
  try {
    utimesSync(entry, now / 1000, now / 1000);
  } catch {
    // A cache that is shared and read-only is swept by its owner.
  }
}

/** Removes entries unused for a month, and the leftovers of builds that were killed. */
export function sweepCache(now: number = Date.now()): void {
  const folder = cacheFolder();
  for (const name of readdirSync(folder)) {
    const entry = join(folder, name);
    try {
      if (now - statSync(entry).mtimeMs > KEPT_DAYS * DAY) rmSync(entry, { recursive: true, force: true });
    } catch {
      // Another process has removed it, or another user owns it.
    }
  }
}
