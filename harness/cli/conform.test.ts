import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { findTree } from '../implementations/linux/tree.ts';
import { SUMMARY_SCHEMA } from '../report/summary.ts';
import { describeLinux } from '../testing/describe-where.ts';
import { SEEDED_BUGS, seedBug } from '../testing/seeded-bugs.ts';
import { type CLIResult, runNode, temporaryFolder } from '../testing/spawn-cli.ts';

const START = fileURLToPath(new URL('./start.js', import.meta.url));
const CASE = fileURLToPath(new URL('../../../corpus/host/pamt-across-two-tdmrs.json', import.meta.url));
const folder = temporaryFolder();
const conform = (...args: readonly string[]): Promise<CLIResult> => runNode(folder.path, [START, 'conform', ...args]);

afterAll(() => folder.remove());

describe('an implementation that cannot be run is one line of error', () => {
  test.each([
    ['an unknown kind of implementation', ['nonsense'], 2, "unknown implementation 'nonsense': expected stdio:COMMAND"],
    ['no such tree', ['linux:/nowhere'], 4, 'no kernel tree at /nowhere'],
    ['a folder that is no kernel tree', ['linux:.'], 4, 'it has no arch/x86/virt/vmx/tdx/tdx.c'],
  ])('%s', async (_, args, code, message) => {
    const result = await conform(...args);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).toContain(message);
    expect(result.err).not.toContain('internal error');
  });

  test('a kernel tree without its scheme', async () => {
    mkdirSync(join(folder.path, 'linux-6.12/arch/x86'), { recursive: true });
    const result = await conform('linux-6.12');
    expect([result.code, result.out]).toEqual([2, '']);
    expect(result.err).toContain("'linux-6.12' (did you mean linux:linux-6.12?): expected stdio:COMMAND");
  });

  test('a missing compiler', async () => {
    const tree = join(folder.path, 'tree/arch/x86/virt/vmx/tdx');
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, 'tdx.c'), 'int nothing;\n');
    const result = await conform('linux:tree', '--cc', 'no-such-compiler');
    expect(result.code).toBe(4);
    expect(result.err).toContain('cannot run no-such-compiler');
  });
});

