import { REGISTERS } from '../../model/abi/registers.ts';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { leafName } from '../../model/abi/leaf-number.ts';
import { statusName } from '../../model/abi/status.ts';
import { formatU64, lowHalf } from '../../model/abi/u64.ts';
import { RELEASES } from '../../model/module/release.ts';
import { readJSONLines } from './json-lines.ts';
import type { ModuleCase } from './module-case.ts';
import { readModuleCase } from './module-case.ts';
import { createModuleReplay, replayModuleCase, SKIPPED_PAMT } from './module-replay.ts';

const FILE = fileURLToPath(new URL('../../../corpus/transcripts/module-1.5.01.jsonl.gz', import.meta.url));
const RELEASE = RELEASES['1.5.01-recorded'];

let cases: ModuleCase[];

beforeAll(async () => {
  cases = [];
  for await (const { value } of readJSONLines(FILE)) cases.push(readModuleCase(value));
});

describe('the recording of TDX module 1.5.01', () => {
  test.each(['counted', 'single'] as const)('every case agrees, calls of a repeat %s', (mode) => {
    const results = cases.map((recorded) => replayModuleCase(recorded, RELEASE, mode));
    expect(results.flatMap(({ mismatches }) => mismatches)).toEqual([]);
    expect(results.length).toBe(3403);
    expect(results.reduce((sum, { seamcalls }) => sum + seamcalls, 0)).toBe(357_716);
    // 02707-pamt-contents is the one case that reads PAMT memory.
    expect(results.filter(({ skipped }) => skipped.length !== 0).map(({ id, skipped }) => [id, skipped])).toEqual([
      ['02707-pamt-contents', [{ reason: SKIPPED_PAMT, count: 72 }]],
    ]);
  });

  test('it covers the leaves and statuses it is kept for', () => {
    const pairs = new Set<string>();
    for (const { steps } of cases) {
      for (const { regs, runs } of steps) {
        for (const { result } of runs)
          pairs.add(`${leafName(lowHalf(regs.rax)) ?? 'unknown'} ${statusName(result.rax) ?? '?'}`);
      }
    }
    expect([...pairs].filter((pair) => pair.endsWith('?'))).toEqual([]);
    expect(pairs.size).toBeGreaterThanOrEqual(120);
  });
});

