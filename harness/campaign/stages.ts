import type { Case, Profile } from '../case.ts';
import type { BootOutcome, Machine } from '../platform-file/boot-machine.ts';
import type { Describe, Judge } from '../oracle/judge.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { Sometimes } from '../oracle/verdict.ts';

/**
 * The stages of a campaign as one value: `pipeline.ts` composes the real ones, tests compose fakes. A worker thread
 * imports the same module by its URL, so that every thread runs the same stages.
 */
export interface Stages {
  /** All kernel revisions and TDX module releases, in the order in which they are listed. */
  readonly kernels: readonly string[];
  readonly modules: readonly string[];
  /** Names of all moods; the first is the default. */
  readonly moods: readonly string[];
  readonly defaultKernel: string;
  /** The default module release of a kernel revision. */
  readonly defaultModule: (kernel: string) => string;
  /** Ids of the `always` invariants judged. */
  readonly invariants: readonly string[];
  /** The rule that a violation in this bucket breaks. Throws for a bucket of no rule that these stages judge. */
  readonly ruleOf: (bucket: string) => RuleText;
  /** States that a campaign of this profile must reach, and the number of cases within which it must. */
  readonly sometimes: (profile: Profile) => readonly Sometimes[];
  /** Case `index` of a seed; does not depend on the generation of other cases. */
  readonly generate: (seed: string, index: number, options: GenerateOptions) => Case;
  readonly judge: Judge;
  readonly describe: Describe;
  /** One machine through BIOS, MCHECK and the kernel; throws a UserError for a bad platform file. */
  readonly boot: (machine: Machine, profile: Profile) => BootOutcome;
}

export interface GenerateOptions {
  readonly profile: Profile;
  readonly mood: string;
}

/** The source from which a thread opens its own stages: plain data, so that it can be sent to the thread. */
export interface StagesSource {
  /** File URL of a `StagesModule`. */
  readonly module: string;
  /** Argument of its `openStages`; plain data. */
  readonly input?: unknown;
  /** Its judge waits for other processes, which may be slow. Missing: false. */
  readonly waits?: boolean;
}

/** Exports of a stages module: stages, or a function that opens stages with an external resource, such as a process. */
export type StagesModule =
  | { readonly stages: Stages }
  | { readonly openStages: (input: unknown) => Promise<OpenStages> };

export interface OpenStages {
  readonly stages: Stages;
  readonly close: () => void;
}

/** Throws a UserError if the stages cannot be opened. */
export async function openStages({ module, input }: StagesSource): Promise<OpenStages> {
  const found = (await import(module)) as StagesModule;
  return 'stages' in found ? { stages: found.stages, close: () => undefined } : await found.openStages(input);
}
