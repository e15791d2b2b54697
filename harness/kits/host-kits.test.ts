import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { hostStages } from '../implementations/host/stages.ts';
import { openHost } from '../implementations/host/judge.ts';
import { smokeHost } from '../implementations/host/smoke.ts';
import { openHostSession } from '../implementations/host/process.ts';
import { DEFAULT_TIMEOUTS } from '../implementations/process/timeouts.ts';
import { stages } from '../pipeline.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const KITS = `${ROOT}harness/kits`;
const folder = mkdtempSync(join(tmpdir(), 'seamstress-host-kits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SOURCES = 'host.c host_memory.c host_calls.c host_protocol.c json.c';
const WARNINGS = '-std=c11 -Wall -Wextra -Wpedantic -Werror';

/** The commands that docs/implementing-a-host.md gives, each in the folder of its kit. */
const STARTERS: readonly (readonly [string, string, string | null])[] = [
  ['python', `exec python3 '${KITS}/python/host.py'`, null],
  ['typescript', `exec '${process.execPath}' '${ROOT}.build/harness/kits/typescript/host.js'`, null],
  ['c', `exec '${folder}/host'`, `cc ${WARNINGS} -O2 -o '${folder}/host' ${SOURCES}`],
];
const OPTIONS = { timeouts: DEFAULT_TIMEOUTS, version: 'test', now: () => performance.now() };
const CASES = 100;

describe('every host starter', () => {
  test.each(STARTERS)('%s climbs the whole ladder', async (name, command, build) => {
    if (build !== null) execFileSync('/bin/sh', ['-c', build], { cwd: `${KITS}/${name}` });
    const { rungs, stderr } = await smokeHost(command, OPTIONS);
    expect(rungs.filter(({ result }) => result !== 'ok')).toEqual([]);
    expect(stderr).toBe('');
  });

  test.each(STARTERS)('%s breaks no rule on generated machines', (name, command) => {
    const subject = openHost({ name, start: () => openHostSession(command, OPTIONS) });
    const { generate } = hostStages(stages, subject);
    const profile = { kernel: '6.12', module: '1.5.01' };
    try {
      for (let index = 0; index < CASES; index += 1) {
        const input = generate('host-kits', index, { profile, mood: stages.moods[0] ?? '' });
        expect(subject.judge(input, index % 10 === 0).violations.map(({ message }) => message)).toEqual([]);
      }
    } finally {
      subject.close();
    }
  });

  test.each([
    ...['python/host.py', 'python/host_memory.py', 'python/host_protocol.py'],
    ...['typescript/host.ts', 'typescript/host-memory.ts', 'typescript/host-tdmrs.ts', 'typescript/host-protocol.ts'],
    ...['c/host.c', 'c/host_memory.c', 'c/host_calls.c', 'c/host_protocol.c'],
  ])('%s has under 200 lines', (file) => {
    expect(readFileSync(`${KITS}/${file}`, 'utf8').split('\n').length).toBeLessThan(200);
  });

  test.each([
    '{"type":"boot","id":1}',
    '{"type":"boot","id":1,"cpus":[],"keyids":null,"addressEnd":"0x0"}',
    '{"type":"boot","id":1,"cpus":7,"addressEnd":"0x400000000000"}',
    '{"type":"enable","id":1,"memory":[{"base":"zero"}],"online":[99999]}',
    '{"type":"memory-online","id":1,"base":"0x0"}',
    '[[[[[',
    '{"type":"answer","id":9}',
  ])('the one in C survives %s', (line) => {
    const program = `${folder}/checked`;
    if (!existsSync(program))
      execFileSync('/bin/sh', ['-c', `cc ${WARNINGS} -g -O1 -fsanitize=undefined -o '${program}' ${SOURCES}`], {
        cwd: `${KITS}/c`,
      });
    const out = execFileSync(program, { input: `${line}\n${'{"type":"stop","id":1}'}\n`, encoding: 'utf8' });
    const messages = out
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as { type: string });
    expect(messages).toHaveLength(2);
    expect(messages[1]).toEqual({ type: 'stopped', id: 1 });
  });
});
