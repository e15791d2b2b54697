import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SUMMARY_SCHEMA } from '../report/summary.ts';
import { type CLIResult, runNode, temporaryFolder } from '../testing/spawn-cli.ts';

const START = fileURLToPath(new URL('./start.js', import.meta.url));
const BUILT = fileURLToPath(new URL('../../', import.meta.url));
const CORPUS = fileURLToPath(new URL('../../../corpus', import.meta.url));
const CASE = `${CORPUS}/host/pamt-across-two-tdmrs.json`;
const folder = temporaryFolder();
const cli = (...args: readonly string[]): Promise<CLIResult> => runNode(folder.path, [START, ...args]);
const conform = (...args: readonly string[]): Promise<CLIResult> => cli('conform', ...args);
const host = (name: string): string =>
  `stdio:exec '${process.execPath}' '${BUILT}harness/implementations/miniatures/host-main.js' ${name}`;
const MODULE = `stdio:exec '${process.execPath}' '${BUILT}harness/implementations/miniatures/main.js' right`;
const SERVED = `stdio:exec '${process.execPath}' '${START}' serve --kernel 6.12`;

/** A program that adds a line to a file at each start. */
function counted(text: string, name: string): { readonly command: string; readonly starts: () => number } {
  const file = join(folder.path, name);
  return {
    command: text.replace('stdio:', `stdio:echo >>'${file}'; `),
    starts: () => readFileSync(file, 'utf8').length,
  };
}

afterAll(() => folder.remove());

test('a module is started once, and its suite runs in the process that answered hello', async () => {
  const { starts, command } = counted(MODULE, 'module-starts');
  const { code } = await conform(command, '--runs', '64', '--quiet');
  expect([code, starts()]).toEqual([0, 1]);
}, 60_000);

describe('a host behind the protocol', () => {
  test('a served model shows its known deviations and no difference', async () => {
    const { code, out, err } = await conform(SERVED, '--known', '--runs', '64', '--json', '--quiet');
    expect([code, err]).toEqual([0, expect.stringContaining('model 6.12')]);
    const summary = SUMMARY_SCHEMA.check(JSON.parse(out), 'conform --json');
    expect(summary.findings).toEqual([]);
    expect(summary.known.length).toBeGreaterThan(30);
    expect(summary.stale).toEqual([]);
  }, 60_000);

  test('a finding is saved, and its command reproduces it', async () => {
    const { code, out } = await conform(host('prints-less'), '--case', CASE, '--json', '--quiet');
    expect(code).toBe(1);
    const [finding] = SUMMARY_SCHEMA.check(JSON.parse(out), 'conform --json').findings;
    expect(existsSync(join(folder.path, finding?.case ?? 'none'))).toBe(true);
    const again = await conform(host('prints-less'), '--case', finding?.case ?? '', '--quiet');
    expect([again.code, again.out]).toEqual([1, expect.stringContaining(finding?.invariant ?? 'none')]);
  }, 60_000);

  test('a host that crashes gets a minimal case, as any other', async () => {
    const { code, out } = await conform(host('crash'), '--case', CASE, '--json', '--quiet');
    expect(code).toBe(1);
    const { findings } = SUMMARY_SCHEMA.check(JSON.parse(out), 'conform --json');
    expect(findings.map(({ bucket, minimal }) => [bucket, minimal])).toEqual([['host/answers|crash|enable', true]]);
  }, 120_000);

  test('two hosts are compared', async () => {
    const same = await conform('--between', host('right'), SERVED, '--runs', '16', '--quiet');
    expect([same.code, same.out]).toEqual([0, expect.stringContaining('0 findings')]);
    const other = await conform('--between', host('right'), host('prints-less'), '--case', CASE, '--quiet');
    expect([other.code, other.out]).toEqual([1, expect.stringContaining('host/hosts-agree')]);
  }, 60_000);

  test('a host is started once for hello, and once per thread', async () => {
    const { starts, command } = counted(host('right'), 'host-starts');
    await conform(command, '--runs', '128', '--workers', '2', '--corpus', folder.path, '--quiet');
    expect(starts()).toBe(3);
  }, 60_000);

  test('cases that the host cannot run are skipped; without other cases the run is inconclusive', async () => {
    const tds = `${CORPUS}/known/6.17`;
    const { code, err } = await conform(host('right'), '--case', `${tds}/${tdCase()}`, '--quiet');
    expect([code, err]).toEqual([3, expect.stringContaining('1 saved case is skipped: guests are no part')]);
  });

  test('a host from a file runs in this process', async () => {
    const file = join(folder.path, 'host.mjs');
    writeFileSync(
      file,
      `import { modelHost } from '${BUILT}harness/implementations/host/model.js';\n` +
        `import { STRICT } from '${BUILT}model/kernel/revisions/strict.js';\n` +
        "export const implementation = modelHost(STRICT, '1');\n",
    );
    const { code, out } = await conform(file, '--runs', '32', '--quiet');
    expect([code, out]).toEqual([0, expect.stringContaining('0 findings')]);
  });
});

/** A known case with a guest in it. */
function tdCase(): string {
  const names = readdirSync(`${CORPUS}/known/6.17`);
  return names.find((name) => name.startsWith('td-')) ?? 'none';
}

describe('an implementation that cannot be run is one line of error', () => {
  test.each([
    [
      'both sides at once',
      [host('right'), MODULE],
      2,
      'some of these implementations make SEAMCALLs, the others answer them',
    ],
    [
      'an option of the other side',
      [host('right'), '--compare', 'class'],
      2,
      '--compare is only for modules (implementations that',
    ],
    ['an option of trees', [host('right'), '--cc', 'gcc'], 2, '--cc is only for kernel trees (linux:TREE)'],
    [
      'a host option for a module',
      [MODULE, '--known'],
      2,
      '--known is only for hosts (implementations that make SEAMCALLs)',
    ],
    [
      'a kernel other than the one it claims to be',
      [host('right'), '--kernel', '7.3'],
      2,
      'claims to behave like 6.12, not 7.3',
    ],
    ['two without --between', [host('right'), host('right')], 2, 'expected one host, got 2'],
    ['a tree and a host', ['--between', 'linux:.', host('right')], 2, 'two kernel trees, or two hosts'],
    ['one that ends at once', ['stdio:echo no such machine >&2; exit 3'], 4, 'exit code 3'],
    ['one that claims to be an unknown kernel', [host('claims-too-much')], 4, "behavesLike '9.9'"],
    ['one that never answers', [host('mute'), '--timeout', 'start=1500ms'], 4, "no 'hello' within 1500 ms"],
  ])('%s', async (_, args, code, message) => {
    const result = await conform(...args);
    expect([result.code, result.out]).toEqual([code, '']);
    expect(result.err).toContain(message);
    expect(result.err).not.toContain('internal error');
  });

  test('serve runs a module or a host, not both', async () => {
    const { code, err } = await cli('serve', '--kernel', '6.12', '--module', '1.0');
    expect([code, err]).toEqual([2, expect.stringContaining('--kernel')]);
  });
});

test('smoke checks hosts as well as modules', async () => {
  const { code, out } = await cli('smoke', host('right'));
  expect([code, out]).toEqual([0, expect.stringContaining('a host with 12 commands, claims to behave like 6.12')]);
  const wrong = await cli('smoke', host('keeps-state'), '--json');
  expect(wrong.code).toBe(1);
  expect((await cli('smoke', host('mute'), '--timeout', 'start=1s')).code).toBe(4);
}, 60_000);
