import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { temporaryFolder } from '../../testing/spawn-cli.ts';
import { cacheFolder, noteUse, sweepCache } from './cache.ts';

const before = process.env['XDG_CACHE_HOME'];
const folder = temporaryFolder();
afterAll(() => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
  folder.remove();
});

test('what was used within a month stays, the rest goes', () => {
  process.env['XDG_CACHE_HOME'] = folder.path;
  const cache = cacheFolder();
  expect(cache).toBe(join(folder.path, 'seamstress'));
  const now = Date.now();
  const used = { 'kernel-new': 0, 'kernel-old': 31, 'kernel-0123.4567': 40, 'linux-source-6.12-abc': 29 };
  for (const [name, days] of Object.entries(used)) {
    mkdirSync(join(cache, name));
    writeFileSync(join(cache, name, 'kernel'), name);
    noteUse(join(cache, name), now - days * 24 * 60 * 60 * 1000);
  }
  sweepCache(now);
  expect(Object.keys(used).filter((name) => existsSync(join(cache, name)))).toEqual([
    'kernel-new',
    'linux-source-6.12-abc',
  ]);
  // An entry in use stays.
  noteUse(join(cache, 'linux-source-6.12-abc'), now);
  sweepCache(now + 29 * 24 * 60 * 60 * 1000);
  expect(existsSync(join(cache, 'linux-source-6.12-abc'))).toBe(true);
});

test('an entry that does not exist is neither noted nor swept, without an error', () => {
  process.env['XDG_CACHE_HOME'] = join(folder.path, 'other');
  expect(() => noteUse(join(cacheFolder(), 'nothing'))).not.toThrow();
  expect(() => sweepCache()).not.toThrow();
});
