import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeCaseFile } from '../case.ts';
import { readCampaignLog } from '../report/lines.ts';
import { SUMMARY_SCHEMA, type Summary } from '../report/summary.ts';
import { readCaseFile } from '../store/case-store.ts';
import { type CLIResult, runCLI, type TemporaryFolder, temporaryFolder } from '../testing/spawn-cli.ts';

const FULL_DISK = new URL('../testing/full-disk.js', import.meta.url).href;

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const fuzz = (...args: readonly string[]): Promise<CLIResult> => runCLI(folder.path, ['fuzz', ...args]);
const at = (...names: readonly string[]): string => join(folder.path, ...names);
const findings = (): readonly string[] => readdirSync(at('reports/findings')).filter((name) => name.endsWith('.json'));

function summaryOf({ out }: CLIResult): Summary {
  return SUMMARY_SCHEMA.check(JSON.parse(out), 'stdout');
}

async function waitFor(what: () => boolean): Promise<void> {
  for (let tries = 0; tries < 2000; tries++) {
    if (what()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('the condition did not come true within 20 s');
}

describe('fuzz', () => {
  test('prints seed and options first, the result on stdout alone, and ends with the command that replays', async () => {
    const { code, out, err } = await fuzz('--runs', '3000', '--workers', '1');
    expect(code).toBe(1);
    expect(err.split('\n')[0]).toMatch(
      /^seamstress fuzz: seed seamstress, kernel unsound, module plain, mood swarm, 3000 cases, shard 1\/1, 1 worker,/,
    );
    expect(out).not.toContain('\u001b');
    const last = out.trimEnd().split('\n').at(-1) ?? '';
    const file = /npx seamstress replay (\S+)$/.exec(last)?.[1] ?? '';
    expect(readCaseFile(at(file)).finding?.minimal).toBe(true);
    const again = await runCLI(folder.path, ['replay', file]);
    expect(again.code).toBe(1);
    expect(again.out).toContain('broken');
  });

  test('same seed and runs give the same bytes, for any number of workers', async () => {
    const bytes = async (workers: string): Promise<string> => {
      const { out } = await fuzz(
        '--runs',
        '4000',
        '--workers',
        workers,
        '--no-timings',
        '--json',
        '--reporter',
        'json,junit',
        '--reporter',
        'markdown',
      );
      const reports = ['ndjson', 'json', 'xml', 'md'].map((ending) =>
        readFileSync(at(`reports/fuzz.${ending}`), 'utf8'),
      );
      return [out, ...reports, ...findings().map((name) => readFileSync(at('reports/findings', name), 'utf8'))].join(
        '\n',
      );
    };
    const first = await bytes('1');
    expect(first).toContain('"casesPerSecond": null');
    expect(await bytes('1')).toBe(first);
    expect(await bytes('3')).toBe(first);
  });

  test('--json prints the published summary', async () => {
    const summary = summaryOf(await fuzz('--runs', '1000', '--seed', 'other', '--json'));
    expect(summary).toMatchObject({ seed: 'other', kernel: 'unsound', cases: 1000, exitCode: 1 });
    expect(summary.casesPerSecond).toBeGreaterThan(0);
    expect(summary.findings.map(({ case: file }) => existsSync(at(file)))).toEqual([true, true, true]);
  });

  test('known deviations only: exit 0; a known deviation that is fixed is reported as stale', async () => {
    await fuzz('--runs', '2000');
    mkdirSync(at('mine/known'), { recursive: true });
    for (const name of findings()) {
      const { case: input, finding } = readCaseFile(at('reports/findings', name));
      const known = {
        invariant: finding?.invariant ?? '',
        bucket: finding?.bucket ?? '',
        reason: 'so it is',
        source: 'a mail',
      };
      writeFileSync(at('mine/known', name), encodeCaseFile({ case: input, known }));
      if (known.bucket.startsWith('size'))
        writeFileSync(
          at('mine/known/gone.json'),
          encodeCaseFile({ case: input, known: { ...known, bucket: 'gone|x' } }),
        );
    }
    const result = await fuzz('--runs', '2000', '--corpus', 'mine', '--json');
    expect(result.code).toBe(0);
    expect(summaryOf(result)).toMatchObject({ findings: [], known: { length: 3 }, stale: ['gone|x'] });
    expect(await fuzz('--runs', '2000', '--corpus', 'mine', '--kernel', 'sound')).toMatchObject({ code: 0 });
    expect((await runCLI(folder.path, ['replay', 'mine', '--corpus', 'mine'])).code).toBe(0);
  });

  test('starts from an empty corpus, but not from a missing one', async () => {
    mkdirSync(at('empty'));
    expect(await fuzz('--runs', '10', '--corpus', 'empty', '--kernel', 'sound')).toMatchObject({ code: 0 });
    const { code, err } = await fuzz('--runs', '10', '--corpus', 'nowhere');
    expect(code).toBe(2);
    expect(err).toBe('seamstress: no corpus at nowhere: expected a folder (it may be empty)\n');
  });

  test('a sometimes past its budget is inconclusive; so is a shard without cases', async () => {
    const overdue = await fuzz('--runs', '1000', '--kernel', 'sound', '--module', 'later');
    expect(overdue.code).toBe(3);
    expect(overdue.out).toContain('never reached');
    expect((await fuzz('--runs', '10', '--shard', '2/2')).code).toBe(3);
    expect(existsSync(at('reports/fuzz-2-of-2.ndjson'))).toBe(true);
  });

  test('--time ends in time', async () => {
    const start = Date.now();
    const summary = summaryOf(await fuzz('--time', '1s', '--kernel', 'sound', '--json', '--workers', '1'));
    expect(summary.exitCode).toBe(0);
    expect(summary.seconds).toBeGreaterThan(0.8);
    expect(Date.now() - start).toBeLessThan(6000);
  });

  test('a judge that throws: exit 70, the case is named, the stack refers to the TypeScript sources', async () => {
    const { code, err, out } = await fuzz('--runs', '100', '--kernel', 'fragile', '--workers', '1');
    expect(code).toBe(70);
    expect(err).toMatch(
      /internal error; please report this bug with the stack below\ncase seamstress:\d+\nError: the fake judge broke\n/,
    );
    expect(err).toMatch(/harness\/testing\/fake-stages\.ts:\d+:\d+/);
    expect(out).toMatch(/internal error at seamstress:\d+/);
  });
});

describe('a campaign that a signal ends', () => {
  const ENDLESS = ['--runs', '900000000', '--quiet', '--workers'];
  const isUnderWay = (): boolean => existsSync(at('reports/findings')) && findings().length > 0;

  test.each([
    ['SIGINT', 130, '1'],
    ['SIGTERM', 143, '2'],
  ] as const)('%s: a clean flush, exit %d, with %s workers', async (signal, expected, workers) => {
    const { code, out } = await runCLI(folder.path, ['fuzz', ...ENDLESS, workers], {
      whenSpawned: (child) => void waitFor(isUnderWay).then(() => child.kill(signal)),
    });
    expect(code).toBe(expected);
    expect(out).toContain(`interrupted (${signal})`);
    const log = readCampaignLog(readFileSync(at('reports/fuzz.ndjson'), 'utf8'), 'x');
    expect(log.complete).toBe(true);
    expect(log.records.at(-1)).toMatchObject({ interrupted: signal });
    for (const name of findings()) expect(readCaseFile(at('reports/findings', name)).finding?.bucket).toBeDefined();
  });

  test('kill -9: no finding is lost, and the next run starts cleanly', async () => {
    let pid = 0;
    await runCLI(folder.path, ['fuzz', ...ENDLESS, '2'], {
      whenSpawned(child) {
        pid = child.pid ?? 0;
        void waitFor(isUnderWay).then(() => child.kill('SIGKILL'));
      },
    });
    const left = findings();
    for (const name of left) expect(readCaseFile(at('reports/findings', name)).finding?.bucket).toBeDefined();
    expect(readCampaignLog(readFileSync(at('reports/fuzz.ndjson'), 'utf8'), 'x').complete).toBe(false);
    // As if the kill had come in the middle of a write.
    writeFileSync(at(`reports/findings/.half.json.${pid}.tmp`), '{');
    const next = await fuzz('--runs', '10', '--kernel', 'sound');
    expect(next.code).toBe(0);
    expect(findings()).toEqual(left);
    expect(readdirSync(at('reports/findings'))).toEqual(left);
  });
});

describe('fuzz refuses', () => {
  test.each([
    [['--runs', '0'], "Expected a whole number above 0, got '0'."],
    [['--runs', '1e3'], "Expected a whole number above 0, got '1e3'."],
    [['--time', 'soon'], "Expected a time such as 30s, 10m or 2h, got 'soon'."],
    [['--time', '0'], 'Expected a time'],
    [['--runs', '1', '--time', '1'], "option '--time <t>' cannot be used with option '--runs <n>'"],
    [['--shard', '3/2'], 'Expected a shard such as 2/3'],
    [['--workers', 'all'], 'Expected a whole number above 0'],
    [
      ['--kernel', 'unsond'],
      "There is no kernel 'unsond' (did you mean 'unsound'?). There are: unsound, sound, fragile.",
    ],
    [['--module', 'x'], "There is no module release 'x'. There are: plain, later."],
    [['--mood', 'swam'], "did you mean 'swarm'?"],
    [['--reporter', 'json,junt'], "There is no reporter 'junt' (did you mean 'junit'?)."],
    [['--seed', 'a b'], "Expected printable ASCII characters without spaces, got 'a b'."],
    [['--runs'], "option '--runs <n>' argument missing"],
    [['--rums', '4'], "unknown option '--rums'"],
    [['extra'], 'too many arguments'],
  ])('%j', async (args, message) => {
    const { code, out, err } = await fuzz(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toContain(message);
    expect(existsSync(at('reports'))).toBe(false);
  });

  test('an output that cannot be written, before any case runs', async () => {
    writeFileSync(at('file'), '');
    const { code, err } = await fuzz('--runs', '10', '--output', 'file/below');
    expect(code).toBe(2);
    expect(err).toMatch(/^seamstress: cannot write file\/below: a part of the path is a file, not a folder\n$/);
  });

  test('a device in place of a file, and does not replace it', async () => {
    mkdirSync(at('reports'));
    symlinkSync('/dev/full', at('reports/fuzz.ndjson'));
    const { code, err } = await fuzz('--runs', '10');
    expect([code, err]).toEqual([2, expect.stringContaining('it is a device; expected a regular file')]);
    expect(lstatSync('/dev/full').isCharacterDevice()).toBe(true);
  });

  test.each([1, 2, 3, 4, 5, 8, 12])('to lose what it found when the disk is full from write %i on', async (after) => {
    const { code, out, err } = await runCLI(folder.path, ['fuzz', '--runs', '200'], {
      env: { NODE_OPTIONS: `--import=${FULL_DISK}`, FULL_AFTER: String(after) },
    });
    expect(code).toBe(4);
    expect(err).toMatch(/^seamstress: cannot write \S+: the disk is full$/m);
    expect(err).not.toContain('    at ');
    // The first two prove that the folders can be written to.
    if (after > 2) expect(out).toMatch(/cases \(/);
  });

  test('a damaged known deviation', async () => {
    mkdirSync(at('mine/known'), { recursive: true });
    writeFileSync(at('mine/known/a.json'), '{"formatVersion": 1');
    const { code, err } = await fuzz('--runs', '10', '--corpus', 'mine');
    expect(code).toBe(2);
    expect(err).toMatch(/^seamstress: mine\/known\/a\.json: the file is truncated: .*\n$/);
  });
});
