import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { encodeCaseFile } from '../case.ts';
import { readCaseFile } from '../store/case-store.ts';
import { sampleCase } from '../testing/sample.ts';
import { type CLIResult, runCLI, runNode, type TemporaryFolder, temporaryFolder } from '../testing/spawn-cli.ts';
import { BOOT_SCHEMA } from './boot.ts';
import { REPLAY_SCHEMA } from './replay.ts';
import { SHRINK_SCHEMA } from './shrink.ts';

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

const run = (...args: readonly string[]): Promise<CLIResult> => runCLI(folder.path, args);
const at = (...names: readonly string[]): string => join(folder.path, ...names);

const PROFILE = { kernel: 'unsound', module: 'plain' };
const breaking = {
  ...sampleCase([
    { kind: 'enable' },
    { kind: 'cpu-offline', lp: 2 },
    { kind: 'kexec' },
    { kind: 'cpu-offline', lp: 2 },
  ]),
  profile: PROFILE,
};
const holding = { ...sampleCase([{ kind: 'enable' }]), profile: PROFILE };
const BUCKET = 'lp/offline-twice|cpu-offline';
const finding = {
  invariant: 'lp/offline-twice',
  bucket: BUCKET,
  message: 'm',
  event: 3,
  minimal: false,
  origin: 's:1',
};

function save(name: string, text: string): void {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), text);
}

