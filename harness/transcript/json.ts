import type { U64 } from '../../model/abi/u64.ts';
import { parseU64 } from '../../model/abi/u64.ts';
import { TraceFormatError } from './replay.ts';

/**
 * Reading the parts of a recorded line with their types checked. Every function throws a TraceFormatError that says
 * where (a path such as `steps[3].seamcall.rcx`), what was expected and what stood there.
 */
export type JSONObject = { readonly [key: string]: unknown };

export function asObject(value: unknown, where: string): JSONObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return expected('an object', value, where);
  return value as JSONObject;
}

export function asArray(value: unknown, where: string): readonly unknown[] {
  return Array.isArray(value) ? value : expected('an array', value, where);
}

/** An array that may be missing. */
export function arrayOr(value: unknown, where: string): readonly unknown[] {
  return value === undefined ? [] : asArray(value, where);
}

export function asText(value: unknown, where: string): string {
  return typeof value === 'string' ? value : expected('a text', value, where);
}

/** An integer in [0, end). */
export function asCount(value: unknown, end: number, where: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < end) return value;
  return expected(`an integer from 0 to ${end - 1}`, value, where);
}

/** `asCount` with a default for a missing value. */
export function countOr(value: unknown, fallback: number, end: number, where: string): number {
  return value === undefined ? fallback : asCount(value, end, where);
}

/** A 64-bit value as lower-case hexadecimal text without padding. */
export function asU64(value: unknown, where: string): U64 {
  const parsed = typeof value === 'string' ? parseU64(value) : undefined;
  return parsed ?? expected('a 64-bit value such as "0x2d"', value, where);
}

/** A missing register is zero. */
export function u64Or0(value: unknown, where: string): U64 {
  return value === undefined ? 0 : asU64(value, where);
}

/** A 32-bit value as hexadecimal text. */
export function asU32(value: unknown, where: string): number {
  const parsed = asU64(value, where);
  return typeof parsed === 'number' && parsed < 2 ** 32
    ? parsed
    : expected('a 32-bit value such as "0x2d"', value, where);
}

/** A 32-bit value that recordings write as a number or as hexadecimal text. */
export function u32(value: unknown, where: string): number {
  return typeof value === 'string' ? asU32(value, where) : asCount(value, 2 ** 32, where);
}

/** `u32` with a default for a missing value. */
export function u32Or(value: unknown, fallback: number, where: string): number {
  return value === undefined ? fallback : u32(value, where);
}

/** A physical address below 2^53, as hexadecimal text. */
export function asAddress(value: unknown, where: string): number {
  const parsed = asU64(value, where);
  return typeof parsed === 'number' ? parsed : expected('an address below 2^53', value, where);
}

/** Throws unless every key of the object is one of `known`: a key without a reader would be skipped silently. */
export function refuseUnknownKeys(object: JSONObject, known: ReadonlySet<string>, where: string): void {
  for (const key of Object.keys(object)) {
    if (!known.has(key))
      throw new TraceFormatError(`${where}: unknown key "${key}"; known are ${[...known].join(', ')}`);
  }
}

function expected(what: string, value: unknown, where: string): never {
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value) ?? String(value));
  throw new TraceFormatError(
    `${where}: expected ${what}, found ${shown.length > 80 ? `${shown.slice(0, 77)}...` : shown}`,
  );
}
