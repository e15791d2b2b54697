import { beforeAll, describe, expect, test } from '@jest/globals';
import { runCampaign } from '../campaign/campaign.ts';
import { startExecutor } from '../campaign/executor.ts';
import type { CampaignRecord, Footer, Header, Minimal } from '../campaign/record.ts';
import { UserError } from '../user-error.ts';
import type { KnownDeviation } from '../store/known.ts';
import { stages } from '../testing/fake-stages.ts';
import { sampleCase } from '../testing/sample.ts';
import { grouped, PLAIN, renderScreen } from './console.ts';
import { renderJUnit } from './junit.ts';
import { encodeRecord, RECORD_SCHEMA, readCampaignLog, withoutTiming } from './lines.ts';
import { renderMarkdown } from './markdown.ts';
import { SUMMARY_SCHEMA, summarise } from './summary.ts';

const HEADER: Header = {
  record: 'header',
  format: 'seamstress-campaign',
  formatVersion: 1,
  version: '0.0.0',
  seed: 'tests',
  profile: { kernel: 'unsound', module: 'plain' },
  mood: 'swarm',
  budget: { runs: 2000 },
  shard: '1/1',
  bail: false,
  invariants: stages.invariants,
  corpus: { known: 2, cases: 0 },
  timing: { startedAt: '2025-01-01T00:00:00.000Z', workers: 1 },
};

let records: readonly CampaignRecord[] = [];
beforeAll(async () => {
  const executor = await startExecutor(1, { module: new URL('../testing/fake-stages.js', import.meta.url).href });
  const emitted: CampaignRecord[] = [HEADER];
  const offlineTwice = sampleCase([0, 0].map((lp) => ({ kind: 'cpu-offline', lp }) as const));
  const note = { invariant: 'lp/offline-twice', reason: 'it | always was', source: 'a mail' };
  const deviation = (bucket: string): KnownDeviation => ({
    ...note,
    bucket,
    path: 'known/a.json',
    case: { ...offlineTwice, profile: HEADER.profile },
  });
  const known = ['lp/offline-twice|cpu-offline', 'gone|x'].map((bucket) => [bucket, deviation(bucket)] as const);
  await runCampaign(
    {
      ...{
        seed: 'tests',
        profile: HEADER.profile,
        mood: 'swarm',
        budget: { runs: 2000 },
        shard: { index: 1, count: 1 },
        bail: false,
      },
      ...{
        shrinkEvaluations: 2000,
        known: new Map(known),
        given: [],
        sometimes: stages.sometimes({ kernel: 'unsound', module: 'later' }),
        ruleOf: stages.ruleOf,
      },
    },
    {
      ...{ executor, now: Date.now, interrupted: () => undefined, progress: () => undefined },
      save: (bucket) => `out/${bucket.replace(/\W/g, '-')}.json`,
      emit: (record) =>
        emitted.push(record.record === 'footer' ? { ...record, timing: { seconds: 2, casesPerSecond: 1000 } } : record),
    },
  );
  records = emitted;
});

/** The campaign's records with a changed footer. */
function ending(change: Partial<Footer>, without: readonly CampaignRecord['record'][] = []): readonly CampaignRecord[] {
  return records.flatMap((record) => {
    if (without.includes(record.record)) return [];
    return [record.record === 'footer' ? { ...record, ...change } : record];
  });
}

describe('the event stream', () => {
  test('every record of a campaign matches the published schema and is the same after a round trip', () => {
    expect(new Set(records.map(({ record }) => record)).size).toBe(7);
    const log = readCampaignLog(records.map(encodeRecord).join(''), 'x.ndjson');
    expect(log).toEqual({ records, header: HEADER, complete: true });
  });

  test('a stream without footer is truncated; the records before the cut are kept', () => {
    const text = records.map(encodeRecord).join('');
    const log = readCampaignLog(text.slice(0, -20), 'x');
    expect(log.complete).toBe(false);
    expect(log.records).toEqual(records.slice(0, -1));
  });

  test('a damaged line is reported with its number', () => {
    const lines = records.map(encodeRecord);
    const complain = (text: string) => () => readCampaignLog(text, 'x');
    expect(complain(['{\n', ...lines].join(''))).toThrow('x:1: not valid JSON');
    expect(complain([lines[0], '{"record":"surprise"}\n'].join(''))).toThrow('x:2: unknown record "surprise"');
    expect(complain(lines.slice(1).join(''))).toThrow('begins with a header');
    expect(complain('')).toThrow(UserError);
    expect(() => RECORD_SCHEMA.check({ ...HEADER, seed: 1 }, 'x')).toThrow('x: at /seed: expected text');
  });

  test('values that depend on the clock are in timings only', () => {
    for (const record of records)
      expect(JSON.stringify(withoutTiming(record))).not.toMatch(/"seconds"|"startedAt"|"workers"/);
  });
});

