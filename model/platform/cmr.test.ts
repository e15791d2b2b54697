import { describe, expect, test } from '@jest/globals';
import { brokenCMRRule, isConvertible, mergeCMRs } from './cmr.ts';

const range = (base: number, size: number) => ({ base, size });
const EMPTY = range(0, 0);

describe('a CMR table', () => {
  test.each([
    ['one range', [range(0x100000, 0x1000)], null],
    ['touching ranges', [range(0x1000, 0x1000), range(0x2000, 0x1000)], null],
    ['empty ones at the tail', [range(0x1000, 0x1000), EMPTY, EMPTY], null],
    ['nothing', [], 'cmr-none'],
    ['only empty ones', [EMPTY, EMPTY], 'cmr-none'],
    ['an empty one in front', [EMPTY, range(0x1000, 0x1000)], 'cmr-empty-inside'],
    ['an empty one between', [range(0x1000, 0x1000), EMPTY, range(0x5000, 0x1000)], 'cmr-empty-inside'],
    ['a base off by one', [range(0x1001, 0x1000)], 'cmr-unaligned'],
    ['a size off by one', [range(0x1000, 0xfff)], 'cmr-unaligned'],
    ['a later one below', [range(0x5000, 0x1000), range(0x1000, 0x1000)], 'cmr-order'],
    ['a later one inside', [range(0x1000, 0x2000), range(0x2000, 0x1000)], 'cmr-overlap'],
    ['the same one twice', [range(0x1000, 0x1000), range(0x1000, 0x1000)], 'cmr-overlap'],
    ['33 ranges', Array.from({ length: 33 }, (_, index) => range(0x100000 * (index + 1), 0x1000)), 'cmr-too-many'],
  ])('%s: %#', (_, cmrs, rule) => {
    expect(brokenCMRRule(cmrs)).toBe(rule);
  });
});

describe('the union of a table', () => {
  test('joins what touches or overlaps, in any order, over empty slots', () => {
    expect(
      mergeCMRs([range(0x4000, 0x1000), EMPTY, range(0x1000, 0x2000), range(0x3000, 0x1000), range(0x9000, 0x1000)]),
    ).toEqual([range(0x1000, 0x4000), range(0x9000, 0x1000)]);
    expect(mergeCMRs([range(0x1000, 0x5000), range(0x2000, 0x1000)])).toEqual([range(0x1000, 0x5000)]);
  });

  test('containment spans touching CMRs but no gap', () => {
    const cmrs = [range(0x3000, 0x1000), range(0x1000, 0x2000), range(0x5000, 0x1000)];
    expect(isConvertible(cmrs, 0x1000, 0x4000)).toBe(true);
    expect(isConvertible(cmrs, 0x1000, 0x4001)).toBe(false);
    expect(isConvertible(cmrs, 0x1000, 0x6000)).toBe(false);
    expect(isConvertible(cmrs, 0x0, 0x1000)).toBe(false);
    expect(isConvertible([], 0x1000, 0x1000)).toBe(true);
  });
});
