import { describe, expect, test } from '@jest/globals';
import { conform, fewer, miniature } from '../../testing/conform-miniature.ts';
import { BAD_MANNERS } from '../miniatures/bad-manners.ts';

// Beside conform.test.ts, not in it: what hangs and crashes takes its time, and test files run side by side.

describe('every miniature with bad manners gets exactly its verdict', () => {
  const all = Object.entries(BAD_MANNERS).filter(([, { verdict }]) => verdict !== 'cannot-run');

  test.each(all)('%s', async (name, one) => {
    const { findings, exhausted } = await conform(miniature(name), { ...one, runs: 12 }, fewer);
    const verdicts = [...new Set(findings.map(({ verdict }) => verdict))];
    expect(verdicts).toEqual(one.verdict === 'none' ? [] : [one.verdict]);
    expect(exhausted).toBe(null);
  });
});
