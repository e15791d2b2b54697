import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ImplementationFailure } from './failure.ts';
import { BACKLOG_MAX, startSyncChild } from './synchronous.ts';

const LINE = 'x'.repeat(1 << 20);
const late = (): ImplementationFailure => new ImplementationFailure('case-timeout', 'late', '');

test('a flood waits in the process, not in memory, and every line of it arrives', () => {
  const count = 96;
  const folder = mkdtempSync(join(tmpdir(), 'flood-'));
  const [program, progress] = [join(folder, 'flood.mjs'), join(folder, 'progress')];
  writeFileSync(
    program,
    `import { writeFileSync, writeSync } from 'node:fs';
    const bytes = (n) => Buffer.from(n + 'x'.repeat(1 << 20) + '\\n');
    for (let n = 1; n <= ${count}; n += 1, writeFileSync('${progress}', String(n)))
      for (let rest = bytes(n); rest.length > 0; )
        try { rest = rest.subarray(writeSync(1, rest)); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
    setTimeout(() => 0, 60000);`,
  );
  const child = startSyncChild(`exec '${process.execPath}' '${program}'`);
  try {
    const first = child.read(20_000, late);
    expect(first).toBe(`1${LINE}`);
    // The rest piles up to the bound, and there it stays.
    const written = (): number => Number(readFileSync(progress, 'utf8'));
    let [before, now] = [0, written()];
    while (now !== before) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      [before, now] = [now, written()];
    }
    expect(now).toBeLessThan((2 * BACKLOG_MAX) / LINE.length);
    for (let n = 2; n <= count; n += 1) expect(child.read(20_000, late)).toBe(`${n}${LINE}`);
  } finally {
    child.kill();
  }
}, 60_000);
