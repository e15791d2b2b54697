import type { Case } from '../case.ts';
import type { Verdict } from './verdict.ts';

/** Runs a case and checks every invariant. Pure and deterministic: the same case has the same verdict, for ever. */
export type Judge = (input: Case) => Verdict;

/** The same run as text (events, SEAMCALLs, dmesg), one line per element; called only when someone looks. */
export type Describe = (input: Case) => readonly string[];
