import type { Severity } from '../../model/invariants/severity.ts';

/**
 * One flaw of the flow from BIOS to initialised TDX that somebody found by thinking, reading or losing a day: a row of
 * the matrix. Whether a revision has it is not written here: it is found, by cases that break the invariants named.
 */
export interface Flaw {
  /** Numbers of the list the discussion is known by; those from 64 on were first shown by campaigns of this project. */
  readonly number: number;
  readonly name: string;
  /** The worst that comes of it in a revision that has it. */
  readonly severity: Severity;
  /** What goes wrong, in a sentence. */
  readonly statement: string;
  readonly source: string;
  /** Beginnings of the buckets that show it: any of them will do. */
  readonly shownBy: readonly string[];
  /** Revisions that cannot have it, by name, and why not: what is in question is not in them at all. */
  readonly notApplicable: Readonly<Record<string, string>>;
  /** Revisions that have it according to the sources. */
  readonly said: readonly string[];
  /** By revision: why the matrix is right where it differs from `said`. */
  readonly differences: Readonly<Record<string, string>>;
}

/** True if a violation in this bucket shows the flaw. */
export function shows({ shownBy }: Flaw, bucket: string): boolean {
  return shownBy.some((prefix) => bucket === prefix || bucket.startsWith(`${prefix}|`));
}
