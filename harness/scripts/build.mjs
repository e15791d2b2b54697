// Wipes .build before compiling: a deleted source would leave its compiled test behind, and Jest would run it.
// `--keep` compiles on top of what is there (watch-like use while working).
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
if (!process.argv.includes('--keep')) rmSync(`${root}.build`, { recursive: true, force: true });
const { status } = spawnSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-b', root], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
