import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Event } from '../../model/world/event.ts';
import { type CaseFile, decodeCaseFile, encodeCaseFile } from '../case.ts';
import { EXIT } from '../user-error.ts';
import type { KnownDeviation } from '../store/known.ts';
import { stages } from '../testing/fake-stages.ts';
import { type CampaignConfig, type CampaignPorts, runCampaign } from './campaign.ts';
import { RANGE_SIZE } from './budget.ts';
import { type Executor, executorOf, startExecutor } from './executor.ts';
import { createWatch, watcherOf } from './watch.ts';
import type { Stages } from './stages.ts';
import { perform } from './task.ts';
import { runRange } from './range.ts';
import type { CampaignRecord, Footer } from './record.ts';

const PIPELINE = new URL('../testing/fake-stages.js', import.meta.url).href;
const PROFILE = { kernel: 'unsound', module: 'plain' };

const executors: Executor[] = [];
beforeAll(async () => {
  for (const workers of [1, 2]) executors.push(await startExecutor(workers, { module: PIPELINE }));
});
afterAll(async () => {
  for (const executor of executors) await executor.close();
});

function config(overrides: Partial<CampaignConfig> = {}): CampaignConfig {
  const profile = overrides.profile ?? PROFILE;
  return {
    seed: 'tests',
    profile,
    mood: 'swarm',
    budget: { runs: 3000 },
    shard: { index: 1, count: 1 },
    bail: false,
    shrinkEvaluations: 2000,
    known: new Map(),
    given: [],
    sometimes: stages.sometimes(profile),
    ruleOf: stages.ruleOf,
    ...overrides,
  };
}

interface Outcome {
  readonly footer: Footer;
  readonly records: readonly CampaignRecord[];
  /** The last file saved for each bucket. */
  readonly files: ReadonlyMap<string, CaseFile>;
  readonly saves: readonly string[];
}

async function run(given: CampaignConfig = config(), ports: Partial<CampaignPorts> = {}): Promise<Outcome> {
  const records: CampaignRecord[] = [];
  const files = new Map<string, CaseFile>();
  const saves: string[] = [];
  const footer = await runCampaign(given, {
    executor: executors[0] as Executor,
    now: Date.now,
    interrupted: () => undefined,
    save(bucket, file) {
      files.set(bucket, file);
      saves.push(bucket);
      return `out/${bucket}.json`;
    },
    emit: (record) => records.push(record),
    progress: () => undefined,
    ...ports,
  });
  return { footer, records, files, saves };
}

function known(bucket: string, file: CaseFile): ReadonlyMap<string, KnownDeviation> {
  const note = { invariant: 'i', bucket, reason: 'r', source: 's' };
  return new Map([[bucket, { ...note, path: `corpus/known/${bucket}.json`, case: file.case }]]);
}

