import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { RELEASES } from '../../../model/module/release.ts';
import { publishedSchema } from '../../schema.ts';
import type { SmokeReport } from '../protocol/ladder.ts';
import { smoke } from './smoke.ts';

const MAIN = fileURLToPath(new URL('../miniatures/main.js', import.meta.url));
const SCHEMA = publishedSchema<unknown>('./implementations/protocol/smoke.schema.json');

/** Those that stay silent, and how long they are waited for. */
const START: Readonly<Record<string, number>> = { mute: 300, 'deaf-to-bad-input': 3000 };

async function climb(name: string, start = 20_000): Promise<SmokeReport> {
  const timeouts = { start, step: 1000, case: 2000, idle: 20_000, shutdown: 100 };
  const options = { timeouts, version: 'test', now: () => performance.now(), validate: 'always' } as const;
  const report = await smoke(`exec '${process.execPath}' '${MAIN}' ${name}`, options, RELEASES['1.5.01']);
  SCHEMA.check(report, 'report');
  return report;
}

describe('the ladder', () => {
  test('holds for our own model', async () => {
    const { rungs } = await climb('right');
    expect(rungs.map(({ name, result }) => [name, result])).toEqual(
      ['hello', 'schema', 'reset', 'known answers', 'determinism', 'bad input', 'kill and recover'].map((name) => [
        name,
        'ok',
      ]),
    );
  });

  test.each([
    ['mute', 'hello', /no 'hello' within 300 ms/, /flush stdout/],
    ['old-version', 'hello', /speaks seam-stdio\/7/, /major version/],
    ['lies-about-modules', 'schema', /refuses module 1\.5\.01: not this one/, /outcome "ok"/],
    ['ignores-reset', 'reset', /expected TDX_SUCCESS, got TDX_SYS_INIT_NOT_PENDING/, /a module just loaded/],
    ['wrong-outcome', null, /./, /^$/],
    ['upper-case', 'known answers', /lower-case hexadecimal text/, /response\.schema\.json/],
    ['non-deterministic', 'determinism', /asked again in another order: r11/, /same case has the same answer/],
    ['deaf-to-bad-input', 'bad input', /no 'error' within|no answer within/, /"type":"error"/],
    ['wrong-id', 'schema', /answered id 999999/, /response\.schema\.json/],
    ['crash', 'known answers', /exit code 3/, /live until `stop`/],
  ])('%s slips on the rung %s', async (name, rung, message, advice) => {
    const { rungs, stderr } = await climb(name, START[name] ?? 20_000);
    const failed = rungs.filter(({ result }) => result === 'failed');
    expect(failed.map((one) => one.name)).toEqual(rung === null ? [] : [rung]);
    for (const one of failed) {
      expect(one.message).toMatch(message);
      expect(one.advice).toMatch(advice);
    }
    if (name === 'crash') expect(stderr).toContain('segmentation fault');
  });
});
