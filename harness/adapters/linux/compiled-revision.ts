import { CRASH, DONE, type Step } from '../../../model/kernel/flow.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import { cpuHotplug } from '../../../model/kernel/revisions/common.ts';
import { foreignRevision } from '../../implementations/host/foreign-revision.ts';
import type { Conversation } from './conversation.ts';

/**
 * A compiled kernel as a revision like any other. CPU hotplug, memory hotplug around the notifier and whatever else is not
 * in the compiled file are those of `like`.
 */
export function compiledRevision(conversation: Conversation, like: Revision, name: string): Revision {
  const source = `arch/x86/virt/vmx/tdx/tdx.c of ${name}, compiled`;
  const { cpuOnline, cpuOffline, acpiCPUAdd, acpiCPURemove, memoryAdd, memoryRemove } = like;
  return {
    ...foreignRevision(conversation, like, name, source),
    ...{ cpuOnline, cpuOffline, acpiCPUAdd, acpiCPURemove, memoryAdd, memoryRemove },
    ...(like.enablesAtBoot ? ownCallbacks(conversation, source) : {}),
  };
}

/** CPU hotplug around the callbacks that the compiled kernel has installed by itself; an error keeps the CPU where it is. */
function ownCallbacks(conversation: Conversation, source: string): ReturnType<typeof cpuHotplug> {
  const callback = (name: string, kind: 'cpu-online' | 'cpu-offline'): readonly [Step, string] => {
    const step: Step = {
      name,
      source,
      run: (kernel, { cpu, target }, port) => {
        const { ret, crashed } = conversation.perform({ kind, cpu, target }, kernel, port);
        if (crashed) return CRASH;
        return ret < 0 ? ret : DONE;
      },
    };
    return [step, 'cpus-write-unlock'];
  };
  return cpuHotplug([callback('tdx-online-cpu', 'cpu-online')], [callback('tdx-offline-cpu', 'cpu-offline')]);
}