describe('one wrong digit is caught', () => {
  test('in any register of any step', () => {
    const missed: string[] = [];
    let tried = 0;
    for (const [number, recorded] of cases.entries()) {
      // Every 17th case, every register of its last step: enough to meet all families, quick enough to run always.
      if (number % 17 !== 0) continue;
      const last = recorded.steps.at(-1);
      const run = last?.runs.at(-1);
      if (last === undefined || run === undefined) continue;
      for (const name of REGISTERS) {
        const result = { ...run.result, [name]: flipped(run.result[name]) };
        const step = { ...last, runs: [...last.runs.slice(0, -1), { ...run, result }] };
        const damaged = { ...recorded, steps: [...recorded.steps.slice(0, -1), step] };
        const { mismatches } = replayModuleCase(damaged, RELEASE);
        tried += 1;
        if (mismatches.length !== 1 || !mismatches[0]?.what.endsWith(name)) missed.push(`${recorded.id} ${name}`);
      }
    }
    expect(missed).toEqual([]);
    expect(tried).toBeGreaterThan(1000);
  });

  test('in memory read back, and in a build value', () => {
    const recorded = cases.find(({ id }) => id === '01611-info-full') as ModuleCase;
    const steps = recorded.steps.map((step) => ({
      ...step,
      reads: step.reads.map((read) => ({
        ...read,
        words: read.words.map((word, index) => (index === 5 ? flipped(word) : word)),
      })),
    }));
    expect(replayModuleCase({ ...recorded, steps }, RELEASE).mismatches.map(({ what }) => what)).toContain(
      'memory 0x110028',
    );
    expect(replayModuleCase(recorded, RELEASES['1.5.01']).mismatches[0]?.what).toBe('memory 0x110008');
  });

  test('in the number of calls before an answer changes', () => {
    const line = (n: number) => ({
      id: 'runs',
      platform: PLATFORM,
      steps: [
        ...READY_STEPS,
        {
          seamcall: { lp: 0, rax: '0x24', rcx: '0x100000000' },
          repeat: 256,
          runs: [
            { n, result: { rax: '0x0', rcx: '0x100000000', rdx: '0x100000000' } },
            { n: 256 - n, result: { rax: '0x0', rcx: '0x100000000', rdx: '0x140000000' } },
          ],
        },
      ],
    });
    const replay = createModuleReplay(RELEASE);
    expect(replay(line(255)).mismatches).toEqual([]);
    expect(replay(line(254)).mismatches[0]).toMatchObject({
      step: 4,
      what: 'runs[1] call 1: rdx',
      expected: '0x140000000',
      got: '0x100000000',
    });
  });

  test('in a case that should have been fatal, or was not', () => {
    const fatal = cases.find(({ steps }) => steps.some((step) => step.fatal)) as ModuleCase;
    expect(replayModuleCase(fatal, RELEASE).mismatches).toEqual([]);
    const answered = {
      ...fatal,
      steps: fatal.steps.map((step) => ({ ...step, fatal: false, runs: [{ count: 1, result: step.regs }] })),
    };
    expect(replayModuleCase(answered, RELEASE).mismatches[0]).toMatchObject({
      what: 'outcome',
      got: 'the module shuts itself down',
    });
    const healthy = { ...fatal, platform: { ...fatal.platform, cpuid: [] } };
    expect(replayModuleCase(healthy, RELEASE).mismatches[0]).toMatchObject({
      what: 'outcome',
      expected: 'the module shuts itself down',
      got: '0x0',
    });
  });
});

test('a leaf that no recording covers is refused, not guessed', () => {
  const line = {
    id: 'enter',
    platform: PLATFORM,
    steps: [...READY_STEPS, { seamcall: { lp: 0, rax: '0x0' }, result: { rax: '0x0' } }],
  };
  expect(() => createModuleReplay(RELEASE)(line)).toThrow(
    'enter: steps[4] calls TDH.VP.ENTER, a leaf that no module recording covers',
  );
});

const PLATFORM = {
  maxPa: 52,
  keyidBits: 6,
  mktmeKeyids: 15,
  tdxKeyids: 48,
  lps: [{ id: 0, pkg: 0, core: 0, thread: 0, x2apic: 0 }],
  cmrs: [
    { base: '0x100000', size: '0x77f00000' },
    { base: '0x100000000', size: '0x40000000' },
  ],
  seamrr: { base: '0x78000000', size: '0x8000000' },
  smrr: [{ base: '0x7f000006', mask: '0xff800000', lock: 1, valid: 1 }],
};

const READY_STEPS = [
  { seamcall: { lp: 0, rax: '0x21' }, result: { rax: '0x0' } },
  { seamcall: { lp: 0, rax: '0x23' }, result: { rax: '0x0' } },
  {
    mem: [
      { pa: '0x101000', u64: ['0x102000'] },
      {
        pa: '0x102000',
        u64: ['0x100000000', '0x40000000', '0x400000', '0x1000', '0x401000', '0x2000', '0x403000', '0x400000'],
      },
    ],
    seamcall: { lp: 0, rax: '0x2d', rcx: '0x101000', rdx: '0x1', r8: '0x10' },
    result: { rax: '0x0', rcx: '0x101000', rdx: '0x1', r8: '0x10' },
  },
  { seamcall: { lp: 0, rax: '0x1f' }, result: { rax: '0x0' } },
];

/** The value with its lowest digit changed. */
function flipped(value: number | bigint): number | bigint {
  const text = formatU64(value);
  const digit = parseInt(text.slice(-1), 16);
  const changed = `${text.slice(0, -1)}${(digit ^ 1).toString(16)}`;
  const big = BigInt(changed);
  return big < 2n ** 53n ? Number(big) : big;
}
