import type { Identity } from '../protocol/messages.ts';
import type { Answer, Ask, CommandMessage, Done, HostCapabilities } from '../protocol/host-messages.ts';

/**
 * A host that makes SEAMCALLs in our own process: what a TypeScript or JavaScript module named on the command line exports
 * as `implementation`, and what `server.ts` can put behind the protocol.
 */
export interface HostImplementation {
  readonly identity: Identity;
  readonly capabilities: HostCapabilities;
  /**
   * Carries out one command. `ask` makes a SEAMCALL, allocates, prints ...: it answers what is a question, and null to the
   * rest. Forgets everything when `boot` comes.
   */
  readonly perform: (command: CommandMessage, ask: (ask: Ask) => Answer | null) => Done;
}
