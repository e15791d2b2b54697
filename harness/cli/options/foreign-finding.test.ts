import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { decodeCaseFile, encodeCaseFile } from '../../case.ts';
import { runNode, temporaryFolder } from '../../testing/spawn-cli.ts';

const START = fileURLToPath(new URL('../start.js', import.meta.url));
const CASE = fileURLToPath(new URL('../../../../corpus/host/pamt-across-two-tdmrs.json', import.meta.url));
const REASONS = fileURLToPath(new URL('../../../../corpus/reasons.json', import.meta.url));
const folder = temporaryFolder();

afterAll(() => folder.remove());

/** A saved finding of these implementations, or of the model. */
function save(name: string, profile: { readonly kernel: string; readonly module: string }, implementations?: string[]) {
  const { case: input } = decodeCaseFile(readFileSync(CASE, 'utf8'), CASE);
  const note = { invariant: 'a', bucket: 'a|b', message: 'm', event: 0, minimal: true, origin: 's:1' };
  const finding = implementations === undefined ? note : { ...note, implementations };
  const text = encodeCaseFile({ case: { ...input, profile }, finding });
  expect(decodeCaseFile(text, name).finding).toEqual(finding);
  writeFileSync(join(folder.path, name), text);
}

test.each([
  [['linux:a tree'], '6.12', '1.5.01', "'linux:a tree' --case one.json"],
  [['linux:a', 'linux:b'], '6.12', 'later', '--between --module later linux:a linux:b --case one.json'],
  [['stdio:./host'], '7.3', '1.5.01', '--kernel 7.3 --module 1.5.01 stdio:./host --case one.json'],
])('a finding of %j is not replayed on the model', async (implementations, kernel, module, command) => {
  save('one.json', { kernel, module }, implementations);
  for (const subcommand of ['replay', 'shrink']) {
    const { code, out, err } = await runNode(folder.path, [START, subcommand, 'one.json']);
    expect(code).toBe(2);
    expect(out + err).toContain(`run instead: npx seamstress conform ${command}\n`);
    expect(out + err).not.toContain('no longer fails');
  }
});

test('such a finding does not become a known deviation of a model', async () => {
  for (const path of ['findings', 'corpus']) mkdirSync(join(folder.path, path));
  save('findings/one.json', { kernel: '6.12', module: '1.5.01' }, ['linux:a']);
  writeFileSync(join(folder.path, 'corpus/reasons.json'), readFileSync(REASONS));
  const { code, out, err } = await runNode(folder.path, [START, 'corpus', 'promote', 'findings', '--corpus', 'corpus']);
  expect([code, out]).toEqual([0, expect.stringContaining('0 promoted')]);
  expect(err).toContain('findings/one.json: skipped: found with linux:a, so it is not a deviation of a model');
});

test('a finding of the model is replayed', async () => {
  save('own.json', { kernel: '6.12', module: '1.5.01' });
  const { code, out } = await runNode(folder.path, [START, 'replay', 'own.json']);
  expect([code, out]).toEqual([0, expect.stringContaining('no longer fails')]);
});
