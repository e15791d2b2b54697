import { describe, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { runNode } from '../testing/spawn-cli.ts';
import { EXPLAIN_SCHEMA } from './explain.ts';
import { LIST_SCHEMA } from './list.ts';

const START = fileURLToPath(new URL('./start.js', import.meta.url));
const run = (...args: readonly string[]) => runNode(process.cwd(), [START, ...args]);

describe('explain', () => {
  test('prints what, why, source, revisions and the command that replays the smallest case', async () => {
    const { code, out } = await run('explain', 'naming/gp-is-not-silent', '0xc000050500000000');
    expect(code).toBe(0);
    expect(out).toMatch(/^rule {7}naming\/gp-is-not-silent$/m);
    expect(out).toMatch(/^seen in {4}kernels .*6\.12/m);
    expect(out).toMatch(/^replay {5}npx seamstress replay \S*corpus\/known\//m);
    expect(out).toMatch(/^status {5}TDX_SYS_NOT_READY$/m);
    expect(out).toMatch(/^from {7}.*TDH\.SYS\.TDMR\.INIT/m);
  });

  test('--json follows its schema', async () => {
    const { out } = await run('explain', 'TDH.SYS.CONFIG', '42', '6.12', 'later', 'default', '--json');
    const { entries } = EXPLAIN_SCHEMA.check(JSON.parse(out), 'stdout');
    expect(entries.map(({ kind }) => kind)).toEqual(['leaf', 'flaw', 'kernel', 'module', 'mood']);
  });

  test('a mistyped name gets the nearest, and exit 2', async () => {
    const { code, err } = await run('explain', 'pamt/not-freed-whil');
    expect([code, err]).toEqual([2, expect.stringContaining("did you mean 'pamt/not-freed-while-ready'?")]);
  });
});

describe('list', () => {
  test.each(['rules', 'flaws', 'kernels', 'modules', 'moods', 'leaves', 'statuses', 'buckets'])('%s', async (kind) => {
    const { code, out } = await run('list', kind, '--json');
    expect(code).toBe(0);
    const { entries } = LIST_SCHEMA.check(JSON.parse(out), 'stdout');
    const text = await run('list', kind);
    expect(text.out.trimEnd().split('\n')).toHaveLength(entries.length);
  });

  test('an unknown kind is a usage error', async () => {
    expect((await run('list', 'rule')).code).toBe(2);
  });
});
