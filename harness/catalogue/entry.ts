import type { KnownDeviation } from '../store/known.ts';

export const ENTRY_KINDS = ['rule', 'flaw', 'kernel', 'module', 'mood', 'leaf', 'status', 'bucket'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** One thing that reports name, explained. */
export interface Entry {
  readonly kind: EntryKind;
  /** As reports print it. */
  readonly name: string;
  /** What it is: a sentence. */
  readonly what: string;
  /** Why it matters, each a sentence; empty where nothing is known beyond `what`. */
  readonly why: readonly string[];
  /** What else there is to know, each line behind its label. */
  readonly facts: readonly Fact[];
  /** Where it is stated: mail, specification section, kernel function, recording. */
  readonly source: string;
  /** Kernel revisions that break the rule, have the flaw, or meet the status; in the order of the revisions. */
  readonly brokenBy: readonly string[];
  /** The smallest case that shows it; `null` where the corpus has none. */
  readonly case: ShownCase | null;
}

export interface Fact {
  readonly label: string;
  readonly text: string;
}

export interface ShownCase {
  readonly file: string;
  /** What the case is, in a few words. */
  readonly text: string;
  /** The command that runs it again. */
  readonly command: string;
}

/** What the corpus knows, for entries that show it. */
export interface Evidence {
  readonly known: readonly KnownDeviation[];
  /** A path as a reader in this folder would type it. */
  readonly nameOf: (path: string) => string;
  /** What the conformance suite shows each leaf to answer. */
  readonly answers: readonly SuiteAnswer[];
}

export interface SuiteAnswer {
  readonly leaf: string;
  readonly status: string;
  /** Bits 31:0 of RAX. */
  readonly details: number;
  readonly file: string;
  /** Id of the case in the file. */
  readonly id: string;
  /** SEAMCALLs of the case. */
  readonly steps: number;
}
