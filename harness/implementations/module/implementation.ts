import type { CaseAnswer, Capabilities, Identity, ModuleProfile, ModuleCaseText } from '../protocol/messages.ts';
import type { Refusal } from './session.ts';

/**
 * A TDX module, emulator or mock in our own process: what a TypeScript or JavaScript module named on the command line
 * exports as `implementation`, and what `server.ts` can put behind the protocol.
 */
export interface ModuleImplementation {
  readonly identity: Identity;
  readonly capabilities: Capabilities;
  /** `null`: agreed; otherwise why not. May be left out by those that agree to every release they named. */
  readonly configure?: (profile: ModuleProfile, platform: unknown) => Refusal | null | Promise<Refusal | null>;
  /** Plays one case from reset. */
  readonly play: (question: ModuleCaseText, withState: boolean) => CaseAnswer | Promise<CaseAnswer>;
}
