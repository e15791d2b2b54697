import type { Case } from '../case.ts';
import type { Verdict } from './verdict.ts';

/**
 * Runs a case and checks every invariant. Pure and deterministic: the same case has the same verdict, for ever.
 * `full` (default true): also the checks that take further runs of the same case; a campaign asks for them on a fixed
 * share of its cases (isJudgedInFull() in campaign/range.ts). `seen` (default none): ids of `sometimes` that the caller
 * has no more need to hear of.
 */
export type Judge = (input: Case, full?: boolean, seen?: ReadonlySet<string>) => Verdict;

/** The same run as text (events, SEAMCALLs, dmesg), one line per element; called only when someone looks. */
export type Describe = (input: Case) => readonly string[];
