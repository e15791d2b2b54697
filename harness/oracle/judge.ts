import type { Case } from '../case.ts';
import type { Verdict, Violation } from './verdict.ts';

/**
 * Runs a case and checks every invariant. Pure and deterministic: the same case has the same verdict, for ever.
 * `full` (default true): also the checks that take further runs of the same case; a campaign asks for them on a fixed
 * share of its cases (isJudgedInFull() in campaign/range.ts). `seen` (default none): ids of `sometimes` that the caller
 * has no more need to hear of.
 */
export type Judge = (input: Case, full?: boolean, seen?: ReadonlySet<string>) => Verdict;

/** A run as text. */
export interface Description {
  /** Events, SEAMCALLs, effects and dmesg, one line each. */
  readonly lines: readonly string[];
  /** Index of the line that broke the rule in question; `null` where none was asked about, or none is to blame. */
  readonly broken: number | null;
}

/** The run of a case as text, and where `violation` lies in it; called only for a reader. */
export type Describe = (input: Case, violation?: Violation) => Description;
