import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

// Loaded with `node --import`: from write number FULL_AFTER on (1-based) the disk is full for files that a run writes.

const after = Number(process.env['FULL_AFTER'] ?? 1);
let writes = 0;

function requireRoom(file: unknown): void {
  if (typeof file === 'number' && file <= 2) return;
  writes += 1;
  if (writes >= after) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
}

const { writeSync, writeFileSync } = fs;
Object.assign(fs, {
  writeSync: (...args: Parameters<typeof writeSync>) => {
    requireRoom(args[0]);
    return writeSync(...args);
  },
  writeFileSync: (...args: Parameters<typeof writeFileSync>) => {
    requireRoom(args[0]);
    writeFileSync(...args);
  },
});
syncBuiltinESMExports();
