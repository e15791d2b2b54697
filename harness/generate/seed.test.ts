import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { randomFor } from './seed.ts';

const draw = (random: { nextInt(min: number, max: number): number }, count: number): number[] =>
  Array.from({ length: count }, () => random.nextInt(0, 999));

/** A generator that shares nothing with AleaGenerator but the key. */
class NumbersOf {
  readonly #prng: seedrandom.PRNG;

  constructor(key: string) {
    this.#prng = seedrandom.alea(key);
  }

  next(): number {
    return this.#prng.int32();
  }

  clone(): NumbersOf {
    return this;
  }

  jump(): void {}

  getState(): readonly number[] {
    return [];
  }
}

describe('the randomness of a case', () => {
  test('is pinned: a change here changes the cases of every published seed', () => {
    expect(draw(randomFor('seamstress', 0), 8)).toEqual([237, 497, 961, 385, 233, 11, 283, 751]);
    expect(draw(randomFor('seamstress', 1), 8)).not.toEqual(draw(randomFor('seamstress', 0), 8));
  });

  test('a copy continues where the original is, and neither advances the other', () => {
    const random = randomFor('seamstress', 7);
    draw(random, 5);
    const copy = random.clone();
    const expected = draw(randomFor('seamstress', 7), 15).slice(5);
    expect(draw(copy, 10)).toEqual(expected);
    expect(draw(random, 10)).toEqual(expected);
  });

  test("numbers equal those of fast-check's own Random", () => {
    const ranges: readonly (readonly [number, number])[] = [
      [0, 0],
      [0, 1],
      [0, 2],
      [0, 99],
      [-7, 13],
      [0, 0x1ffffff],
      [0, 2 ** 31 - 1],
      [0, 2 ** 32 - 1],
      [0, 2 ** 45],
      [-(2 ** 31), 2 ** 31 - 1],
    ];
    const own = randomFor('seamstress', 3);
    const plain = new fc.Random(new NumbersOf('seamstress/3'));
    for (let round = 0; round < 2000; round += 1) {
      const [min, max] = ranges[round % ranges.length] as readonly [number, number];
      expect(own.nextInt(min, max)).toBe(plain.nextInt(min, max));
    }
    expect(own.nextBigInt(0n, 2n ** 64n)).toBe(plain.nextBigInt(0n, 2n ** 64n));
    expect(own.nextInt()).toBe(plain.nextInt());
  });

  test('the state advances with each draw and is determined by seed and index', () => {
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