describe('replay', () => {
  test('broken, fixed and error, each with its reason; one broken is enough to fail', async () => {
    save('cases/a.json', encodeCaseFile({ case: breaking }));
    save('cases/b.json', encodeCaseFile({ case: holding, finding }));
    save('cases/c.json', '{');
    const { code, out } = await run('replay', 'cases', '--json');
    expect(code).toBe(1);
    const report = REPLAY_SCHEMA.check(JSON.parse(out), 'stdout');
    expect(report).toMatchObject({ broken: 1, fixed: 1, errors: 1, known: 0 });
    expect(report.results.map(({ status }) => status)).toEqual(['broken', 'fixed', 'error']);
    expect(report.results[0]).toMatchObject({
      events: 4,
      violations: [{ bucket: BUCKET, event: 3 }],
      trace: { length: 4 },
    });
    expect(report.results[1]?.message).toBe(`no longer fails in '${BUCKET}'`);
    expect(report.results[2]?.message).toContain('cases/c.json: the file is truncated');
    const text = await run('replay', 'cases/a.json');
    expect(text.out).toMatch(/^ {8}LPs {6}package 0: LP 0-1; package 1: LP 2-3$/m);
    expect(text.out).toContain('> 3 cpu-offline');
    expect(text.out).not.toContain('why  ');
    expect(text.out).toContain('1 broken (0 of them known), 0 fixed, 0 errors');
    expect((await run('replay', 'cases/c.json')).out).toContain('0 fixed, 1 error\n');
  });

  test('a failure other than the one that the case was saved for is reported as such', async () => {
    save('a.json', encodeCaseFile({ case: breaking, finding: { ...finding, bucket: 'old|x' } }));
    expect((await run('replay', 'a.json')).out).toContain(
      "lp/offline-twice: LP 2 (was saved for 'old|x', which no longer occurs)",
    );
  });

  test('a known deviation does not fail; without its corpus it does', async () => {
    save(
      'mine/known/a.json',
      encodeCaseFile({ case: breaking, known: { invariant: 'i', bucket: BUCKET, reason: 'r', source: 's' } }),
    );
    const known = await run('replay', 'mine/known', '--corpus', 'mine');
    expect(known).toMatchObject({ code: 0, out: expect.stringContaining('known   mine/known/a.json') });
    expect(known.out).toContain(`bucket   ${BUCKET}\n        why      r\n        seen in  s\n`);
    expect((await run('replay', 'mine/known')).code).toBe(1);
    expect((await run('replay', BUCKET, '--corpus', 'mine')).code).toBe(0);
    expect((await run('replay', 'mine/known', '--kernel', 'sound')).out).toContain(
      'fixed   mine/known/a.json (kernel sound, module plain)',
    );
  });

  test('by bucket from the findings, and by SEED:INDEX', async () => {
    await run('fuzz', '--runs', '600', '--seed', 'a:b');
    expect((await run('replay', BUCKET)).code).toBe(1);
    const [name = ''] = readdirSync(at('reports/findings'));
    const origin = readCaseFile(at('reports/findings', name)).finding?.origin ?? '';
    expect(origin).toMatch(/^a:b:\d+$/);
    const bySeed = await run('replay', origin);
    expect(bySeed).toMatchObject({ code: 1, out: expect.stringContaining(BUCKET) });
  });

  test('nothing to replay is inconclusive', async () => {
    mkdirSync(at('empty'));
    expect(await run('replay', 'empty')).toMatchObject({ code: 3, out: 'no case found: nothing was replayed\n' });
  });

  test.each([
    ['', 'x.json: the file is empty'],
    [encodeCaseFile({ case: breaking }).slice(0, 300), 'x.json: the file is truncated'],
    ['{"formatVersion": 9}', 'x.json: format version 9 is newer than this build reads (0 to 1); update seamstress'],
    ['{"formatVersion": 1, "events": []}', "x.json: expected a member 'profile'"],
    [
      encodeCaseFile({ case: { ...breaking, profile: { ...PROFILE, kernel: 'unsoun' } } }),
      "x.json: this build has no kernel 'unsoun' (did you mean 'unsound'?); it has: unsound, sound, fragile",
    ],
  ])('bad files: %#', async (text, message) => {
    save('x.json', text);
    const { code, out, err } = await run('replay', 'x.json');
    expect(code).toBe(2);
    expect(out).toContain(message);
    expect(err).toBe('');
  });

  test('an argument that names no case', async () => {
    const { code, err } = await run('replay', 'nowhere.json');
    expect(code).toBe(2);
    expect(err).toMatch(
      /^seamstress: 'nowhere.json' is not a case: expected a file, a folder, a bucket in reports\/findings or .*, or SEED:INDEX\n$/,
    );
    expect((await run('replay')).err).toContain("missing required argument 'case'");
  });

  test('a judge that throws is an internal error', async () => {
    save('x.json', encodeCaseFile({ case: { ...breaking, events: [...breaking.events, { kind: 'enable' }] } }));
    const { code, err } = await run('replay', 'x.json', '--kernel', 'fragile');
    expect(code).toBe(70);
    expect(err).toMatch(/internal error; please report this bug[\s\S]*harness\/testing\/fake-stages\.ts:\d+/);
  });
});

describe('shrink', () => {
  test('makes the file smaller in place, or writes another', async () => {
    save('a.json', encodeCaseFile({ case: breaking }));
    const { code, out } = await run('shrink', 'a.json', '--output', 'b.json', '--json');
    expect(code).toBe(0);
    const report = SHRINK_SCHEMA.check(JSON.parse(out), 'stdout');
    expect(report).toMatchObject({
      bucket: BUCKET,
      before: { events: 4, lps: 4 },
      events: 2,
      lps: 1,
      minimal: true,
      case: 'b.json',
      replay: 'npx seamstress replay b.json',
    });
    expect(readCaseFile(at('a.json')).case.events).toHaveLength(4);
    expect(readCaseFile(at('b.json'))).toMatchObject({
      case: { events: { length: 2 } },
      finding: { minimal: true, bucket: BUCKET },
    });
    expect((await run('shrink', 'a.json')).out).toContain('4 events on 4 LPs, now 2 on 1');
    expect(readCaseFile(at('a.json')).case).toEqual(readCaseFile(at('b.json')).case);
  });

  test('a case that does not fail cannot be shrunk', async () => {
    save('a.json', encodeCaseFile({ case: holding, finding }));
    expect(await run('shrink', 'a.json')).toMatchObject({
      code: 2,
      err: `seamstress: a.json does not fail in '${BUCKET}' on kernel unsound: every invariant holds\n`,
    });
    save('b.json', encodeCaseFile({ case: breaking }));
    expect((await run('shrink', 'b.json', '--bucket', 'x')).err).toContain(`it fails in '${BUCKET}'`);
    expect((await run('shrink', '.')).code).toBe(2);
  });
});

