import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { describeLinux } from '../../testing/describe-where.ts';
import { runNode, temporaryFolder } from '../../testing/spawn-cli.ts';
import { findTree } from './tree.ts';

const START = fileURLToPath(new URL('../../cli/start.js', import.meta.url));
const PAGE = fileURLToPath(new URL('../../../../docs/a-kernel-patch.md', import.meta.url));
const text = readFileSync(PAGE, 'utf8');
const folder = temporaryFolder();
afterAll(() => folder.remove());

const patches = [...text.matchAll(/```diff\n([\s\S]*?)```/g)].map(([, diff = '']) => diff);
/** How often something was met, and where first, is another matter with every change to what is generated. */
function withoutCounts(line: string): string {
  return line.replace(/\d[\d,]* (?:cases?|tries)\b/g, 'some').replace(/first \S+:\d+/, 'first');
}

/** What the page shows `conform` to say after each. */
const shown = [...text.matchAll(/```\n((?:NEW BUG breaks|fixed {2})[\s\S]*?)```/g)].map(([, block = '']) =>
  block.trimEnd().split('\n'),
);

describeLinux('the page on kernel patches', () => {
  test('followed literally, the first patch is found wrong and the second right', async () => {
    const tree = join(folder.path, 'linux');
    cpSync(findTree('debian'), tree, { recursive: true });
    expect([patches.length, shown.length]).toEqual([2, 2]);
    const codes: number[] = [];
    for (const [index, patch] of patches.entries()) {
      const applied = spawnSync('git', ['apply', '-'], { cwd: tree, input: patch, encoding: 'utf8' });
      expect([applied.stderr, applied.status]).toEqual(['', 0]);
      const args = ['conform', `linux:${tree}`, '--known', '--runs', '1000', '--output', join(folder.path, 'reports')];
      const { out, code } = await runNode(process.cwd(), [START, ...args, '--quiet']);
      const lines = out.replaceAll(tree, '/tmp/linux').split('\n').map(withoutCounts);
      for (const line of shown[index] ?? []) expect(lines).toContain(withoutCounts(line));
      codes.push(code ?? -1);
    }
    expect(codes).toEqual([1, 0]);
  }, 120_000);
});
