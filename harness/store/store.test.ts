import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeCaseFile } from '../case.ts';
import { UserError } from '../user-error.ts';
import { sampleCase } from '../testing/sample.ts';
import { requireWritable, sweepTemporaries, writeAtomic, writeFailure } from './atomic.ts';
import { addCase, bucketFileName, caseHash, listCaseFiles, readCaseFile, saveFinding } from './case-store.ts';
import { knownOfKernel, loadKnown } from './known.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seamstress-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const one = sampleCase([{ kind: 'enable' }]);
const two = sampleCase([{ kind: 'kexec' }]);
const known = { invariant: 'a', bucket: 'a|b', reason: 'r', source: 's' };

describe('atomic writes', () => {
  test('a file is written whole, and no temporary file remains', () => {
    writeAtomic(join(folder, 'deep/er/x.json'), 'text');
    expect(readFileSync(join(folder, 'deep/er/x.json'), 'utf8')).toBe('text');
    expect(readdirSync(join(folder, 'deep/er'))).toEqual(['x.json']);
  });

  test('temporary files of a killed run are removed; those of a live one stay', () => {
    const dead = join(folder, '.x.json.999999999.tmp');
    const alive = join(folder, `.y.json.${process.pid}.tmp`);
    writeFileSync(dead, 'half');
    writeFileSync(alive, 'half');
    expect(sweepTemporaries(folder)).toBe(1);
    expect(existsSync(dead)).toBe(false);
    expect(existsSync(alive)).toBe(true);
    expect(sweepTemporaries(join(folder, 'nowhere'))).toBe(0);
  });

  test('a path that cannot be written is a usage error that names it', () => {
    writeFileSync(join(folder, 'file'), '');
    const attempt = () => requireWritable(join(folder, 'file', 'below'));
    expect(attempt).toThrow(UserError);
    expect(attempt).toThrow(/cannot write .*file.below.*: a part of the path is a file, not a folder/);
  });

  test('a full disk is not a usage error', () => {
    const full = Object.assign(new Error('x'), { code: 'ENOSPC' });
    expect(writeFailure('a.json', full)).toMatchObject({
      message: 'cannot write a.json: the disk is full',
      exitCode: 4,
    });
    const bug = new TypeError('bug');
    expect(writeFailure('a.json', bug)).toBe(bug);
  });
});

describe('case files', () => {
  test('equal cases have the same name; adding one twice leaves one file', () => {
    expect(caseHash(one)).toMatch(/^[0-9a-f]{16}$/);
    expect(caseHash({ ...one })).toBe(caseHash(one));
    expect(caseHash(two)).not.toBe(caseHash(one));
    addCase(folder, { case: one });
    const path = addCase(folder, { case: one });
    addCase(folder, { case: two });
    expect(readdirSync(folder)).toHaveLength(2);
    expect(readCaseFile(path).case).toEqual(one);
  });

  test('a bucket has one file; buckets that differ only in punctuation have different files', () => {
    expect(bucketFileName('pamt/never freed|LEAF 36|x')).toMatch(/^pamt-never-freed-leaf-36-x-[0-9a-f]{8}\.json$/);
    expect(bucketFileName('a|b')).not.toBe(bucketFileName('a/b'));
    saveFinding(folder, 'a|b', { case: one });
    const path = saveFinding(folder, 'a|b', { case: two });
    expect(readdirSync(folder)).toHaveLength(1);
    expect(readCaseFile(path).case).toEqual(two);
  });

  test('folders are listed recursively in a fixed order, without hidden files', () => {
    for (const name of ['b.json', 'a/z.json', 'a/.t.json.1.tmp', '.hidden.json', 'a/readme.md'])
      writeAtomic(join(folder, name), '{}');
    expect(listCaseFiles(folder).map((path) => path.slice(folder.length + 1))).toEqual(['a/z.json', 'b.json']);
    expect(() => listCaseFiles(join(folder, 'nowhere'))).toThrow(/no such file or folder/);
    expect(() => readCaseFile(join(folder, 'nowhere.json'))).toThrow(UserError);
  });
});

describe('known deviations', () => {
  test('are loaded by kernel and bucket; an empty corpus has none; a missing corpus is an error', () => {
    expect(loadKnown(folder)).toEqual([]);
    addCase(join(folder, 'known/sample'), { case: one, known });
    const loaded = loadKnown(folder);
    expect(loaded).toMatchObject([{ ...known, case: one }]);
    expect(knownOfKernel(loaded, 'sample').get('a|b')?.reason).toBe('r');
    expect(knownOfKernel(loaded, 'other').size).toBe(0);
    expect(() => loadKnown(join(folder, 'nowhere'))).toThrow(UserError);
  });

  test('a file without a reason, or a second file for a bucket, is refused', () => {
    mkdirSync(join(folder, 'known'));
    writeFileSync(join(folder, 'known/x.json'), encodeCaseFile({ case: one }));
    expect(() => loadKnown(folder)).toThrow(/x.json: a known deviation needs a 'known' property/);
    writeFileSync(join(folder, 'known/x.json'), encodeCaseFile({ case: one, known }));
    writeFileSync(join(folder, 'known/y.json'), encodeCaseFile({ case: two, known }));
    expect(() => loadKnown(folder)).toThrow(/y.json: .*x.json already holds bucket 'a\|b' of kernel sample/);
  });
});

test('a path where no folder can be made is refused at once, with the reason', () => {
  expect(() => requireWritable('/proc/seamstress/reports')).toThrow(/cannot write \/proc\/seamstress/);
});
