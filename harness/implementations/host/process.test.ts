import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { healthyPlatform } from '../../testing/platform.ts';
import { DEFAULT_TIMEOUTS } from '../process/timeouts.ts';
import { ImplementationFailure } from '../process/failure.ts';
import { openHostSession } from './process.ts';

test('a host that sends without end during a command is stopped by the amount, not by its memory', () => {
  const program = join(mkdtempSync(join(tmpdir(), 'flood-')), 'host.mjs');
  writeFileSync(
    program,
    `import { writeSync } from 'node:fs';
    const send = (message) => {
      for (let rest = Buffer.from(JSON.stringify(message) + '\\n'); rest.length > 0; )
        try { rest = rest.subarray(writeSync(1, rest)); } catch (error) { if (error.code !== 'EAGAIN') throw error; }
    };
    process.stdin.once('data', (line) => {
      const { id, protocol } = JSON.parse(line);
      const capabilities = { role: 'host', commands: ['boot', 'enable'], deterministic: true };
      send({ type: 'hello', id, protocol, implementation: { name: 'flood', version: '1' }, capabilities });
      process.stdin.once('data', () => { for (;;) send({ type: 'printk', text: 'x'.repeat(60000) }); });
    });`,
  );
  const host = openHostSession(`exec '${process.execPath}' '${program}'`, {
    timeouts: { ...DEFAULT_TIMEOUTS, case: 60_000 },
    version: '1',
    now: Date.now,
  });
  let characters = 0;
  const boot = { type: 'boot', platform: healthyPlatform() } as unknown as Parameters<typeof host.perform>[0];
  const perform = (): unknown =>
    host.perform(boot, (ask) => {
      characters += JSON.stringify(ask).length;
      return null;
    });
  expect(perform).toThrow(ImplementationFailure);
  expect(perform).toThrow(/it sent more than 16777216 characters while 'boot' was under way/);
  expect(characters).toBeLessThan(1 << 25);
  host.close();
}, 60_000);
