import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { describeLinux } from '../../testing/describe-where.ts';
import { temporaryFolder } from '../../testing/spawn-cli.ts';
import { buildKernel } from './build.ts';
import { cacheFolder } from './cache.ts';
import { findHeaders } from './headers.ts';
import { areCurrent, noteInputs } from './inputs.ts';
import { findTree, TDX_C } from './tree.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const at = (...names: readonly string[]): string => join(folder.path, ...names);

test('a build is current until a file that it read changes or goes', () => {
  writeFileSync(at('a b.h'), 'one');
  writeFileSync(at('tdx.d'), `tdx.o: ${at('a\\ b.h')} \\\n ${at('work/x.h')}\n`);
  noteInputs(at('inputs.json'), [at('tdx.d')], at('work'));
  expect(areCurrent(at('inputs.json'))).toBe(true);
  writeFileSync(at('a b.h'), 'two');
  expect(areCurrent(at('inputs.json'))).toBe(false);
  expect(areCurrent(at('absent.json'))).toBe(false);
});

describe('a tree may not include its way out of the build', () => {
  const treeWith = (name: string, include: string): string => {
    const file = at(name, TDX_C);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, `#include ${include}\n`);
    return at(name);
  };

  test('a few levels up are a name below the build folder', () => {
    expect([...findHeaders(treeWith('near', '<../../x.h>')).generated.keys()]).toEqual(['../../x.h']);
  });

  test.each(['</etc/x.h>', `<${'../'.repeat(9)}etc/x.h>`, `"a/${'../'.repeat(10)}x.h"`])('%s', (include) => {
    expect(() => findHeaders(treeWith('far', include))).toThrow(/leads out of the include folders/);
  });
});

test('a file in place of the cache is one message', () => {
  const before = process.env['XDG_CACHE_HOME'];
  try {
    writeFileSync(at('seamstress'), '');
    process.env['XDG_CACHE_HOME'] = folder.path;
    expect(() => cacheFolder()).toThrow(/cannot use .* as a folder: it is a file/);
    process.env['XDG_CACHE_HOME'] = '/proc/absent';
    expect(() => cacheFolder()).toThrow(/cannot write/);
  } finally {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
  }
});

describeLinux('a header of the user', () => {
  test('is read again when what it includes changes', () => {
    const tree = findTree('debian');
    writeFileSync(at('inner.h'), '');
    writeFileSync(at('extra.h'), '#include "inner.h"\n');
    expect(buildKernel(tree, { extra: at('extra.h') })).toContain('kernel');
    writeFileSync(at('inner.h'), '#error changed\n');
    expect(() => buildKernel(tree, { extra: at('extra.h') })).toThrow(/#error changed/);
  }, 60_000);
});
