import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { UserError } from '../../user-error.ts';
import { conform, miniature, suite, TIMEOUTS } from '../../testing/conform-miniature.ts';
import { WRONG_ANSWERS } from '../miniatures/wrong-answers.ts';
import { openStdioRunner } from './stdio-runner.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

describe('every miniature with a wrong answer gets exactly its verdict', () => {
  const all = Object.entries(WRONG_ANSWERS).filter(([, { verdict }]) => verdict !== 'cannot-run');

  test.each(all)('%s', async (name, one) => {
    const { findings, exhausted, requirements } = await conform(miniature(name), one);
    const verdicts = [...new Set(findings.map(({ verdict }) => verdict))];
    expect(verdicts).toEqual(one.verdict === 'none' ? [] : [one.verdict]);
    expect(exhausted).toBe(null);
    if (one.verdict.startsWith('wrong-') || (one.verdict === 'capability-lie' && name !== 'lies-about-modules')) {
      for (const finding of findings) expect(finding).toMatchObject({ minimal: true });
    }
    if (name === 'lies-about-inputs')
      for (const { case: smallest, message } of findings) {
        expect(smallest.steps.at(-1)).toMatchObject({ inject: expect.any(String) });
        expect(message).toContain(`it calls step ${smallest.steps.length} unsupported: no inject`);
      }
    if (name === 'wrong-status')
      expect(requirements['TDH.SYS.KEY.CONFIG TDX_KEY_CONFIGURED']).toMatchObject({ result: 'fail' });
  });
});

describe('an implementation that cannot be run', () => {
  test.each([
    ['mute', /no 'hello' within 300 ms\. Does it flush its stdout/],
    ['old-version', /speaks seam-stdio\/7\.0, this harness speaks 1\.0/],
    ['ends-at-once', /exit code 3[\s\S]*the end of its stderr:\nminiature: segmentation fault/],
  ])('%s', async (name, message) => {
    const options = {
      version: 'test',
      now: () => performance.now(),
      validate: 'always',
      profile: { module: '1.5.01' },
      withState: false,
      restartsMax: 1,
    } as const;
    const timeouts = { ...TIMEOUTS, start: name === 'mute' ? 300 : 20_000 };
    const opened = openStdioRunner(miniature(name), { ...options, timeouts });
    await expect(opened).rejects.toThrow(UserError);
    await expect(opened).rejects.toThrow(message);
    await expect(opened).rejects.toMatchObject({ exitCode: 4 });
  });

  test('that is no program', async () => {
    const options = {
      version: 'test',
      now: () => performance.now(),
      validate: 'always',
      profile: { module: '1.5.01' },
      withState: false,
      restartsMax: 1,
    } as const;
    const opened = openStdioRunner('./nothing-of-that-name', { ...options, timeouts: TIMEOUTS });
    await expect(opened).rejects.toThrow(/exit code 127[\s\S]*nothing-of-that-name/);
  });

  test('is given up after its restarts, with what was found', async () => {
    const { findings, exhausted } = await conform(miniature('crash-always'), { restartsMax: 4 });
    expect(new Set(findings.map(({ verdict }) => verdict))).toEqual(new Set(['crash']));
    expect(exhausted).toMatch(/it failed 5 times/);
  });
});

test('our own model over the protocol conforms to itself in its state too', async () => {
  const report = await conform(
    `exec '${process.execPath}' '${ROOT}harness/cli/seamstress.mjs' serve`,
    { level: 'state' },
    suite,
  );
  expect(report.findings).toEqual([]);
  expect(Object.values(report.requirements).every(({ result }) => result === 'pass')).toBe(true);
  expect(report.counts.observed).toBe(suite.length + 60);
});

test('what is unsupported or skipped is told with reason and link, and is no failure', async () => {
  const { requirements, unobserved } = await conform(miniature('unsupported'));
  expect(unobserved).toContainEqual(
    expect.objectContaining({ outcome: 'unsupported', reason: 'no TDs', link: 'https://example.org/issues/1' }),
  );
  expect(requirements['TDH.MNG.CREATE TDX_SUCCESS']).toMatchObject({ result: 'unsupported' });
});

test('what a dead implementation started is gone, and the end of its stderr is told', async () => {
  const { findings } = await conform(miniature('leaves-children'));
  const pid = Number(/child (\d+)/.exec(findings[0]?.stderr ?? '')?.[1]);
  expect(pid).toBeGreaterThan(1);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
