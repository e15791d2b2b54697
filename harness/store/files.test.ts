import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FORMAT_VERSION } from '../case.ts';
import { samplePlatform } from '../testing/sample.ts';
import { openStream, requireWritable, writeAtomic } from './atomic.ts';
import { addCase, readCaseFile } from './case-store.ts';
import { kindOfPath, readText, requireRegularFile } from './read.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seamstress-files-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const fifo = (name: string): string => {
  expect(spawnSync('mkfifo', [at(name)]).status).toBe(0);
  return at(name);
};

describe('writing', () => {
  test('follows a symbolic link and keeps the mode of the file', () => {
    writeFileSync(at('real.json'), 'old', { mode: 0o600 });
    symlinkSync('real.json', at('link.json'));
    writeAtomic(at('link.json'), 'new');
    expect(lstatSync(at('link.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('real.json'), 'utf8')).toBe('new');
    expect(statSync(at('real.json')).mode & 0o777).toBe(0o600);
  });

  test('a link to nothing makes the file that it names', () => {
    symlinkSync('absent.json', at('link.json'));
    writeAtomic(at('link.json'), 'x');
    expect(readFileSync(at('absent.json'), 'utf8')).toBe('x');
  });

  test('refuses what is no regular file, and leaves it as it is', () => {
    symlinkSync('/dev/null', at('null'));
    for (const path of [fifo('pipe'), at('null'), folder]) {
      const before = lstatSync(path).mode;
      for (const write of [() => writeAtomic(path, ''), () => openStream(path)])
        expect(write).toThrow(/expected a regular file|it is a folder/);
      expect(lstatSync(path).mode).toBe(before);
    }
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('links in a loop are one message', () => {
    symlinkSync('b', at('a'));
    symlinkSync('a', at('b'));
    expect(() => writeAtomic(at('a'), '')).toThrow(/symbolic links form a loop/);
    expect(() => kindOfPath(at('a'))).toThrow(/symbolic links form a loop/);
  });

  test('a probe of a folder takes no file of that name away', () => {
    writeFileSync(at('probe'), 'precious');
    requireWritable(folder);
    expect(readFileSync(at('probe'), 'utf8')).toBe('precious');
    expect(readdirSync(folder)).toEqual(['probe']);
  });

  test('what a killed run left beside the file goes with the next write', () => {
    const { pid } = spawnSync('true');
    writeFileSync(at(`.x.json.${pid}.tmp`), '');
    writeAtomic(at('y.json'), '');
    expect(readdirSync(folder)).toEqual(['y.json']);
  });

  test('a name may be as long as the file system allows', () => {
    const name = `${'n'.repeat(250)}.json`;
    writeAtomic(at(name), 'x');
    expect(readdirSync(folder)).toEqual([name]);
    expect(() => writeAtomic(at('n'.repeat(256)), '')).toThrow(/the name is too long/);
  });
});

describe('reading', () => {
  test('what is no regular file is refused at once', () => {
    for (const path of [fifo('pipe'), '/dev/zero', folder]) {
      expect(() => readText(path)).toThrow(/cannot read .*: it is a (FIFO|device|folder)/);
      expect(() => requireRegularFile(path)).toThrow(/expected a regular file/);
    }
  });

  test('a file beyond the bound is refused before it is read', () => {
    writeFileSync(at('big.json'), '');
    truncateSync(at('big.json'), 3 * 2 ** 30);
    expect(() => readText(at('big.json'))).toThrow(/it has 3072 MiB; expected at most 64 MiB/);
  });

  test('a file that says size 0 and has contents is read', () => {
    if (existsSync('/proc/self/status')) expect(readText('/proc/self/status')).toContain('Name:');
  });

  test('a name that is too long, or below a file, is nothing or one message', () => {
    writeFileSync(at('file'), '');
    expect(kindOfPath(at('file/x'))).toBeUndefined();
    expect(() => kindOfPath(at('n'.repeat(300)))).toThrow(/the name is too long/);
  });

  test('a case named by its hash must be that case', () => {
    const input = {
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: samplePlatform(),
      events: [],
    } as const;
    const path = addCase(folder, { case: input });
    expect(readCaseFile(path).case).toEqual(input);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"mktme": 31', '"mktme": 30'));
    expect(() => readCaseFile(path)).toThrow(/the case is not the one that the name says/);
  });
});
