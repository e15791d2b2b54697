import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { RELEASES } from '../../model/module/release.ts';
import { smoke } from '../implementations/module/smoke.ts';
import { DEFAULT_TIMEOUTS } from '../implementations/process/timeouts.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const KITS = `${ROOT}harness/kits`;
const folder = mkdtempSync(join(tmpdir(), 'seamstress-kits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The commands that docs/implementing.md gives, each in the folder of its kit. */
const STARTERS: readonly (readonly [string, string, string | null])[] = [
  ['python', `exec python3 '${KITS}/python/module.py'`, null],
  ['typescript', `exec '${process.execPath}' '${ROOT}.build/harness/kits/typescript/module.js'`, null],
  [
    'c',
    `exec '${folder}/module'`,
    `cc -std=c11 -Wall -Wextra -Wpedantic -Werror -O2 -o '${folder}/module' module.c protocol.c json.c`,
  ],
];

describe('every starter', () => {
  test.each(STARTERS)('%s climbs the whole ladder', async (name, command, build) => {
    if (build !== null) execFileSync('/bin/sh', ['-c', build], { cwd: `${KITS}/${name}` });
    const options = {
      timeouts: DEFAULT_TIMEOUTS,
      version: 'test',
      now: () => performance.now(),
      validate: 'always',
    } as const;
    const { rungs, stderr } = await smoke(command, options, RELEASES['1.5.01']);
    expect(rungs.filter(({ result }) => result !== 'ok')).toEqual([]);
    expect(stderr).toBe('');
  });

  test.each(['python/module.py', 'typescript/module.ts', 'c/module.c', 'c/protocol.c'])(
    '%s has under 200 lines',
    (file) => {
      expect(readFileSync(`${KITS}/${file}`, 'utf8').split('\n').length).toBeLessThan(200);
    },
  );

  test.each([
    '{"a":"\\u00e9\\ud83d\\ude00\\n"}',
    '{"type":"run","id":1,"cases":[{"id":"\\u0041\\"","platform":{"lps":[{"id":0,"pkg":0}]},"steps":[]}]}',
    '[[[[[',
    '{"id":',
    '"',
    '{"type":"ping","id":9007199254740991}',
    '{"type":"ping" , "id" : 12 }',
    '12',
    '{"type":"run","id":1,"cases":[{"id":"x","steps":[{"seamcall":{"lp":5,"rax":"0x21"}}]}]}',
  ])('the one in C survives %s', (line) => {
    execFileSync('/bin/sh', ['-c', `cc -std=c11 -g -O1 -o '${folder}/checked' module.c protocol.c json.c`], {
      cwd: `${KITS}/c`,
    });
    const out = execFileSync(`${folder}/checked`, {
      input: `${line}\n${'{"type":"stop","id":1}'}\n`,
      encoding: 'utf8',
    });
    const messages = out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { type: string });
    expect(messages).toHaveLength(2);
    expect(messages[1]).toEqual({ type: 'stopped', id: 1 });
  });
});
