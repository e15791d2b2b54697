// Removes .build before compiling: otherwise the compiled test of a deleted source would stay, and Jest would run it.
// `--keep` keeps .build and compiles only what changed, for use while working.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
if (!process.argv.includes('--keep')) rmSync(`${root}.build`, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b', root], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
