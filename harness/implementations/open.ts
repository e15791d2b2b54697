import { UserError } from '../user-error.ts';
import { inThisProcess } from './host/in-process.ts';
import { type HostSubject, openHost } from './host/judge.ts';
import { openHostSession, type StdioHostOptions } from './host/process.ts';
import { isHost, loadFile } from './load.ts';
import { openInProcessRunner } from './module/in-process-runner.ts';
import type { Runner } from './module/runner.ts';
import { openSession, type SessionOptions } from './module/session.ts';
import { openStdioRunner, type RunnerOptions } from './module/stdio-runner.ts';
import type { ImplementationName } from './name.ts';
import { cannotRun } from './process/cannot-run.ts';
import { ImplementationFailure } from './process/failure.ts';
import type { HostCapabilities } from './protocol/host-messages.ts';

/** An implementation that has said on which side of the SEAMCALL instruction it stands. */
export type Identified = IdentifiedModule | IdentifiedHost;

export interface IdentifiedModule {
  readonly role: 'module';
  readonly name: ImplementationName;
  /** Makes it ready to be asked, in the process that has said hello. To be called once at most. */
  readonly open: (options: RunnerOptions) => Promise<Runner>;
  /** Ends a process that was not opened. */
  readonly close: () => Promise<void>;
}

/** Nothing runs of it any more: every thread starts a host of its own. */
export interface IdentifiedHost {
  readonly role: 'host';
  readonly name: ImplementationName;
  /** `null`: a kernel tree does not say what it can do. */
  readonly capabilities: HostCapabilities | null;
}

/** Asks an implementation what it is. Throws a UserError where it cannot be asked. */
export async function identify(name: ImplementationName, options: SessionOptions): Promise<Identified> {
  switch (name.kind) {
    case 'linux':
      return { role: 'host', name, capabilities: null };
    case 'file': {
      const loaded = await loadFile(name.path);
      if (isHost(loaded)) return { role: 'host', name, capabilities: loaded.capabilities };
      return {
        role: 'module',
        name,
        open: async ({ profile, withState }) => openInProcessRunner(loaded, profile, withState),
        close: async () => undefined,
      };
    }
    case 'stdio':
      return identifyProgram(name, options);
  }
}

/** Identifies implementations of one side; those that were identified are closed where one of them cannot be. */
export async function identifyAll(
  names: readonly ImplementationName[],
  options: SessionOptions,
): Promise<readonly Identified[]> {
  const all: Identified[] = [];
  try {
    for (const name of names) all.push(await identify(name, options));
    return all;
  } catch (error) {
    await closeAll(all);
    throw error;
  }
}

export async function closeAll(all: readonly Identified[]): Promise<void> {
  for (const one of all) if (one.role === 'module') await one.close();
}

async function identifyProgram(
  name: Extract<ImplementationName, { readonly kind: 'stdio' }>,
  options: SessionOptions,
): Promise<Identified> {
  const { command } = name;
  try {
    const session = await openSession(command, options);
    const { capabilities } = session.hello;
    if (capabilities.role === 'host') {
      await session.close();
      return { role: 'host', name, capabilities };
    }
    let opened = false;
    return {
      role: 'module',
      name,
      open: (how) => {
        opened = true;
        return openStdioRunner(command, { ...options, ...how }, session);
      },
      close: async () => {
        if (!opened) await session.close();
      },
    };
  } catch (error) {
    throw error instanceof ImplementationFailure ? cannotRun(command, error) : error;
  }
}

/** Starts a host by its name. Throws a UserError where that cannot be done. */
export async function openNamedHost(name: ImplementationName, options: StdioHostOptions): Promise<HostSubject> {
  switch (name.kind) {
    case 'stdio':
      try {
        return openHost({ name: name.text, start: () => openHostSession(name.command, options) });
      } catch (error) {
        throw error instanceof ImplementationFailure ? cannotRun(name.command, error) : error;
      }
    case 'file': {
      const loaded = await loadFile(name.path);
      if (!isHost(loaded)) throw new UserError(`${name.text} answers SEAMCALLs; expected something that makes them`);
      return openHost({ name: name.text, start: () => inThisProcess(loaded) });
    }
    case 'linux':
      throw new UserError(`${name.text} is compiled, not started`);
  }
}
