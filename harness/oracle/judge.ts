import type { Case } from '../case.ts';
import type { Verdict, Violation } from './verdict.ts';

/**
 * Runs a case and checks every invariant. Pure and deterministic: the same case always has the same verdict.
 * `full` (default true): also the checks that take further runs of the same case; a campaign requests them for a fixed
 * share of its cases (isJudgedInFull() in campaign/range.ts). `seen` (default none): ids of `sometimes` that the caller
 * does not need any more.
 */
export type Judge = (input: Case, full?: boolean, seen?: ReadonlySet<string>) => Verdict;

/** A run as text. */
export interface Description {
  /** Events, SEAMCALLs, effects and dmesg, one line each. */
  readonly lines: readonly string[];
  /** Index of the line that broke the rule in question; `null` without a rule or without such a line. */
  readonly broken: number | null;
}

/** The run of a case as text, and the line of `violation` in it. Slow; called only for output. */
export type Describe = (input: Case, violation?: Violation) => Description;
