import type { U64 } from '../abi/u64.ts';

/** One line of dmesg as a table entry. */
export interface MessageText {
  /** 3 error, 4 warning, 6 information: the digit printk puts in front. */
  readonly level: 3 | 4 | 6;
  readonly text: (a: U64, b: U64, c: U64, d: U64, e: U64, f: U64) => string;
  readonly once: boolean;
}

export function line(level: MessageText['level'], text: MessageText['text'], once?: 'once'): MessageText {
  return { level, text, once: once !== undefined };
}

/** What a line of dmesg contains for its reader beyond that something happened. */
export type Named = 'sleep' | 'leaf' | 'reason' | 'absence' | 'region' | 'lp' | 'package' | 'keyid' | 'verdict';

/** One thing that a line names. */
export interface NamedThing {
  readonly what: Named;
  /** The number of an LP, package or KeyID; the base of a region in bytes. */
  readonly value?: number;
  /** The end of a region, bytes. */
  readonly end?: number;
}

/** %llx. */
export function hex(value: U64): string {
  return value.toString(16);
}

/** %016llx. */
export function hex16(value: U64): string {
  return value.toString(16).padStart(16, '0');
}
