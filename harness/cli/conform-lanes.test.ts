import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { findTree } from '../implementations/linux/tree.ts';
import { SUMMARY_SCHEMA } from '../report/summary.ts';
import { describeLinux } from '../testing/describe-where.ts';
import { SEEDED_BUGS, seedBug } from '../testing/seeded-bugs.ts';
import { type CLIResult, runNode, temporaryFolder } from '../testing/spawn-cli.ts';

const START = fileURLToPath(new URL('./start.js', import.meta.url));
const folder = temporaryFolder();
/** A case in which an initialisation reaches TDH.SYS.CONFIG. */
const SOME_CASE = fileURLToPath(
  new URL('../../../corpus/known/6.12/balance-no-count-outlives-its-array-ready-462979e7.json', import.meta.url),
);

interface Run extends CLIResult {
  /** Every file that the run wrote, by name. */
  readonly files: Readonly<Record<string, string>>;
}

async function conform(args: readonly string[], whenSpawned?: (pid: number) => void): Promise<Run> {
  const output = join(folder.path, 'out');
  rmSync(output, { recursive: true, force: true });
  const all = [START, 'conform', ...args, '--no-timings', '--output', 'out', '--reporter', 'json,junit,markdown'];
  const result = await runNode(folder.path, all, {}, ({ pid }) => whenSpawned?.(pid ?? 0));
  const names = readdirSync(output, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = names.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return { ...result, files: Object.fromEntries(files.map((file) => [file, readFileSync(file, 'utf8')])) };
}

/** The compiled kernels that a process has started and that are still running. */
function kernelsOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      const [, command = '', state = '', ppid = ''] = /^\d+ \((.*)\) (\S) (\d+)/.exec(statOf(name)) ?? [];
      return command === 'kernel' && state !== 'Z' && Number(ppid) === parent;
    })
    .map(Number);
}

function statOf(pid: number | string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return '';
  }
}

async function kernelsWhenRunning(parent: number, count: number): Promise<readonly number[]> {
  for (;;) {
    const found = kernelsOf(parent);
    if (found.length === count) return found;
    await sleep(10);
  }
}

/** The processes that are still running after 5 s. */
async function survivors(pids: readonly number[]): Promise<readonly number[]> {
  const alive = (): readonly number[] => pids.filter((pid) => / \(kernel\) [^Z]/.test(statOf(pid)));
  for (let turns = 0; turns < 500 && alive().length > 0; turns += 1) await sleep(10);
  return alive();
}

afterAll(() => folder.remove());

describeLinux('lanes, each with a compiled kernel', () => {
  test.each([
    ['judged by its model', (tree: string) => ['--known', tree]],
    ['compared with another', (tree: string) => ['--between', 'linux:debian', tree]],
  ])(
    'reports, findings and screen do not depend on the number of lanes: a tree %s',
    async (_, named) => {
      const bug = SEEDED_BUGS.find(({ name }) => name === 'cpumask leak');
      if (bug === undefined) throw new Error('no such bug');
      const copy = seedBug(findTree('debian'), bug);
      const args = [...named(`linux:${copy}`), '--runs', '200', '--quiet', '--workers'];
      const one = await conform([...args, '1']);
      const two = await conform([...args, '2']);
      rmSync(copy, { recursive: true });
      expect([one.code, one.out]).toEqual([1, expect.stringContaining('NEW BUG breaks linux/')]);
      expect(Object.keys(one.files).length).toBeGreaterThan(4);
      expect([two.code, two.out, two.files]).toEqual([one.code, one.out, one.files]);
    },
    120_000,
  );

  test('a kernel that is killed from outside is started again, and nothing is lost', async () => {
    const args = ['linux:debian', '--known', '--runs', '400', '--workers', '2'];
    const calm = await conform(args);
    let killed: Promise<void> | undefined;
    const disturbed = await conform(args, (pid) => {
      killed = kernelsWhenRunning(pid, 2).then(async ([kernel = 0]) => {
        await sleep(200);
        process.kill(kernel, 'SIGKILL');
      });
    });
    await killed;
    expect([calm.code, disturbed.code]).toEqual([0, 0]);
    expect(disturbed.err).toContain('the process of linux:debian ended');
    expect(calm.err).not.toContain('ended');
    expect([disturbed.out, disturbed.files]).toEqual([calm.out, calm.files]);
  }, 120_000);

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends all kernels, and findings are kept',
    async (signal) => {
      let kernels: Promise<readonly number[]> | undefined;
      const args = ['linux:debian', '--time', '5m', '--workers', '2', '--json'];
      const { code, out } = await conform(args, (pid) => {
        kernels = kernelsWhenRunning(pid, 2).then((found) => {
          process.kill(pid, signal);
          return found;
        });
      });
      const summary = SUMMARY_SCHEMA.check(JSON.parse(out), 'conform --json');
      expect([code, summary.interrupted]).toEqual([signal === 'SIGINT' ? 130 : 143, signal]);
      expect(await survivors((await kernels) ?? [])).toEqual([]);
    },
    120_000,
  );

  test('a tree that hangs shows its progress, and a signal ends the run', async () => {
    const tree = seedBug(findTree('debian'), {
      name: 'no end',
      find: /ret = seamcall_prerr\(TDH_SYS_CONFIG, &args\);/,
      replace: 'for (;;) barrier(); ret = 0;',
    });
    const output = join(folder.path, 'hanging');
    const args = ['conform', `linux:${tree}`, '--case', SOME_CASE, '--workers', '1', '--output', output];
    let printed = '';
    const { code, out } = await runNode(process.cwd(), [START, ...args], {}, (child) => {
      child.stderr?.on('data', (chunk) => {
        if (printed.includes('tries to make')) return;
        printed += String(chunk);
        if (printed.includes('tries to make')) child.kill('SIGTERM');
      });
    });
    expect(printed).toMatch(/\d tries to make findings smaller/);
    expect([code, out]).toEqual([143, expect.stringContaining('hang: no end of work in sight')]);
    expect(out).toContain('not proved minimal');
    rmSync(tree, { recursive: true });
  }, 120_000);

  test('when the command is killed, its kernels end too', async () => {
    let kernels: Promise<readonly number[]> | undefined;
    const { code } = await conform(['linux:debian', '--time', '5m', '--workers', '2'], (pid) => {
      kernels = kernelsWhenRunning(pid, 2).then((found) => {
        process.kill(pid, 'SIGKILL');
        return found;
      });
    });
    expect(code).toBeNull();
    expect(await kernels).toHaveLength(2);
    expect(await survivors((await kernels) ?? [])).toEqual([]);
  }, 120_000);
});
