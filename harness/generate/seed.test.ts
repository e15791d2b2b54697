import { describe, expect, test } from '@jest/globals';
import { randomFor } from './seed.ts';

const draw = (random: { nextInt(min: number, max: number): number }, count: number): number[] =>
  Array.from({ length: count }, () => random.nextInt(0, 999));

describe('the randomness of a case', () => {
  test('is pinned: a change here changes every campaign ever printed', () => {
    expect(draw(randomFor('seamstress', 0), 8)).toEqual([237, 497, 961, 385, 233, 11, 283, 751]);
    expect(draw(randomFor('seamstress', 1), 8)).not.toEqual(draw(randomFor('seamstress', 0), 8));
  });

  test('a copy goes on where the original stands, and neither moves the other', () => {
    const random = randomFor('seamstress', 7);
    draw(random, 5);
    const copy = random.clone();
    const expected = draw(randomFor('seamstress', 7), 15).slice(5);
    expect(draw(copy, 10)).toEqual(expected);
    expect(draw(random, 10)).toEqual(expected);
  });

  test('the state tells where it stands', () => {
    const random = randomFor('seamstress', 7);
    const before = random.getState();
    random.nextInt(0, 1);
    expect(random.getState()).not.toEqual(before);
    expect(randomFor('seamstress', 7).getState()).toEqual(before);
  });

  test('draws are even: each of ten values in 8 to 12 percent of 20,000', () => {
    const counts = new Array<number>(10).fill(0);
    for (let index = 0; index < 20000; index += 1) {
      const value = randomFor('even', index).nextInt(0, 9);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    for (const count of counts) expect(Math.abs(count / 20000 - 0.1)).toBeLessThan(0.02);
  });
});
