#!/usr/bin/env node
// The only JavaScript that is not compiled: it must be able to say that nothing is.
import { existsSync } from 'node:fs';

const start = new URL('../../.build/harness/cli/start.js', import.meta.url);
if (existsSync(start)) {
  await import(start);
} else {
  console.error('seamstress: not built yet; run `npm ci` (or `npm run build`) in its folder first');
  process.exitCode = 4;
}