describeLinux('Linux 6.12', () => {
  test('known deviations are listed apart, and without --known they fail', async () => {
    const known = await conform('linux:debian', '--known', '--runs', '256', '--json', '--quiet');
    expect([known.code, known.err]).toEqual([0, expect.stringContaining('seed seamstress')]);
    const summary = SUMMARY_SCHEMA.check(JSON.parse(known.out), 'conform --json');
    expect(summary.findings).toEqual([]);
    expect(summary.known.length).toBeGreaterThan(30);
    expect(summary.stale).toEqual([]);
    const all = await conform('linux:debian', '--bail', '--runs', '256', '--json', '--quiet');
    expect(all.code).toBe(1);
    const [finding] = SUMMARY_SCHEMA.check(JSON.parse(all.out), 'conform --json').findings;
    expect(existsSync(join(folder.path, finding?.case ?? 'none'))).toBe(true);
    const again = await conform('linux:debian', '--case', finding?.case ?? '', '--json', '--quiet');
    expect([again.code, finding?.replay]).toEqual([1, `npx seamstress conform linux:debian --case ${finding?.case}`]);
  }, 120_000);

  test('a lock that is kept is one finding, no matter how many cases and CPUs wait for it', async () => {
    const bug = SEEDED_BUGS.find(({ name }) => name === 'module lock kept after a failure');
    if (bug === undefined) throw new Error('no such bug');
    const tree = seedBug(findTree('debian'), bug);
    const result = await conform(`linux:${tree}`, '--known', '--runs', '128', '--json', '--quiet');
    const summary = SUMMARY_SCHEMA.check(JSON.parse(result.out), 'conform --json');
    expect(summary.findings.map(({ bucket }) => bucket)).toEqual(['balance/locks|module']);
    expect([result.code, summary.crash]).toEqual([1, null]);
    const [finding] = summary.findings;
    const path = finding?.case ?? '';
    expect(finding?.replay).toBe(`npx seamstress conform --known linux:${tree} --case ${path}`);
    const saved = readFileSync(join(folder.path, path), 'utf8');
    expect(saved).toContain(`"implementations": ["linux:${tree}"]`);
    // The saved case alone: known deviations are listed apart, and the file does not change.
    const again = await conform(...(finding?.replay ?? '').split(' ').slice(3), '--json', '--quiet');
    const alone = SUMMARY_SCHEMA.check(JSON.parse(again.out), 'conform --json');
    expect(alone.findings).toMatchObject([{ bucket: 'balance/locks|module', hits: 1, case: path }]);
    expect(alone.known.map(({ bucket }) => bucket)).toContain('once/one-failure-does-not-bar-tdx|error');
    expect([again.code, alone.stale]).toEqual([1, []]);
    // Without --known the other deviations are findings too; the one that the file was saved for comes first.
    const all = await conform(`linux:${tree}`, '--case', path, '--json', '--quiet');
    const [first, ...others] = SUMMARY_SCHEMA.check(JSON.parse(all.out), 'conform --json').findings;
    expect([first?.bucket, others.length > 0]).toEqual(['balance/locks|module', true]);
    rmSync(tree, { recursive: true });
    expect(readFileSync(join(folder.path, path), 'utf8')).toBe(saved);
  }, 120_000);

  test('one case, and a tree against itself', async () => {
    expect((await conform('linux:debian', '--case', CASE, '--quiet')).code).toBe(0);
    const between = await conform('--between', 'linux:debian', 'linux:debian', '--runs', '64', '--quiet');
    expect([between.code, between.out]).toEqual([0, expect.stringContaining('0 findings')]);
    expect((await conform('--between', 'linux:debian', '--runs', '64')).code).toBe(2);
  }, 120_000);

  test('a patch against its base: the difference in words, side by side, and the printed command reproduces it', async () => {
    const bug = SEEDED_BUGS.find(({ name }) => name === 'no WBINVD on the error path');
    if (bug === undefined) throw new Error('no such bug');
    const patched = seedBug(findTree('debian'), bug);
    const args = [
      '--between',
      'linux:debian',
      `linux:${patched}`,
      '--known',
      '--runs',
      '64',
      '--module',
      'later',
      '--quiet',
    ];
    const found = await conform(...args);
    expect(found.code).toBe(1);
    expect(found.out).toContain(`linux:debian has "WBINVD on all CPUs", linux:${patched} has "MOVDIR64B [`);
    expect(found.out).toMatch(/^ {8}[|>] - {2,}WBINVD on all CPUs$/m);
    const [, replay = ''] = /^ {8}npx seamstress conform (.*)$/m.exec(found.out) ?? [];
    expect(replay).toMatch(/^--between --module later linux:debian /);
    const again = await conform(...replay.split(' '), '--quiet');
    rmSync(patched, { recursive: true });
    expect([again.code, again.out]).toEqual([1, expect.stringContaining('module later')]);
  }, 120_000);

  test('a tree that needs more than the shim has is reported by name, and builds with a header that declares it', async () => {
    const tree = seedBug(findTree('debian'), {
      name: 'needs more',
      find: /args\.rcx = 0;/,
      replace: 'args.rcx = 0; tdx_brand_new_helper(TDX_BRAND_NEW_FLAG);',
    });
    const args = [`linux:${tree}`, '--case', CASE, '--quiet'];
    const bare = await conform(...args);
    expect([bare.code, bare.out]).toEqual([4, '']);
    expect(bare.err).toContain('needs what the shim does not have: tdx_brand_new_helper, TDX_BRAND_NEW_FLAG');
    const none = await conform(...args, '--extra', 'extra.h');
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('--extra extra.h: expected a C header')]);
    const text = '#define TDX_BRAND_NEW_FLAG 1\nstatic inline void tdx_brand_new_helper(int flag) { (void)flag; }\n';
    writeFileSync(join(folder.path, 'extra.h'), text);
    expect((await conform(...args, '--extra', 'extra.h')).code).toBe(0);
    rmSync(tree, { recursive: true });
  }, 120_000);
});