describe('boot', () => {
  test('prints what the kernel prints; a failed initialisation is a result', async () => {
    save('machine.json', '{"cmrs": []}');
    expect(await run('boot', 'machine.json')).toMatchObject({
      code: 0,
      out: expect.stringContaining('module initialization failed (-28)\n'),
    });
    expect((await run('boot', 'machine.json')).out).toContain(
      '\nsource reports: initialised\ndiffers: it came up\npossible reason: The file does not say.\nassumed: ',
    );
    const { out } = await run('boot', 'machine.json', '--json', '--kernel', 'sound');
    expect(BOOT_SCHEMA.check(JSON.parse(out), 'stdout')).toMatchObject({
      kernel: 'sound',
      errno: -28,
      defaults: { length: 1 },
    });
    save('case.json', encodeCaseFile({ case: breaking }));
    expect((await run('boot', 'case.json')).code).toBe(0);
  });

  test('bad machines', async () => {
    save('x.json', '{"a": 1}');
    save('y.json', 'cmrs');
    expect(await run('boot', 'x.json')).toMatchObject({
      code: 2,
      err: 'seamstress: x.json: expected a platform file\n',
    });
    expect(await run('boot', 'y.json')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/^seamstress: y.json: the file is truncated/),
    });
    expect(await run('boot', 'nowhere')).toMatchObject({
      code: 2,
      err: expect.stringContaining('there is no file nowhere, and no machine of this name in'),
    });
  });
});

describe('corpus', () => {
  test('merge adds new cases once; stats counts them; min keeps those that reach something', async () => {
    save('from/a.json', encodeCaseFile({ case: breaking }));
    save('from/b.json', encodeCaseFile({ case: holding }));
    save(
      'other/known/k.json',
      encodeCaseFile({ case: breaking, known: { invariant: 'i', bucket: BUCKET, reason: 'r', source: 's' } }),
    );
    expect((await run('corpus', 'merge', 'mine', 'from', 'other')).out).toBe('mine: 3 added, 0 already present\n');
    expect((await run('corpus', 'merge', 'mine', 'other', 'from')).out).toBe('mine: 0 added, 3 already present\n');
    const { out } = await run('corpus', 'stats', 'mine', '--json');
    expect(JSON.parse(out)).toMatchObject({ cases: 2, events: 5, edges: 4, known: [{ kernel: 'unsound', count: 1 }] });
    expect((await run('corpus', 'min', 'mine', '--dry-run')).out).toBe('mine/cases: 1 kept, 1 would be removed\n');
    expect((await run('corpus', 'min', 'mine')).out).toBe('mine/cases: 1 kept, 1 removed\n');
    expect((await run('corpus', 'min', 'mine')).out).toBe('mine/cases: 1 kept, 0 removed\n');
    expect((await run('corpus', 'stats', '.')).code).toBe(3);
  });
});

