import type { CaseAnswer, Capabilities, Identity, ModuleCaseText } from '../protocol/messages.ts';
import type { Refusal } from './session.ts';
import type { DefectName } from './defect.ts';

/** A case with the answer that is expected of it, both also as the texts that go over the wire. */
export interface Prepared {
  readonly question: ModuleCaseText;
  readonly text: string;
  readonly expected: CaseAnswer;
  /** `null`: no single text is the right one (words that are not compared). */
  readonly expectedText: string | null;
}

/** What came of one case. */
export type Observation =
  | { readonly kind: 'as-expected' }
  | { readonly kind: 'answered'; readonly answer: CaseAnswer }
  | { readonly kind: 'failed'; readonly failure: Failed }
  /** The run was broken off before it came to this: some cases failed, or nothing runs any more. */
  | { readonly kind: 'not-run' };

/** A case that an implementation did not survive. */
export interface Failed {
  readonly verdict: DefectName;
  readonly message: string;
  readonly stderr: string;
}

/** Something that went wrong with several cases together and with none of them alone. */
export interface Incident extends Failed {
  /** Ids of the cases that were being worked on. */
  readonly cases: readonly string[];
}

/** An implementation as the engine sees it: whatever happens to it, cases go in and observations come out. */
export interface Runner {
  readonly identity: Identity;
  readonly capabilities: Capabilities;
  /** Why it does not take the profile at all, if it does not. */
  readonly refusal: Refusal | null;
  /** Observations in the order of the cases. */
  readonly run: (cases: readonly Prepared[]) => Promise<readonly Observation[]>;
  /** The same in a new process, one case at a time. */
  readonly runFresh: (cases: readonly Prepared[]) => Promise<readonly Observation[]>;
  /** What happened besides, so far. */
  readonly incidents: readonly Incident[];
  /** Why nothing runs any more: it failed too often. `null`: it still does. */
  readonly exhausted: () => string | null;
  readonly close: () => Promise<void>;
}
