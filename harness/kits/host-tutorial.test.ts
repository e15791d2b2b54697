import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { hostStages } from '../implementations/host/stages.ts';
import { openHost } from '../implementations/host/judge.ts';
import { smokeHost } from '../implementations/host/smoke.ts';
import { openHostSession } from '../implementations/host/process.ts';
import { DEFAULT_TIMEOUTS } from '../implementations/process/timeouts.ts';
import { stages } from '../pipeline.ts';

const PAGE = fileURLToPath(new URL('../../../docs/implementing-a-host.md', import.meta.url));
const text = readFileSync(PAGE, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'seamstress-host-tutorial-'));
const OPTIONS = { timeouts: DEFAULT_TIMEOUTS, version: 'test', now: () => performance.now() };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [first = '', second = '', third = '', fourth = ''] = [...text.matchAll(/```python\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code,
);

/** The program with one function replaced, as the page says. */
function replaced(program: string, name: string, code: string): string {
  const from = program.indexOf(`def ${name}(`);
  const end = program.indexOf('\n\n\ndef ', from);
  return `${program.slice(0, from)}${code.trimEnd()}${program.slice(end)}`;
}

const two = replaced(first, 'perform', second);
const three = replaced(two, 'enable', third);
/** `mine.py` as it is after each section. */
const STAGES = [first, two, three, replaced(three, 'enable', fourth)];
/** What the page shows `smoke` to say then. */
const SHOWN = [...text.matchAll(/```\n((?:\d {2}.*\n)+[\s\S]*?)```/g)].map(([, shown = '']) =>
  shown.trimEnd().split('\n'),
);

function written(stage: number): string {
  const file = join(folder, `mine-${stage}.py`);
  writeFileSync(file, STAGES[stage] ?? '');
  return `exec python3 '${file}'`;
}

describe('the tutorial of hosts', () => {
  test.each([0, 1, 2, 3])('followed literally, section %# says what it shows', async (stage) => {
    const { rungs, stderr } = await smokeHost(written(stage), OPTIONS);
    expect(stderr).toBe('');
    const lines = rungs.map(({ name, result, message }, index) =>
      `${index + 1}  ${name.padEnd(18)}${result === 'ok' ? 'ok' : 'FAILED'}  ${message}`.trimEnd(),
    );
    const shown = (SHOWN[stage] ?? []).filter((line) => /^\d/.test(line));
    expect(shown.length).toBeGreaterThan(0);
    expect(lines).toEqual(expect.arrayContaining(shown));
    expect(rungs.filter(({ result }) => result === 'failed')).toHaveLength(stage === 3 ? 0 : 1);
  });

  test('what it ends with never dies, and is told what it still has to mind', () => {
    const subject = openHost({ name: 'mine', start: () => openHostSession(written(3), OPTIONS) });
    const { generate } = hostStages(stages, subject);
    const families = new Set<string>();
    try {
      for (let index = 0; index < 100; index += 1) {
        const input = generate('tutorial', index, {
          profile: { kernel: '6.12', module: '1.5.01' },
          mood: stages.moods[0] ?? '',
        });
        for (const { invariant } of subject.judge(input, false).violations)
          families.add(invariant.slice(0, invariant.indexOf('/')));
      }
    } finally {
      subject.close();
    }
    expect(families.has('host')).toBe(false);
    // Whatever the page promises.
    const promised = [...text.matchAll(/`([a-z-]+)\/\.\.\.`/g)].map(([, family = '']) => family);
    expect(promised.length).toBeGreaterThan(5);
    for (const family of promised) expect([family, families.has(family)]).toEqual([family, true]);
  });
});
