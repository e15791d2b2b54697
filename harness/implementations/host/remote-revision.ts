import { PAGE_4K } from '../../../model/abi/page.ts';
import { EPERM } from '../../../model/kernel/errno.ts';
import {
  CRASH,
  DONE,
  defineFlow,
  type Flow,
  type FlowEntry,
  label,
  type StepResult,
  type Step,
} from '../../../model/kernel/flow.ts';
import { type MemoryKind, NOTIFY_BAD, NOTIFY_OK } from '../../../model/kernel/memory-hotplug.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import { cpuHotplug, memoryAdd, NOTHING_TO_DO, REMOVE_MEMORY } from '../../../model/kernel/revisions/common.ts';
import * as acpi from '../../../model/kernel/steps/linux/acpi.ts';
import * as hotplug from '../../../model/kernel/steps/linux/cpu-hotplug.ts';
import { MEMORY_NOTIFY } from '../../../model/kernel/steps/linux/memory-hotplug.ts';
import type { Thread } from '../../../model/kernel/thread.ts';
import type { RemoteHost, Reply } from './remote-host.ts';
import type { HostCommand } from '../protocol/host-command.ts';

/** A host that runs elsewhere, and where what it does comes from. */
interface Remote {
  readonly host: RemoteHost;
  readonly source: string;
}

/**
 * A host that runs elsewhere as a revision like any other: its entry points are flows of one step that lets it run. What
 * it cannot be asked is as `like` has it.
 */
export function remoteRevision(host: RemoteHost, like: Revision, name: string, source: string): Revision {
  const { commands } = host;
  const remote: Remote = { host, source };
  return {
    ...like,
    name,
    title: name,
    source,
    boot: entry(remote, 'boot'),
    cpuEnable: commands.has('cpu-enable') ? entry(remote, 'cpu-enable') : null,
    enable: entry(remote, 'enable'),
    ...cpuFlows(remote),
    ...memoryFlows(remote),
    ...(commands.has('kexec') && {
      kexec: defineFlow(
        'kexec',
        hook(remote, 'kexec', ({ cpu }) => ({ kind: 'kexec', cpu })),
      ),
    }),
    memoryNotifier: (kernel, port, startPfn, endPfn) => {
      const { ret, crashed } = host.perform(
        { kind: 'memory-online', base: startPfn * PAGE_4K, size: (endPfn - startPfn) * PAGE_4K },
        kernel,
        port,
      );
      return crashed || ret === 0 ? NOTIFY_OK : NOTIFY_BAD;
    },
    machineCheck: commands.has('machine-check')
      ? (kernel, port, cpu, address) => {
          const { ret, crashed } = host.perform({ kind: 'machine-check', cpu, address }, kernel, port);
          return crashed ? 'crash' : ret === 1 ? 'private' : 'none';
        }
      : // Not asked, but held to the rules about machine checks that hold for the kernel it is like.
        like.machineCheck && (() => 'none'),
  };
}

/** Runs a command; the errno goes with the thread, and the flow goes on whatever it is. */
function entry({ host, source }: Remote, kind: 'boot' | 'cpu-enable' | 'enable'): Flow {
  const step: Step = {
    name: kind,
    source,
    run: (kernel, thread, port) => outcomeOf(host.perform({ kind, cpu: thread.cpu }, kernel, port), thread),
  };
  return defineFlow(kind, [[step]]);
}

/** Asks before something happens; a refusal goes to the label `refused`. */
function hook(
  { host, source }: Remote,
  kind: HostCommand['kind'],
  make: (thread: Thread) => HostCommand,
  refused = 'end',
): readonly FlowEntry[] {
  const step: Step = {
    name: `ask-${kind}`,
    source,
    run: (kernel, thread, port) => {
      const { ret, crashed } = host.perform(make(thread), kernel, port);
      return crashed ? CRASH : ret < 0 ? ret : DONE;
    },
  };
  return host.commands.has(kind) ? [[step, refused]] : [];
}

function cpuHook(
  remote: Remote,
  kind: 'cpu-online' | 'cpu-offline' | 'acpi-cpu-add' | 'acpi-cpu-remove',
  refused?: string,
): readonly FlowEntry[] {
  return hook(remote, kind, ({ cpu, target }) => ({ kind, cpu, target }), refused);
}

/** CPUs that come and go, as far as the host has something to say about it. */
function cpuFlows(remote: Remote): Partial<Revision> {
  const { commands } = remote.host;
  return {
    ...((commands.has('cpu-online') || commands.has('cpu-offline')) &&
      cpuHotplug(cpuHook(remote, 'cpu-online', 'out'), cpuHook(remote, 'cpu-offline', 'out'))),
    ...(commands.has('acpi-cpu-add') && {
      acpiCPUAdd: defineFlow('acpi-cpu-add', [...cpuHook(remote, 'acpi-cpu-add'), [acpi.ADD_CPU]]),
    }),
    ...(commands.has('acpi-cpu-remove') && {
      acpiCPURemove: defineFlow('acpi-cpu-remove', [
        ...cpuHook(remote, 'acpi-cpu-remove'),
        [hotplug.SKIP_IF_OFFLINE, 'end', 'remove'],
        [hotplug.TAKE_CPU_DOWN],
        label('remove'),
        [acpi.REMOVE_CPU],
      ]),
    }),
  };
}

/** Memory that comes and goes. */
function memoryFlows(remote: Remote): Pick<Revision, 'memoryAdd' | 'memoryRemove'> {
  const asked = (kind: 'memory-add' | 'memory-remove', how: MemoryKind): readonly FlowEntry[] =>
    hook(remote, kind, ({ region }) => {
      const { base = 0, size = 0, node = 0 } = region ?? {};
      return { kind, how, base, size, node };
    });
  const notifier: readonly FlowEntry[] = remote.host.commands.has('memory-online')
    ? [[MEMORY_NOTIFY, 'failed_addition']]
    : [];
  return {
    memoryAdd: byKind((how) => {
      const before = asked('memory-add', how);
      if (how === 'zone-device') return before.length === 0 ? NOTHING_TO_DO : defineFlow('zone-device', before);
      return defineFlow('memory-add', [...before, ...memoryAdd([], notifier)]);
    }),
    memoryRemove: byKind((how) => {
      if (how === 'zone-device') return NOTHING_TO_DO;
      return defineFlow('memory-remove', [...asked('memory-remove', how), ...REMOVE_MEMORY]);
    }),
  };
}

function byKind(make: (how: MemoryKind) => Flow): Readonly<Record<MemoryKind, Flow>> {
  return { acpi: make('acpi'), driver: make('driver'), 'zone-device': make('zone-device') };
}

/** What a step of a flow makes of a reply; the errno goes with the thread whatever its sign. */
function outcomeOf({ ret, crashed }: Reply, thread: Thread): StepResult {
  if (crashed) return CRASH;
  thread.error = ret;
  return DONE;
}

/** What a kernel's notifier answers, as the reply to `memory-online`. */
export function replyOfNotifier(answer: number): number {
  return answer === NOTIFY_OK ? 0 : EPERM;
}