describe('the summary', () => {
  test('matches the schema of `fuzz --json`', () => {
    const summary = summarise(records);
    expect(SUMMARY_SCHEMA.check(JSON.parse(JSON.stringify(summary)), 'summary')).toEqual(summary);
    expect(summary).toMatchObject({
      seed: 'tests',
      kernel: 'unsound',
      module: 'plain',
      cases: 2000,
      seconds: 2,
      casesPerSecond: 1000,
    });
    expect(summary.findings.map(({ bucket }) => bucket)).toEqual(['order/kexec-last|kexec', 'size/single|kexec']);
    expect(summary.findings[0]).toMatchObject({ events: 3, minimal: true, case: 'out/order-kexec-last-kexec.json' });
    expect(summary.findings[0]?.replay).toBe('npx seamstress replay out/order-kexec-last-kexec.json');
    // Its case has four LPs, of which one would be enough.
    expect(summary.known).toMatchObject([
      { bucket: 'lp/offline-twice|cpu-offline', events: 2, minimal: false, case: 'known/a.json' },
    ]);
    expect(summary.stale).toEqual(['gone|x']);
    expect(summary.sometimes).toEqual({ reached: ['enabled'], unreached: ['never'], overdue: ['never'] });
  });

  test('has null in place of missing timings', () => {
    expect(summarise(records.map(withoutTiming))).toMatchObject({ seconds: null, casesPerSecond: null });
  });
});

describe('the last screen', () => {
  test('names the broken rule, shows the run, and ends with the command that replays it', () => {
    const screen = renderScreen(records, PLAIN);
    expect(screen).toContain('NEW BUG breaks order/kexec-last: kexec at 0 and again at 1\n');
    expect(screen).toContain('rule     The fake rule behind order/kexec-last|kexec holds.\n');
    expect(screen).toContain('severity tdx-lost (worst case of the rule): ');
    expect(screen).toMatch(/> 1 kexec/);
    expect(screen).toContain('known   breaks lp/offline-twice');
    expect(screen).toContain('stale   gone|x');
    expect(screen).toContain('2,000 cases');
    expect(screen.trimEnd().split('\n').at(-1)).toBe(
      '2 new bugs; to replay the first: npx seamstress replay out/order-kexec-last-kexec.json',
    );
  });

  test('a case is shown once, with all rules it breaks', () => {
    const together = records.map((one) =>
      one.record === 'minimal' && one.bucket === 'order/kexec-last|kexec'
        ? { ...one, also: ['size/single|kexec'] }
        : one,
    );
    const screen = renderScreen(together, PLAIN);
    expect(screen.match(/^NEW BUG breaks /gm)).toHaveLength(1);
    expect(screen).toMatch(
      /^ {8}also {4}breaks size\/single: kexec at 0 and again at 1\n {16}The fake rule .* seen in another case: out\/size-single-kexec\.json\)$/m,
    );
    expect(screen).toContain(', 2 findings in 1 case, ');
    expect(renderMarkdown(together)).toContain(
      '- the same case breaks **size/single** (cosmetic): kexec at 0 and again at 1',
    );
    // Without `also`, each finding has its own group.
    expect(renderScreen(records, PLAIN).match(/^NEW BUG breaks /gm)).toHaveLength(2);
    expect(renderScreen(records, PLAIN)).toContain(', 2 findings, ');
  });

  test('a known deviation that another kernel does not show is unseen, not stale', () => {
    const foreign = records.map((one) => (one.record === 'header' ? { ...one, implementations: ['linux:tree'] } : one));
    expect(foreign.map((one) => RECORD_SCHEMA.check(JSON.parse(JSON.stringify(one)), 'record'))).toEqual(foreign);
    const screen = renderScreen(foreign, PLAIN);
    expect(screen).toContain('unseen  gone|x: not seen on linux:tree: fixed there, or masked by something else');
    expect(screen).not.toMatch(/stale|remove its file/);
    expect(renderMarkdown(foreign)).toContain('- not seen there: `gone|x`');
  });

  test('a known deviation that only the model shows is fixed', () => {
    const by = { bucket: 'linux/is-its-model|x', kept: ['gone|x'], cases: 1200, hits: 4 };
    const foreign = records.flatMap((one): readonly CampaignRecord[] => {
      if (one.record === 'header') return [{ ...one, implementations: ['linux:tree'] }];
      if (one.record === 'footer') return [{ ...one, explained: [by] }];
      if (one.record !== 'known' || one.bucket !== 'gone|x') return [one];
      return [{ ...one, better: { cases: 1200, origin: 'tests:7' } }];
    });
    expect(foreign.map((one) => RECORD_SCHEMA.check(JSON.parse(JSON.stringify(one)), 'record'))).toEqual(foreign);
    const screen = renderScreen(foreign, PLAIN);
    expect(screen).toContain(
      'fixed   gone|x (1,200 cases that the model fails and linux:tree does not, first tests:7)',
    );
    expect(screen).toContain(
      'same    linux/is-its-model|x (4 cases in which it fixes nothing; in others it fixes gone|x)',
    );
    expect(screen).not.toMatch(/unseen|better/);
    // Excused differences are listed even without a known deviation.
    const bare = foreign.filter(({ record }) => record !== 'known');
    expect(renderScreen(bare, PLAIN)).toContain(
      'better  linux/is-its-model|x (1,200 cases in which the model fails in gone|x and linux:tree does not)',
    );
    expect(renderMarkdown(foreign)).toContain('- fixed there: `gone|x`, in 1,200 cases that the model fails');
    const summary = summarise(foreign);
    expect(SUMMARY_SCHEMA.check(JSON.parse(JSON.stringify(summary)), 'summary')).toEqual(summary);
    expect(summary.fixed).toEqual([{ bucket: 'gone|x', cases: 1200, origin: 'tests:7' }]);
  });

  test.each([
    ['sw-error/no-crash', /unseen {2}2 known deviations: not seen on linux:tree, which crashes/],
    ['sw-error/errno-says-how', /unseen {2}a: not seen on linux:tree: fixed there.*\n.*unseen {2}b: not seen/],
  ])('deviations that a crashing kernel does not reach are one line: %s', (invariant, expected) => {
    const foreign = records.map((one): CampaignRecord => {
      if (one.record === 'header') return { ...one, implementations: ['linux:tree'] };
      if (one.record === 'footer') return { ...one, stale: ['a', 'b'] };
      return one.record === 'minimal' ? { ...one, invariant } : one;
    });
    expect(renderScreen(foreign, PLAIN)).toMatch(expected);
  });

  test.each([
    [{ exitCode: 0 }, 'ok'],
    [{ exitCode: 3, cases: 0 }, 'inconclusive: no case ran'],
    [{ exitCode: 3 }, 'inconclusive: never never reached'],
    [{ exitCode: 130, interrupted: 'SIGINT' }, 'interrupted (SIGINT); all findings so far are saved'],
    [
      { exitCode: 70, crash: { origin: 'tests:7', stack: 'x' } },
      'internal error at tests:7: this is a bug in seamstress',
    ],
  ] as const)('ends with the result: %j', (change, last) => {
    expect(
      renderScreen(ending(change, ['minimal']))
        .trimEnd()
        .split('\n')
        .at(-1),
    ).toBe(last);
  });

  test('a long trace is cut, with the number of omitted lines', () => {
    const long = records.map((record) =>
      record.record === 'minimal' ? { ...record, trace: Array(100).fill('line') as string[] } : record,
    );
    expect(renderScreen(long)).toContain('... 77 more lines\n');
  });

  test('thousands are grouped the same in every locale', () => {
    expect([0, 999, 1000, 1234567].map(grouped)).toEqual(['0', '999', '1,000', '1,234,567']);
  });
});

