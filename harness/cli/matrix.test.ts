import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runNode, temporaryFolder, type TemporaryFolder } from '../testing/spawn-cli.ts';
import { EXIT } from '../user-error.ts';
import { MATRIX_SCHEMA } from './matrix.ts';

const START = fileURLToPath(new URL('./start.js', import.meta.url));
let folder: TemporaryFolder;

beforeAll(() => {
  folder = temporaryFolder();
});

afterAll(() => {
  folder.remove();
});

test('matrix writes three files about this corpus, and the JSON fits its schema', async () => {
  const { code, out, err } = await runNode(folder.path, [START, 'matrix', '--output', 'out']);
  expect(err).toBe('');
  expect(out).toMatch(/\n {2}1 {2}nosmt costs TDX +x +x /);
  expect(code).toBe(EXIT.OK);
  const json = MATRIX_SCHEMA.check(JSON.parse(readFileSync(join(folder.path, 'out/flaws.json'), 'utf8')), 'flaws.json');
  expect(json.rows.length).toBeGreaterThanOrEqual(45);
  expect(readFileSync(join(folder.path, 'out/flaws.md'), 'utf8')).toContain('# Flaws against kernel revisions');
  expect(readFileSync(join(folder.path, 'out/flaws.html'), 'utf8')).toContain('</html>');
});

test('a corpus without known deviations proves nothing', async () => {
  mkdirSync(join(folder.path, 'empty'));
  const { code, err } = await runNode(folder.path, [START, 'matrix', '--corpus', 'empty', '--output', 'none']);
  expect(err).toContain('nothing was judged');
  expect(code).toBe(EXIT.INCONCLUSIVE);
});

test('an output that cannot be written is an error at once', async () => {
  writeFileSync(join(folder.path, 'file'), '');
  const { code, err } = await runNode(folder.path, [START, 'matrix', '--output', 'file']);
  expect(err).toContain('file');
  expect(code).toBe(EXIT.USAGE);
});
