import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { PREFIX } from './make-temporary-folder.ts';

/** Called by Jest after the last test. */
function removeTemporaryFolder(): void {
  const folder = process.env['TMPDIR'] ?? '';
  if (basename(folder).startsWith(PREFIX)) rmSync(folder, { recursive: true, force: true });
}

// Jest requires a default export.
export { removeTemporaryFolder as default };
