import { ImplementationFailure } from '../process/failure.ts';
import type { HostImplementation } from './implementation.ts';
import type { HostProcess } from './judge.ts';

/** A host that throws has crashed. Nothing protects this process from one that hangs: it belongs behind `stdio:`. */
export function inThisProcess(host: HostImplementation): HostProcess {
  return {
    ...host,
    perform(command, ask) {
      try {
        return host.perform(command, ask);
      } catch (error) {
        throw new ImplementationFailure(
          'exit',
          `it threw: ${error instanceof Error ? error.message : String(error)}`,
          '',
        );
      }
    },
    close: () => undefined,
  };
}
