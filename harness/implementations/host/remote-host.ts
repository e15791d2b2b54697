import type { KernelPort } from '../../../model/kernel/port.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import type { CommandKind, HostCommand } from '../protocol/host-command.ts';

/** How a command ended: what the host's function returned, unless it crashed (`kernel.crash` says why). */
export interface Reply {
  readonly ret: number;
  readonly crashed: boolean;
}

/** A host that runs elsewhere. Whatever it does while a command runs is carried out through the port, in order. */
export interface RemoteHost {
  /** Commands that the host takes. The harness performs the others as on a machine without TDX, or drops them. */
  readonly commands: ReadonlySet<CommandKind>;
  /** Warnings of the host and of the harness that checks it (a WARN_ON, memory freed twice ...). */
  readonly warnings: string[];
  readonly perform: (command: HostCommand, kernel: KernelState, port: KernelPort) => Reply;
}
