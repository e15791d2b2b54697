import { InvalidArgumentError } from 'commander';
import type { Shard } from '../../campaign/budget.ts';
import { didYouMean } from './suggest.ts';

/** Parsers of option values: each returns the value, or throws commander's error with what was expected. */

export function positiveInteger(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value === 0) {
    throw new InvalidArgumentError(`Expected a whole number above 0, got '${text}'.`);
  }
  return value;
}

/** `30s`, `10m`, `2h`, or a plain number of seconds. Returns seconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text);
  const seconds = Number(match?.[1]) * (UNITS[match?.[2] ?? 's'] ?? 1);
  if (match === null || !(seconds > 0) || seconds > 1e7)
    throw new InvalidArgumentError(`Expected a time such as 30s, 10m or 2h, got '${text}'.`);
  return seconds;
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** `2/3`: the second of three. */
export function shard(text: string): Shard {
  const match = /^(\d+)\/(\d+)$/.exec(text);
  const [index, count] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || index < 1 || index > count)
    throw new InvalidArgumentError(`Expected a shard such as 2/3 (1/3 is the first), got '${text}'.`);
  return { index, count };
}

/** One of a list of names. */
export function oneOf(names: readonly string[], what: string): (text: string) => string {
  return (text) => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(
      `There is no ${what} '${text}'${didYouMean(text, names)}. There are: ${names.join(', ')}.`,
    );
  };
}

/** A comma-separated list of names; may be given more than once. */
export function listOf(
  names: readonly string[],
  what: string,
): (text: string, before: readonly string[] | undefined) => readonly string[] {
  const parse = oneOf(names, what);
  return (text, before = []) => [...new Set([...before, ...text.split(',').map(parse)])];
}

export function seed(text: string): string {
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new InvalidArgumentError(`Expected printable ASCII characters without spaces, got '${text}'.`);
  return text;
}
