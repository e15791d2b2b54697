import { expect, test } from '@jest/globals';
import { createMemory, readWord, writeWord, writeWords, zeroRange } from './memory.ts';

test('a word is what was written last, whichever block was written to in between or given up', () => {
  const memory = createMemory();
  const plain = new Map<number, number>();
  let state = 7;
  const next = (below: number): number => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
  // Four blocks of 512 bytes.
  const addressOf = (word: number): number => 0x100000000 + 8 * word;
  for (let step = 0; step < 20_000; step += 1) {
    const word = next(256);
    const count = Math.min(next(130), 256 - word);
    const kind = next(10);
    if (kind < 7) {
      const value = next(3) * 2 ** 40;
      writeWord(memory, addressOf(word), value);
      plain.set(word, value);
    } else if (kind === 7) {
      writeWords(memory, addressOf(word), new Array<number>(count).fill(step));
      for (let at = word; at < word + count; at += 1) plain.set(at, step);
    } else {
      zeroRange(memory, addressOf(word), 8 * count);
      for (let at = word; at < word + count; at += 1) plain.set(at, 0);
    }
    const asked = next(256);
    if (readWord(memory, addressOf(asked)) !== (plain.get(asked) ?? 0))
      throw new Error(`word ${asked} at step ${step}`);
  }
  expect([...plain].filter(([word, value]) => readWord(memory, addressOf(word)) !== value)).toEqual([]);
});
