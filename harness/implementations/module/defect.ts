import type { DifferenceKind } from './compare-answers.ts';

/** What is wrong with an implementation. One verdict is one kind of defect, with one thing to do about it. */
export const DEFECTS = {
  'wrong-outcome': 'it answers where the module shuts itself down, or the other way round',
  'wrong-status': 'RAX bits 63:32 are those of another status',
  'wrong-details': 'the status is right, its details (RAX bits 31:0) are not',
  'wrong-register': 'RAX is right, another output register is not',
  'wrong-memory': 'what the call wrote to memory is wrong',
  'wrong-state': 'the answers are right, the state behind them is not',
  'state-leak': 'the same case is answered otherwise after other cases: something survives the reset',
  'ignores-reset': 'a case begins where the one before it ended: nothing is reset',
  'non-deterministic': 'the same case from a fresh process is answered in different ways',
  'capability-lie': 'it refuses what its capabilities promise',
  slow: 'it answers, but later than it may',
  hang: 'it never answers',
  crash: 'it ends',
  'dies-in-batch': 'it ends while it works on several cases, and survives each of them alone',
  garbage: 'something on its stdout is not JSON',
  'line-too-long': 'a line on its stdout is longer than the protocol allows',
  'protocol-violation': 'a message breaks the rules of seam-stdio/1',
} as const;

export type DefectName = keyof typeof DEFECTS;

/** The verdict on an answer that differs for good. */
export const DEFECT_OF_DIFFERENCE: Readonly<Record<DifferenceKind, DefectName>> = {
  outcome: 'wrong-outcome',
  class: 'wrong-status',
  status: 'wrong-status',
  details: 'wrong-details',
  register: 'wrong-register',
  memory: 'wrong-memory',
  state: 'wrong-state',
};
