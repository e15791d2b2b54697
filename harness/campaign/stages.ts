import type { Case, Profile } from '../case.ts';
import type { BootOutcome, Machine } from '../platform-file/boot-machine.ts';
import type { Describe, Judge } from '../oracle/judge.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { Sometimes } from '../oracle/verdict.ts';

/**
 * The stages a campaign is made of, as one value: `pipeline.ts` composes the real ones, tests compose liars. A worker
 * thread imports the same module by its URL, so that every thread runs the same stages.
 */
export interface Stages {
  /** Kernel revisions and TDX module releases there are, in the order a person expects them. */
  readonly kernels: readonly string[];
  readonly modules: readonly string[];
  /** What a campaign may switch on; the first is the default. */
  readonly moods: readonly string[];
  readonly defaultKernel: string;
  /** The release a revision is run with unless told otherwise. */
  readonly defaultModule: (kernel: string) => string;
  /** Ids of the `always` invariants judged. */
  readonly invariants: readonly string[];
  /** The rule that a violation in this bucket breaks. Throws for a bucket of no rule that these stages judge. */
  readonly ruleOf: (bucket: string) => RuleText;
  /** What a campaign of this profile must see happen, and within how many cases. */
  readonly sometimes: (profile: Profile) => readonly Sometimes[];
  /** Case `index` of a seed, alone: no other case has to be generated for it. */
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

/** Where a thread gets stages of its own from: plain data, so that it can be sent there. */
export interface StagesSource {
  /** File URL of a `StagesModule`. */
  readonly module: string;
  /** What its `openStages` is told; plain data. */
  readonly input?: unknown;
  /** Its judge waits for other processes, that may take their time. Missing: false. */
  readonly waits?: boolean;
}

/** What a pipeline module exports: stages, or how to open some that hold on to something outside, such as a process. */
export type StagesModule =
  | { readonly stages: Stages }
  | { readonly openStages: (input: unknown) => Promise<OpenStages> };

export interface OpenStages {
  readonly stages: Stages;
  readonly close: () => void;
}

/** Throws a UserError where they cannot be opened. */
export async function openStages({ module, input }: StagesSource): Promise<OpenStages> {
  const found = (await import(module)) as StagesModule;
  return 'stages' in found ? { stages: found.stages, close: () => undefined } : await found.openStages(input);
}
