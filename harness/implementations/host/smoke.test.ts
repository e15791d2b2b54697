import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { publishedSchema } from '../../schema.ts';
import type { SmokeReport } from '../protocol/ladder.ts';
import { smokeHost } from './smoke.ts';

const MAIN = fileURLToPath(new URL('../miniatures/host-main.js', import.meta.url));
const SCHEMA = publishedSchema<unknown>('./implementations/protocol/smoke.schema.json');

/** Those that stay silent, and how long they are waited for. */
const START: Readonly<Record<string, number>> = { mute: 1500, 'deaf-to-bad-input': 5000 };

async function climb(name: string): Promise<SmokeReport> {
  const timeouts = { start: START[name] ?? 20_000, step: 500, case: 3000, idle: 20_000, shutdown: 100 };
  const options = { timeouts, version: 'test', now: () => performance.now() };
  const report = await smokeHost(`exec '${process.execPath}' '${MAIN}' ${name}`, options);
  SCHEMA.check(report, 'report');
  return report;
}

describe('the ladder of hosts', () => {
  test.each(['right', 'strict'])('holds for our own model: %s', async (name) => {
    const { rungs } = await climb(name);
    expect(rungs.map(({ name: rung, result }) => [rung, result])).toEqual(
      ['hello', 'schema', 'reset', 'known answers', 'determinism', 'bad input', 'kill and recover'].map((rung) => [
        rung,
        'ok',
      ]),
    );
  });

  test.each([
    ['mute', 'hello', /no 'hello' within 1500 ms/, /flush stdout/],
    ['old-version', 'hello', /speaks seam-stdio\/7/, /major version/],
    ['upper-case', 'schema', /lower-case hexadecimal text/, /host-response\.schema\.json/],
    ['wrong-id', 'schema', /ended id 999999/, /host-response\.schema\.json/],
    ['crash', 'schema', /exit code 3/, /live until `stop`/],
    ['garbage', 'schema', /is not JSON: "here: 1"/, /debugging to stderr/],
    ['hang', 'schema', /nothing came for 1000 ms while 'enable'/, /--timeout/],
    ['keeps-state', 'reset', /has LP 0 among lps/, /forget everything when boot comes/],
    ['skips-nothing-but-the-end', 'known answers', /is not initialised to its end/, /repeat TDH\.SYS\.TDMR\.INIT/],
    ['swallows-errors', 'known answers', /without private KeyIDs: enable returned 0/, /negative errno/],
    [
      'non-deterministic',
      'determinism',
      /again in another order: effect \d+ of enable was "alloc \d+ bytes \(alloc_pages_exact\)/,
      /draw nothing at random/,
    ],
    ['deaf-to-bad-input', 'bad input', /to the line this is not JSON/, /"type":"error"/],
  ])('%s slips on the rung %s', async (name, rung, message, advice) => {
    const { rungs, stderr } = await climb(name);
    const failed = rungs.filter(({ result }) => result === 'failed');
    expect(failed.map((one) => one.name)).toEqual([rung]);
    for (const one of failed) {
      expect(one.message).toMatch(message);
      expect(one.advice).toMatch(advice);
    }
    if (name === 'crash') expect(stderr).toContain('segmentation fault');
  });
});
