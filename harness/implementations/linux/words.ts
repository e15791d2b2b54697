import { highHalf, lowHalf, type U64, u64FromHalves } from '../../../model/abi/u64.ts';

/** A message under construction: u32 words in a buffer that grows. */
export interface Words {
  list: Uint32Array;
  count: number;
}

const TWO_32 = 2 ** 32;

export function createWords(room = 1024): Words {
  return { list: new Uint32Array(room), count: 0 };
}

/** Appends one word: an integer in [-2^31, 2^32). */
export function put(words: Words, value: number): void {
  if (words.count === words.list.length) grow(words, words.count + 1);
  words.list[words.count++] = value;
}

/** Appends `count` bits, 32 a word, the first one lowest. */
export function putMask(words: Words, count: number, isSet: (bit: number) => boolean): void {
  for (let first = 0; first < count; first += 32) {
    let mask = 0;
    for (let bit = 0; bit < 32 && first + bit < count; bit += 1) if (isSet(first + bit)) mask += 2 ** bit;
    put(words, mask);
  }
}

/** Reads a bit of what starts at word `at`. */
export function maskAt(list: Uint32Array, at: number, bit: number): boolean {
  return (((list[at + Math.floor(bit / 32)] ?? 0) >>> (bit % 32)) & 1) === 1;
}

/** Appends a number in [0, 2^53), or -1 for all ones, as two words. */
export function putNumber(words: Words, value: number): void {
  if (value < 0) {
    put(words, 0xffffffff);
    put(words, 0xffffffff);
    return;
  }
  const low = value % TWO_32;
  put(words, low);
  put(words, (value - low) / TWO_32);
}

/** Appends a u64 as two words, low half first. */
export function putU64(words: Words, value: U64): void {
  put(words, lowHalf(value));
  put(words, highHalf(value));
}

/** Appends text as its length in bytes and its bytes, padded with zeroes to whole words; characters are Latin-1. */
export function putText(words: Words, text: string): void {
  const { length } = text;
  put(words, length);
  for (let at = 0; at < length; at += 4) {
    let word = 0;
    for (let byte = 3; byte >= 0; byte -= 1)
      word = word * 256 + (at + byte < length ? text.charCodeAt(at + byte) % 256 : 0);
    put(words, word);
  }
}

export function u64At(list: Uint32Array, at: number): U64 {
  return u64FromHalves(list[at + 1] ?? 0, list[at] ?? 0);
}

/** The same where it must be an address, size or count; -1 for all ones. Larger values lose their low bits. */
export function numberAt(list: Uint32Array, at: number): number {
  const high = list[at + 1] ?? 0;
  const low = list[at] ?? 0;
  return high === 0xffffffff && low === 0xffffffff ? -1 : high * TWO_32 + low;
}

/** A word as the C int it is. */
export function intAt(list: Uint32Array, at: number): number {
  const word = list[at] ?? 0;
  return word >= 0x80000000 ? word - TWO_32 : word;
}

/** Text as `putText` writes it; `at` is the word of its length. */
export function textAt(list: Uint32Array, at: number): string {
  const length = list[at] ?? 0;
  return Buffer.from(list.buffer, list.byteOffset + 4 * (at + 1), length).toString('latin1');
}

export function wordsOfText(length: number): number {
  return Math.ceil(length / 4);
}

function grow(words: Words, needed: number): void {
  const list = new Uint32Array(2 * needed);
  list.set(words.list);
  words.list = list;
}
