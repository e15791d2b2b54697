import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

// `npm run bench [-- NAME…] [--json]` runs every benchmark of this folder, or the named ones, one after another. Each
// has its own process, so that none runs code that another one has optimised. Other arguments are passed to the
// benchmarks.

const folder = fileURLToPath(new URL('.', import.meta.url));
const benches = readdirSync(folder)
  .filter(
    (file) => file.endsWith('.js') && !file.endsWith('.test.js') && file !== basename(fileURLToPath(import.meta.url)),
  )
  .map((file) => file.slice(0, -'.js'.length))
  .sort();
const words = process.argv.slice(2);
const named = words.filter((word) => benches.includes(word));
const passedOn = words.filter((word) => !benches.includes(word));
const json = words.includes('--json');

const results: Record<string, unknown> = {};
for (const name of named.length === 0 ? benches : named) {
  if (!json) process.stdout.write(`\n${name}\n`);
  const { status, stdout } = spawnSync(process.execPath, [`${folder}${name}.js`, ...passedOn], {
    stdio: ['ignore', json ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) {
    process.stderr.write(`bench ${name} ended with ${status ?? 'a signal'}\n`);
    process.exitCode = 1;
  }
  if (json) results[name] = parsed(stdout);
}
if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);

/** The output of a benchmark: its JSON, or its lines if it does not print JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text.trimEnd().split('\n');
  }
}
