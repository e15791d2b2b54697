/**
 * 64-bit values.
 *
 * A U64 is a `number` when it is below 2^53 and a `bigint` otherwise, and never the other way round: the form is
 * canonical, so `===` compares. Addresses, sizes and counts are numbers throughout the model; only hostile operands,
 * metadata field ids and error codes are large, and those are compared and printed but never calculated with in a
 * hot path. TypeScript refuses arithmetic on the union, so narrowing it cannot be forgotten.
 */
export type U64 = number | bigint;

// Captured once: under Jest every mention of a global crosses a VM context (about 700 ns).
const toBigInt = BigInt;
const toNumber = Number;
const floor = Math.floor;
const SAFE_END = 2 ** 53;
const SAFE_END_BIG = 2n ** 53n;
const MASK_64 = 2n ** 64n - 1n;
const TWO_32 = 2 ** 32;

// A bigint is taken apart and put together in memory: shifting one makes another, which takes ten times as long.
const WORD = new BigUint64Array(1);
const HALVES = new Uint32Array(WORD.buffer);
WORD[0] = 1n;
/** Which of the halves is which, by the byte order of the machine. */
const LOW = HALVES[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

export const U64_MAX: U64 = MASK_64;

/** The canonical form of a bigint, reduced modulo 2^64. */
export function u64FromBigInt(value: bigint): U64 {
  const wrapped = value & MASK_64;
  return wrapped < SAFE_END_BIG ? toNumber(wrapped) : wrapped;
}

/** Two 32-bit halves as one value; both must be integers in [0, 2^32). */
export function u64FromHalves(high: number, low: number): U64 {
  if (high < 0x200000) return high * TWO_32 + low;
  HALVES[HIGH] = high;
  HALVES[LOW] = low;
  return WORD[0] as bigint;
}

/** Bits 63:32. */
export function highHalf(value: U64): number {
  if (typeof value === 'number') return floor(value / TWO_32);
  WORD[0] = value;
  return HALVES[HIGH] as number;
}

/** Bits 31:0. */
export function lowHalf(value: U64): number {
  if (typeof value === 'number') return value - floor(value / TWO_32) * TWO_32;
  WORD[0] = value;
  return HALVES[LOW] as number;
}

/** For the rare calculation on hostile values; the result goes back through `u64FromBigInt`. */
export function asBigInt(value: U64): bigint {
  return typeof value === 'bigint' ? value : toBigInt(value);
}

/** `0x2d`: lower case, no padding: the only text form of a u64 in cases, transcripts and reports. */
export function formatU64(value: U64): string {
  return `0x${value.toString(16)}`;
}

const U64_TEXT = /^0x(?:0|[1-9a-f][0-9a-f]{0,15})$/;

/** Reads the text form; `undefined` if it is anything else (upper case, padded, over 64 bits, not hexadecimal). */
export function parseU64(text: string): U64 | undefined {
  if (!U64_TEXT.test(text)) return undefined;
  if (text.length <= 15) return parseInt(text.slice(2), 16);
  const value = toBigInt(text);
  return value < SAFE_END_BIG ? toNumber(value) : value;
}

/** `value === 0`. Engines compare a long way round wherever they have seen both forms; this is for what every SEAMCALL passes. */
export function isZero(value: U64): boolean {
  return typeof value === 'number' && value === 0;
}

/** `one === other`, likewise. */
export function isSame(one: U64, other: U64): boolean {
  return typeof one === 'number'
    ? typeof other === 'number' && one === other
    : typeof other === 'bigint' && one === other;
}

/** True if the value is a number below `end`; `end` is at most 2^53, so every bigint is beyond it. */
export function isBelow(value: U64, end: number): value is number {
  return typeof value === 'number' && value < end && end <= SAFE_END;
}
