import type { AnswerDifference, Level } from './compare-answers.ts';
import type { Capabilities, Identity, ModuleCaseText, StepAnswer, ModuleStepText } from '../protocol/messages.ts';
import type { Refusal } from './session.ts';
import type { DefectName } from './defect.ts';

/** What `conform` found: the shape of its `--json` (conform.schema.json), and what every other report is made from. */
export interface ConformReport {
  readonly format: 'seamstress-conform';
  readonly formatVersion: 1;
  readonly version: string;
  readonly module: string;
  readonly seed: string;
  readonly implementations: readonly ImplementationReport[];
  readonly exitCode: number;
}

export interface ImplementationReport {
  /** As the command line named it. */
  readonly name: string;
  readonly identity: Identity;
  readonly capabilities: Capabilities;
  /** The level that was really compared at: `registers` for one that does not say its state. */
  readonly level: Level;
  /** Why it could not be run to the end; `null`: it could. */
  readonly exhausted: string | null;
  readonly refusal: Refusal | null;
  readonly counts: Counts;
  readonly requirements: Readonly<Record<string, RequirementResult>>;
  readonly findings: readonly ModuleFinding[];
  readonly unobserved: readonly Unobserved[];
}

export interface Counts {
  readonly suite: number;
  readonly generated: number;
  readonly steps: number;
  readonly agreed: number;
  readonly observed: number;
  readonly unsupported: number;
  readonly skipped: number;
  readonly errored: number;
  /** Cases that were not asked because they call a leaf that it does not survive. */
  readonly leftOut: number;
}

export interface RequirementResult {
  readonly result: 'pass' | 'fail' | 'unsupported' | 'untested';
  /** The case that says so. */
  readonly case: string;
  /** The finding, where it failed. */
  readonly bucket: string | null;
}

export interface ModuleFinding {
  readonly bucket: string;
  readonly verdict: DefectName;
  readonly requirement: string | null;
  readonly message: string;
  readonly difference: AnswerDifference | null;
  /** No single simplification of the case keeps the finding. */
  readonly minimal: boolean;
  /** The smallest case that shows it, with the expected answers, in the shape of a recording. */
  readonly case: Pick<ModuleCaseText, 'id' | 'platform'> & { readonly steps: readonly (ModuleStepText & StepAnswer)[] };
  hits: number;
  /** The end of what it wrote to stderr. */
  readonly stderr: string;
}

export interface Unobserved {
  readonly outcome: string;
  readonly reason: string;
  readonly link: string | null;
  readonly count: number;
}