describe('a campaign', () => {
  test('finds each bucket once, at its first case, shrinks it and keeps findings made while shrinking', async () => {
    const { footer, records, files } = await run();
    expect(footer).toMatchObject({ cases: 3000, findings: 3, exitCode: EXIT.FINDING, crash: null, interrupted: null });
    expect([...files.keys()].sort()).toEqual([
      'lp/offline-twice|cpu-offline',
      'order/kexec-last|kexec',
      'size/single|kexec',
    ]);
    expect(files.get('order/kexec-last|kexec')).toMatchObject({
      case: { events: { length: 3 } },
      finding: { minimal: true },
    });
    expect(files.get('lp/offline-twice|cpu-offline')?.case.events).toEqual([
      { kind: 'cpu-offline', lp: 0 },
      { kind: 'cpu-offline', lp: 0 },
    ]);
    const minimal = records.flatMap((record) => (record.record === 'minimal' ? [record] : []));
    expect(minimal.map(({ replay }) => replay)).toContain("npx seamstress replay 'out/size/single|kexec.json'");
    expect(minimal.find(({ bucket }) => bucket === 'size/single|kexec')?.origin).toMatch(/^shrinking tests:\d+$/);
    expect(minimal.find(({ bucket }) => bucket === 'order/kexec-last|kexec')?.trace).toHaveLength(3);
  });

  test('a finding lists the other findings that its smallest case shows', () => {
    const both: Stages = {
      ...stages,
      judge(input) {
        const verdict = stages.judge(input);
        const extra = verdict.violations.map((one) => ({ ...one, bucket: `${one.bucket}, too` }));
        return { ...verdict, violations: [...verdict.violations, ...extra] };
      },
    };
    const events = [0, 1, 1].map((lp): Event => ({ kind: 'cpu-offline', lp }));
    const input = { ...stages.generate('tests', 0, { profile: PROFILE, mood: 'swarm' }), events };
    const bucket = 'lp/offline-twice|cpu-offline';
    const task = { kind: 'shrink', case: input, bucket, evaluations: 100, deadline: null } as const;
    expect(perform(both, task, Date.now, watcherOf(createWatch()))).toMatchObject({
      case: { events: { length: 2 } },
      also: [`${bucket}, too`],
    });
  });

  test('an origin regenerates its case alone', async () => {
    const { records } = await run();
    for (const record of records) {
      if (record.record !== 'finding' || record.origin.startsWith('shrinking')) continue;
      const index = Number(record.origin.split(':')[1]);
      const made = stages.generate('tests', index, { profile: PROFILE, mood: 'swarm' });
      expect(stages.judge(made).violations.map(({ bucket }) => bucket)).toContain(record.bucket);
      expect(decodeCaseFile(JSON.stringify(record.case), 'x').case).toEqual(made);
    }
  });

  test('records and files are the same for every number of workers, and in a second run', async () => {
    const text = ({ records, files }: Outcome): string => {
      return [
        ...records.map((record) => JSON.stringify(record)),
        ...[...files].sort().map(([, file]) => encodeCaseFile(file)),
      ].join('\n');
    };
    const one = text(await run());
    expect(text(await run())).toBe(one);
    expect(text(await run(config(), { executor: executors[1] as Executor }))).toBe(one);
    expect(text(await run(config({ seed: 'other' })))).not.toBe(one);
  });

  test('the union of all shards equals the whole campaign', async () => {
    const whole = await run(config({ budget: { runs: 5000 } }));
    const shards: Outcome[] = [];
    for (const index of [1, 2, 3])
      shards.push(await run(config({ budget: { runs: 5000 }, shard: { index, count: 3 } })));
    const sum = (key: 'cases' | 'events' | 'seamcalls') => shards.reduce((total, { footer }) => total + footer[key], 0);
    expect(sum('cases')).toBe(5000);
    expect(sum('events')).toBe(whole.footer.events);
    expect(sum('seamcalls')).toBe(whole.footer.seamcalls);
    const buckets = ({ files }: Outcome) => [...files.keys()];
    expect(new Set(shards.flatMap(buckets))).toEqual(new Set(buckets(whole)));
  });

  test('known deviations are listed separately and not shrunk again; one that no case reproduces is stale', async () => {
    const { files } = await run();
    const file = files.get('lp/offline-twice|cpu-offline') as CaseFile;
    const both = new Map([...known('lp/offline-twice|cpu-offline', file), ...known('gone|x', file)]);
    const { footer, records, saves } = await run(config({ known: both }));
    expect(footer).toMatchObject({ known: 1, stale: ['gone|x'], findings: 2, exitCode: EXIT.FINDING });
    expect(saves).not.toContain('lp/offline-twice|cpu-offline');
    const seen = records.find((record) => record.record === 'known' && record.bucket.startsWith('lp/'));
    expect(seen).toMatchObject({
      reproduced: true,
      origin: expect.stringMatching(/^tests:\d+$/),
      hits: expect.any(Number),
    });
  });

  test('a campaign that finds only known deviations exits with 0', async () => {
    const { files } = await run();
    const all = new Map([...files].flatMap(([bucket, file]) => [...known(bucket, file)]));
    const { footer, saves } = await run(config({ known: all }));
    expect(footer).toMatchObject({ known: 3, findings: 0, stale: [], exitCode: EXIT.OK });
    expect(saves).toEqual([]);
  });

  describe('of a kernel that satisfies invariants its model violates', () => {
    const BUCKET = 'lp/offline-twice|cpu-offline';
    const profile = { kernel: 'patched', module: 'plain' };
    const runPatched = async (
      overrides: Partial<CampaignConfig> = {},
      ports: Partial<CampaignPorts> = {},
    ): Promise<Outcome> => {
      const { files } = await run();
      const file = files.get(BUCKET) as CaseFile;
      const own = { ...file, case: { ...file.case, profile } };
      return run(config({ profile, known: known(BUCKET, own), ...overrides }), ports);
    };

    test('a difference that comes with the fix is not a finding, any other one is', async () => {
      const { footer, records, saves } = await runPatched();
      expect(footer).toMatchObject({ findings: 1, stale: [BUCKET], exitCode: EXIT.FINDING });
      expect([...new Set(saves)]).toEqual(['is-its-model|kexec']);
      expect(footer.explained).toEqual([
        {
          ...{ bucket: 'is-its-model|cpu-offline', kept: [BUCKET] },
          ...{ cases: expect.any(Number), hits: expect.any(Number) },
        },
      ]);
      expect(footer.explained?.[0]?.hits).toBeGreaterThan(100);
      expect(records.find(({ record }) => record === 'known')).toMatchObject({
        reproduced: false,
        better: { cases: expect.any(Number), origin: `corpus/known/${BUCKET}.json` },
      });
    });

    test('a finding that a later case explains is withdrawn', async () => {
      const discarded: string[] = [];
      const { footer, saves, records } = await runPatched(
        { recheck: false, rangeSize: 1, budget: { runs: 200 } },
        { discard: (file) => void discarded.push(file) },
      );
      expect(saves).toContain('is-its-model|cpu-offline');
      expect(discarded).toEqual(['out/is-its-model|cpu-offline.json']);
      expect(footer.findings).toBe(1);
      expect(records.flatMap((one) => (one.record === 'minimal' ? [one.bucket] : []))).toEqual(['is-its-model|kexec']);
    });

    test('the records are the same for every number of workers', async () => {
      const text = ({ records }: Outcome): string => records.map((record) => JSON.stringify(record)).join('\n');
      const few = { recheck: false, rangeSize: 1, budget: { runs: 200 } };
      for (const overrides of [{}, few])
        expect(text(await runPatched(overrides, { executor: executors[1] as Executor }))).toBe(
          text(await runPatched(overrides)),
        );
    });
  });

  test('another rule that the own case of a known deviation breaks is a finding', async () => {
    const { files } = await run();
    const file = files.get('lp/offline-twice|cpu-offline') as CaseFile;
    const { records } = await run(config({ known: known('other|x', file), budget: { runs: 1 } }));
    expect(records[0]).toMatchObject({
      record: 'finding',
      bucket: 'lp/offline-twice|cpu-offline',
      origin: 'corpus/known/other|x.json',
    });
  });

  test('cases of the corpus are judged first', async () => {
    const { files } = await run();
    const given = [{ origin: 'corpus/cases/a.json', case: (files.get('size/single|kexec') as CaseFile).case }];
    const { footer, records } = await run(config({ given, budget: { runs: 10 } }));
    expect(footer.cases).toBe(11);
    expect(records[0]).toMatchObject({ record: 'finding', origin: 'corpus/cases/a.json', bucket: 'size/single|kexec' });
  });

  test('--bail stops after the first range with a finding, for any number of workers', async () => {
    const one = await run(config({ bail: true, budget: { runs: 50_000 } }));
    expect(one.footer.cases).toBeLessThan(50_000);
    const two = await run(config({ bail: true, budget: { runs: 50_000 } }), { executor: executors[1] as Executor });
    expect(two.records).toEqual(one.records);
  });

  test('an overdue sometimes makes the campaign inconclusive; one with budget left does not', async () => {
    const profile = { kernel: 'sound', module: 'later' };
    const overdue = await run(config({ profile, budget: { runs: 1000 } }));
    expect(overdue.footer).toMatchObject({
      sometimes: { reached: ['enabled'], unreached: ['never'], overdue: ['never'] },
      exitCode: EXIT.INCONCLUSIVE,
    });
    const early = await run(config({ profile, budget: { runs: 999 } }));
    expect(early.footer).toMatchObject({ sometimes: { unreached: ['never'], overdue: [] }, exitCode: EXIT.OK });
  });

  test('a shard without cases is inconclusive', async () => {
    const { footer } = await run(config({ budget: { runs: 100 }, shard: { index: 2, count: 2 } }));
    expect(footer).toMatchObject({ cases: 0, exitCode: EXIT.INCONCLUSIVE });
  });

  test('a judge that throws is a bug of seamstress: the case is named, earlier findings are kept', async () => {
    const { footer } = await run(config({ profile: { kernel: 'fragile', module: 'plain' } }));
    expect(footer.exitCode).toBe(EXIT.INTERNAL);
    expect(footer.crash).toMatchObject({
      origin: expect.stringMatching(/^tests:\d+$/),
      stack: expect.stringContaining('the fake judge broke'),
    });
  });

  test('an interrupt ends it cleanly: findings are kept unshrunk, and the exit code is that of the signal', async () => {
    let asked = 0;
    const { footer, files } = await run(config({ budget: { runs: 1_000_000 } }), {
      interrupted: () => (++asked > 12 ? 'SIGTERM' : undefined),
    });
    expect(footer).toMatchObject({ interrupted: 'SIGTERM', exitCode: EXIT.SIGTERM });
    expect(footer.cases).toBeGreaterThan(0);
    expect(files.size).toBe(footer.findings);
  });

  test('a budget of time is respected, and a share of it is for shrinking', async () => {
    let clock = 0;
    const now = (): number => clock;
    const inner = executorOf({ stages, close: () => undefined }, now);
    // Every task takes 10 ms of this clock.
    const execute: Executor['execute'] = (task) => {
      clock += 10;
      return inner.execute(task);
    };
    const { footer, records } = await run(config({ budget: { time: 1 } }), { now, executor: { ...inner, execute } });
    expect(clock).toBeGreaterThan(900);
    expect(clock).toBeLessThan(1100);
    expect(footer.cases).toBeGreaterThan(80 * RANGE_SIZE);
    const minimal = records.flatMap((record) => (record.record === 'minimal' ? [record.minimal] : []));
    expect(minimal).toEqual([true, true, true]);
  });
});

describe('a case that does not end', () => {
  test('is a crash that names the case, and the campaign ends', async () => {
    const executor = await startExecutor(2, { module: PIPELINE }, 1);
    const profile = { kernel: 'endless', module: 'plain' };
    try {
      const { footer } = await run(config({ profile, budget: { runs: 500 } }), { executor });
      const origin = footer.crash?.origin ?? '';
      expect(footer).toMatchObject({ exitCode: EXIT.INTERNAL, crash: { stack: 'the case did not end within 1 s' } });
      const index = Number(/^tests:(\d+)$/.exec(origin)?.[1]);
      expect(stages.generate('tests', index, { profile, mood: 'swarm' }).events.length).toBeGreaterThan(4);
    } finally {
      await executor.close();
    }
  });
});

describe('a range', () => {
  test('executed twice produces identical bytes', () => {
    const range = { seed: 's', profile: PROFILE, mood: 'calm', from: 100, to: 900 };
    expect(JSON.stringify(runRange(stages, range))).toBe(JSON.stringify(runRange(stages, range)));
  });
});
