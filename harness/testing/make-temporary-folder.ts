import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PREFIX = 'seamstress-tests-';

/**
 * Makes the temporary folder of a test run, which is removed at the end of the run. Jest calls this before the first
 * test; all tests and their child processes inherit TMPDIR.
 */
function makeTemporaryFolder(): void {
  process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), PREFIX));
}

// Jest requires a default export.
export { makeTemporaryFolder as default };