describe('JUnit', () => {
  test('one test per invariant and per sometimes', () => {
    const xml = renderJUnit(records);
    expect(xml).toMatch(/<testsuites tests="5" failures="3" errors="0" skipped="0">/);
    expect(xml).toContain('name="order/kexec-last"');
    expect(xml).toContain('npx seamstress replay out/order-kexec-last-kexec.json');
    expect(xml).toContain('known: lp/offline-twice|cpu-offline');
    expect(xml).toMatch(/name="never">\s*<failure message="not reached/);
    expect(xml).not.toContain('timestamp');
  });

  test('an invariant that the header does not list is reported, and no text breaks the XML', () => {
    const odd = records.map((record): CampaignRecord => {
      return record.record === 'minimal'
        ? { ...record, invariant: 'odd<one>', message: 'a\u0000"&<b', trace: [']]>\u001b['] }
        : record;
    });
    const xml = renderJUnit(odd);
    expect(xml).toContain('name="odd&lt;one>"');
    expect(xml).toContain('a?&quot;&amp;&lt;b');
    expect(xml).toContain(']] >?[');
  });

  test('a crash of the harness is an error', () => {
    expect(renderJUnit(ending({ crash: { origin: 'tests:7', stack: 'at x' } }))).toMatch(
      /<error message="tests:7" type="internal">/,
    );
  });
});

describe('Markdown', () => {
  test('has findings, known deviations and overdue sometimes', () => {
    const text = renderMarkdown(records);
    expect(text).toContain('**2 findings** · seed `tests`');
    expect(text).toContain('### Breaks order/kexec-last');
    expect(text).toContain('| lp/offline-twice | it \\| always was | a mail |');
    expect(text).toContain('- never reached: `never`');
  });

  test('stays below the limit of a job summary, and counts the omitted findings', () => {
    const [first] = records.filter((record): record is Minimal => record.record === 'minimal');
    const many = [HEADER, ...Array.from({ length: 50 }, () => first as Minimal), records.at(-1) as Footer];
    const text = renderMarkdown(many, 3000);
    expect(text.length).toBeLessThan(3200);
    expect(text).toMatch(/_\d+ more findings left out here/);
    const fenced = renderMarkdown([
      HEADER,
      { ...(first as Minimal), machine: ['LPs'], trace: ['```'] },
      records.at(-1) as Footer,
    ]);
    expect(fenced).toContain('````\nLPs\n\n  ```\n');
  });
});