describe('comfort', () => {
  test('config print shows where each value comes from', async () => {
    const { out } = await runCLI(folder.path, ['config', 'print', '--json', '--', '--runs', '7'], {
      env: { SEAMSTRESS_SEED: 'abc' },
    });
    expect(JSON.parse(out)).toMatchObject({
      seed: { value: 'abc', origin: 'environment', variable: 'SEAMSTRESS_SEED' },
      runs: { value: 7, origin: 'command line' },
      bail: { value: null, origin: 'default', variable: null },
    });
  });

  test('completion completes verbs, options and values in bash; zsh and fish have their own scripts', async () => {
    const { out } = await run('completion', 'bash');
    save('completion.sh', out);
    const complete = (...words: readonly string[]): string => {
      const script = `source completion.sh; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _seamstress; echo "\${COMPREPLY[*]}"`;
      return spawnSync('bash', ['-c', script], { cwd: folder.path, encoding: 'utf8' }).stdout.trim();
    };
    expect(complete('seamstress', 'fu')).toBe('fuzz');
    expect(complete('seamstress', 'fuzz', '--ke')).toBe('--kernel');
    expect(complete('seamstress', 'fuzz', '--kernel', 'so')).toBe('sound');
    expect(complete('seamstress', 'corpus', 'm')).toBe('merge min');
    expect((await run('completion', 'zsh')).out).toContain('bashcompinit');
    expect((await run('completion', 'fish')).out).toContain(
      "complete -c seamstress -n '__fish_use_subcommand' -a fuzz",
    );
    expect((await run('completion', 'tcsh')).code).toBe(2);
  });

  test('colour follows flags, environment and terminal', async () => {
    const fuzz = ['fuzz', '--runs', '600'];
    const coloured = async (args: readonly string[], env: Readonly<Record<string, string>>): Promise<boolean> => {
      return (await runCLI(folder.path, [...args, ...fuzz], { env })).out.includes('\u001b[');
    };
    expect(await coloured([], {})).toBe(false);
    expect(await coloured([], { FORCE_COLOR: '1' })).toBe(true);
    expect(await coloured([], { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
    expect(await coloured(['--color'], { NO_COLOR: '1' })).toBe(true);
    expect(await coloured(['--no-color'], { FORCE_COLOR: '1' })).toBe(false);
  });
});

describe('the command line itself', () => {
  test('unknown verbs get a suggestion; no verb gets the help', async () => {
    const unknown = await run('fuz');
    expect(unknown).toMatchObject({
      code: 2,
      out: '',
      err: expect.stringContaining("unknown command 'fuz'\n(Did you mean fuzz?)"),
    });
    expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining('Exit codes: 0 ok') });
    expect(await run('--help')).toMatchObject({ code: 0, out: expect.stringContaining('Exit codes: 0 ok'), err: '' });
    expect(await run('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  test('the help of conform lists its options by kind of implementation', async () => {
    const { code, out } = await run('conform', '--help');
    expect(code).toBe(0);
    const order = [
      'Options:',
      '  --case',
      'Module options',
      '  --compare',
      'Host options',
      '  --known',
      'Linux options',
    ];
    expect(out).toMatch(new RegExp([...order, '  --cc'].map((text) => `^${text}`).join('[^]*'), 'm'));
  });

  test('a reader that goes away ends the output, not the run', async () => {
    const start = fileURLToPath(new URL('../testing/fake-start.js', import.meta.url));
    const script = `"${process.execPath}" "${start}" fuzz --runs 600 --json | head -c 1 >/dev/null; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: folder.path, encoding: 'utf8' });
    expect(stdout.trim()).toBe('1');
    expect(stderr).not.toMatch(/EPIPE|internal error/);
    expect(readFileSync(at('reports/fuzz.ndjson'), 'utf8')).toContain('"record":"footer"');
  });

  test('the launcher reports a missing build', async () => {
    mkdirSync(at('harness/cli'), { recursive: true });
    const source = fileURLToPath(new URL('../../../harness/cli/seamstress.mjs', import.meta.url));
    expect(existsSync(source)).toBe(true);
    copyFileSync(source, at('harness/cli/seamstress.mjs'));
    expect(await runNode(folder.path, ['harness/cli/seamstress.mjs'])).toEqual({
      code: 4,
      out: '',
      err: 'seamstress: not built yet; run `npm ci` (or `npm run build`) in its folder first\n',
    });
  });
});
