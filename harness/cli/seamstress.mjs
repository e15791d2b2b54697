#!/usr/bin/env node
// The only JavaScript that the build does not make: it must run before a build, to report that there is none.
import { existsSync } from 'node:fs';

const start = new URL('../../.build/harness/cli/start.js', import.meta.url);
if (existsSync(start)) {
  await import(start);
} else {
  console.error('seamstress: not built yet; run `npm ci` (or `npm run build`) in its folder first');
  process.exitCode = 4;
}
