import { CRASH, defineFlow, DONE, type Step } from '../../../model/kernel/flow.ts';
import { NOTIFY_OK } from '../../../model/kernel/memory-hotplug.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import { cpuHotplug } from '../../../model/kernel/revisions/common.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import {
  putBoot,
  putCPUEnable,
  putCPUOffline,
  putCPUOnline,
  putEnable,
  putMachineCheck,
  putNotify,
} from './commands.ts';
import { type Conversation, outcomeOf } from './conversation.ts';
import { createWords, type Words } from './words.ts';

/**
 * A compiled kernel as a revision like any other: its entry points are flows of one step that lets the real code run.
 * CPU hotplug and whatever else is not in the compiled file are those of `like`.
 */
export function compiledRevision(conversation: Conversation, like: Revision, name: string): Revision {
  const command = createWords();
  const start = (): Words => {
    command.count = 0;
    return command;
  };
  const source = `arch/x86/virt/vmx/tdx/tdx.c of ${name}, compiled`;
  return {
    ...like,
    name,
    title: name,
    source,
    boot: defineFlow('boot', [
      [
        {
          name: 'tdx-init',
          source,
          run: (kernel, thread, port) => {
            const words = start();
            putBoot(words, kernel, thread.cpu);
            return outcomeOf(conversation.perform(words, kernel, port), thread);
          },
        },
      ],
    ]),
    cpuEnable:
      like.cpuEnable &&
      defineFlow('cpu-enable', [
        [
          {
            name: 'tdx-cpu-enable',
            source,
            run: (kernel, thread, port) => {
              const words = start();
              putCPUEnable(words, thread.target);
              return outcomeOf(conversation.perform(words, kernel, port), thread);
            },
          },
        ],
      ]),
    enable: defineFlow('enable', [
      [
        {
          name: 'tdx-enable',
          source,
          run: (kernel, thread, port) => {
            const words = start();
            putEnable(words, kernel, thread.cpu);
            return outcomeOf(conversation.perform(words, kernel, port), thread);
          },
        },
      ],
    ]),
    ...(like.enablesAtBoot ? ownCallbacks(conversation, source) : {}),
    foreign: {
      judgeMemory: (kernel, port, startPfn, endPfn) => {
        const words = start();
        putNotify(words, startPfn, endPfn);
        const { ret, crashed } = conversation.perform(words, kernel, port);
        return crashed ? NOTIFY_OK : ret;
      },
      checkMachine: (kernel, port, cpu, address) => {
        const words = start();
        putMachineCheck(words, cpu, address);
        const { ret, crashed } = conversation.perform(words, kernel, port);
        return crashed ? 'crash' : ret === 1 ? 'private' : 'none';
      },
    },
  };
}

/** CPU hotplug around the callbacks that the compiled kernel has installed by itself; an error keeps the CPU where it is. */
function ownCallbacks(conversation: Conversation, source: string): ReturnType<typeof cpuHotplug> {
  const callback = (
    name: string,
    putCommand: (words: Words, kernel: KernelState, cpu: number) => void,
  ): readonly [Step, string] => {
    const words = createWords();
    const step: Step = {
      name,
      source,
      run: (kernel, thread, port) => {
        words.count = 0;
        putCommand(words, kernel, thread.target);
        const { ret, crashed } = conversation.perform(words, kernel, port);
        if (crashed) return CRASH;
        return ret < 0 ? ret : DONE;
      },
    };
    return [step, 'cpus-write-unlock'];
  };
  return cpuHotplug([callback('tdx-online-cpu', putCPUOnline)], [callback('tdx-offline-cpu', putCPUOffline)]);
}
