import type { Severity } from '../../model/invariants/severity.ts';

/**
 * One flaw of the flow from BIOS to initialised TDX, found by review, in the field or by a campaign: a row of the matrix.
 * Which revisions have it is not written here: cases that break the named invariants show it.
 */
export interface Flaw {
  /** Below 64: number in the list that the matrix began with; from 64 on: first shown by a campaign of this project. */
  readonly number: number;
  readonly name: string;
  /** The worst consequence in a revision that has it. */
  readonly severity: Severity;
  /** What goes wrong, in a sentence. */
  readonly statement: string;
  readonly source: string;
  /** Prefixes of the buckets that show it; one is enough. */
  readonly shownBy: readonly string[];
  /** Revisions that cannot have it, by name, and why: they do not have the code in question. */
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
