import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { startKernelProcess } from './kernel-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'kernel-process-'));

test.each([
  ['sleeps', 'sleep 6471'],
  ['stops itself', 'kill -STOP $$; sleep 6471'],
  ['ignores signals', "trap '' TERM INT HUP; sleep 6471; sleep 6471"],
  ['leaves a child with its pipes behind', 'sleep 6471 &\nexit 0'],
  ['leaves a child of another session with its pipes behind', 'setsid timeout 4 sleep 6472 &\nexit 0'],
  ['reads without end and never answers', 'cat >/dev/null; sleep 6471'],
  ['writes what is no message', 'yes no message'],
])('a program that %s is refused in bounded time, and its group is gone', (what, script) => {
  const program = join(folder, what.replaceAll(' ', '-'));
  writeFileSync(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  expect(() => startKernelProcess(program, 1)).toThrow(/does not start|sent a message of \d+ words/);
  expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toMatch(/^sleep 6471$/m);
});
