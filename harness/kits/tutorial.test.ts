import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { RELEASES } from '../../model/module/release.ts';
import { smoke } from '../implementations/smoke.ts';
import { DEFAULT_TIMEOUTS } from '../implementations/timeouts.ts';

const PAGE = fileURLToPath(new URL('../../../docs/implementing.md', import.meta.url));
const text = readFileSync(PAGE, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'seamstress-tutorial-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [first = '', start = '', second = '', third = ''] = [...text.matchAll(/```python\n([\s\S]*?)```/g)].map(
  ([, code = '']) => code,
);
const [beforeAnswer = '', afterAnswer = ''] = first.split(/def answer[\s\S]*?(?=\n\n\ndef main)/);
const answerTwo = second.slice(second.indexOf('def answer'));

/** `mine.py` as it is after each section, made as the page says. */
const STAGES = [
  first + start,
  `${beforeAnswer}${second}${afterAnswer}${start}`,
  `${beforeAnswer}${third}\n\n${answerTwo}${afterAnswer}${start}`,
];
/** What the page shows `smoke` to say then. */
const SHOWN = [...text.matchAll(/```\n((?:\d {2}.*\n)+[\s\S]*?)```/g)].map(([, shown = '']) =>
  shown.trimEnd().split('\n'),
);

describe('the tutorial', () => {
  test.each([0, 1, 2])('followed literally, section %# says what it shows', async (stage) => {
    const file = join(folder, 'mine.py');
    writeFileSync(file, STAGES[stage] ?? '');
    const options = {
      timeouts: DEFAULT_TIMEOUTS,
      version: 'test',
      now: () => performance.now(),
      validate: 'always',
    } as const;
    const { rungs } = await smoke(`exec python3 '${file}'`, options, RELEASES['1.5.01']);
    const lines = rungs.map(({ name, result, message }, index) =>
      `${index + 1}  ${name.padEnd(18)}${result === 'ok' ? 'ok' : 'FAILED'}  ${message}`.trimEnd(),
    );
    const shown = (SHOWN[stage] ?? []).filter((line) => /^\d/.test(line));
    expect(shown.length).toBeGreaterThan(1);
    expect(lines).toEqual(expect.arrayContaining(shown));
    expect(rungs.filter(({ result }) => result === 'failed')).toHaveLength(stage === 2 ? 0 : 1);
  });
});
