import type { STEP_INPUTS } from '../../transcript/module-case.ts';
import type { PlatformText, RegisterText, StepText } from '../../transcript/module-text.ts';
import type { HostCapabilities } from './host-messages.ts';

/** The messages of seam-stdio/1 (protocol/README.md; a schema each in protocol/). One JSON object a line. */
export const PROTOCOL = { major: 1, minor: 0 } as const;

/** A case as it is asked: the recorded shape without its answers (corpus/transcripts/module.md). */
export interface ModuleCaseText {
  readonly id: string;
  readonly platform: PlatformText;
  readonly steps: readonly ModuleStepText[];
}

export type ModuleStepText = StepText;

/** Refusing a step for one of these is no refusal of its leaf. */
export type StepInput = (typeof STEP_INPUTS)[number];

/** What one step came to. `result` for a single call, `runs` for a repeated one; the others end the case. */
export interface StepAnswer {
  readonly result?: RegisterText;
  readonly runs?: readonly AnswerRun[];
  /** Words read back, in the order of the step's `read`; `null`, in expectations only: not compared. */
  readonly resultMem?: readonly (readonly (string | null)[])[];
  readonly state?: StateText;
  /** The module shut itself down. */
  readonly fatal?: string;
  readonly unsupported?: string;
  readonly skipped?: string;
  readonly errored?: string;
  readonly definite?: boolean;
  readonly link?: string;
}

export interface AnswerRun {
  readonly n: number;
  readonly result: RegisterText;
}

/** What the module is after a step, as far as every implementation can say it. */
export interface StateText {
  readonly phase: string;
  /** LPs that TDH.SYS.LP.INIT succeeded on, ascending. */
  readonly lps: readonly number[];
  /** In the order of TDH.SYS.CONFIG; bytes whose PAMT entries are initialised. */
  readonly tdmrs: readonly { readonly base: string; readonly initialised: string }[];
  /** KeyIDs in use, ascending. */
  readonly keyids: readonly { readonly id: number; readonly state: string }[];
}

export type CaseAnswer =
  | { readonly case: string; readonly outcome: 'observed'; readonly steps: readonly StepAnswer[] }
  | { readonly case: string; readonly outcome: 'unsupported'; readonly reason: string; readonly link?: string }
  | { readonly case: string; readonly outcome: 'skipped'; readonly reason: string; readonly link?: string }
  | {
      readonly case: string;
      readonly outcome: 'errored';
      readonly message: string;
      /** False: whether the call happened is not known. */
      readonly definite: boolean;
      readonly trace?: string;
    };

/** Who an implementation is. */
export interface Identity {
  readonly name: string;
  readonly version: string;
  readonly language?: string;
  readonly homepage?: string;
  readonly issues?: string;
  readonly source?: string;
}

export interface Capabilities {
  readonly role: 'module';
  /** Releases of the TDX module it behaves like. */
  readonly modules: readonly string[];
  /** Numbers of the leaves it has, in hexadecimal; all of them if missing. */
  readonly leaves?: readonly string[];
  /** What it takes in a step beside the call; nothing is promised of what is not named. */
  readonly inputs?: readonly StepInput[];
  /** `configured`: it takes one platform, from `configure`; cases then come without one. */
  readonly platforms?: 'any' | 'configured';
  /** Cases in one message, and messages not yet answered. */
  readonly batchMax: number;
  readonly inFlightMax: number;
  /** It can say `state`. */
  readonly state: boolean;
  /** Same case, same answer. */
  readonly deterministic: boolean;
}

export interface HelloAnswer {
  readonly type: 'hello';
  readonly id: number;
  readonly protocol: { readonly major: number; readonly minor: number };
  readonly implementation: Identity;
  readonly capabilities: Capabilities | HostCapabilities;
}

export type Request =
  | {
      readonly type: 'hello';
      readonly id: number;
      readonly protocol: { readonly major: number; readonly minor: number };
      readonly harness: { readonly name: string; readonly version: string };
      readonly capabilities: { readonly lineMax: number; readonly roles: readonly string[] };
    }
  | { readonly type: 'configure'; readonly id: number; readonly profile: ModuleProfile; readonly platform?: unknown }
  | {
      readonly type: 'run';
      readonly id: number;
      readonly state?: boolean;
      readonly cases: readonly (Omit<ModuleCaseText, 'platform'> & { readonly platform?: unknown })[];
    }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'stop'; readonly id: number };

export interface ModuleProfile {
  readonly module: string;
}

export type Response =
  | HelloAnswer
  | {
      readonly type: 'configured';
      readonly id: number;
      readonly outcome: 'ok' | 'unsupported';
      readonly reason?: string;
      readonly link?: string;
    }
  | { readonly type: 'ran'; readonly id: number; readonly results: readonly CaseAnswer[] }
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'stopped'; readonly id: number }
  | { readonly type: 'error'; readonly id: number | null; readonly message: string };
