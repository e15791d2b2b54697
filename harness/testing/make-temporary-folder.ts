import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const PREFIX = 'seamstress-tests-';

/**
 * A folder for all that a test run leaves lying about, removed with everything in it when the run ends. Jest calls this
 * before the first test, and what it puts into the environment holds for every test and every child of one.
 */
function makeTemporaryFolder(): void {
  process.env['TMPDIR'] = mkdtempSync(join(tmpdir(), PREFIX));
}

// Jest wants it so.
export { makeTemporaryFolder as default };
