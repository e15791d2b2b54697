import { PAGE_4K } from '../../../model/abi/page.ts';
import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { copyRegisters, readRegisters, type Registers, registersText } from '../../../model/abi/registers.ts';
import { formatU64, parseU64, type U64 } from '../../../model/abi/u64.ts';
import { CRASH, DONE, type Flow, type Step } from '../../../model/kernel/flow.ts';
import { type Message, messageLevel, messageText } from '../../../model/kernel/message.ts';
import type { AllocationKind, KernelPort, Trap } from '../../../model/kernel/port.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import { createKernel, type KernelState, type MemoryRegion } from '../../../model/kernel/state.ts';
import * as memoryHotplug from '../../../model/kernel/steps/linux/memory-hotplug.ts';
import { createThread, runThread, type Thread } from '../../../model/kernel/thread.ts';
import type { CommandKind } from '../protocol/host-command.ts';
import { replyOfNotifier } from './remote-revision.ts';
import type { HostImplementation } from './implementation.ts';
import type {
  Answer,
  Ask,
  BootMessage,
  CommandMessage,
  Done,
  HostState,
  ObjectKind,
  RegionText,
} from '../protocol/host-messages.ts';

const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];

/** Our own model of a kernel in the place of a host: what `serve --kernel` exposes, and the control of everything here. */
export function modelHost(revision: Revision, version: string): HostImplementation {
  let kernel: KernelState | null = null;
  return {
    identity: { name: `seamstress model of kernel ${revision.name}`, version, language: 'TypeScript' },
    capabilities: {
      role: 'host',
      commands: commandsOf(revision),
      behavesLike: revision.name,
      deterministic: true,
    },
    perform(command, ask) {
      const port = askingPort(ask);
      if (command.type === 'boot')
        kernel = createKernel(revision, factsOf(command), command.cpus, regionsOf(command.memory));
      if (kernel === null) throw new Error(`the first command is boot, not ${command.type}`);
      const ret = perform(command, kernel, port);
      port.flush();
      return doneOf(kernel, ret);
    },
  };
}

/** What the revision's flows have to do with. Guests are no part of the protocol. */
function commandsOf({ cpuEnable }: Revision): readonly CommandKind[] {
  return [
    'boot',
    ...(cpuEnable === null ? [] : (['cpu-enable'] as const)),
    'enable',
    ...(['cpu-online', 'cpu-offline', 'acpi-cpu-add', 'acpi-cpu-remove'] as const),
    ...(['memory-add', 'memory-remove', 'memory-online', 'machine-check', 'kexec'] as const),
  ];
}

function factsOf(boot: BootMessage): KernelState['facts'] {
  const { keyids, keyidsByCPU, hibernation, notifierError, cpuModel, seamrrEnabled, x2apic, addressEnd } = boot;
  return {
    keyids: keyidsByCPU ?? [keyids],
    ...{ hibernation, notifierError, cpuModel, seamrrEnabled, x2apic },
    addressEnd: numberOf(addressEnd),
  };
}

/** Answers what the command returns; a crash is in `kernel.crash`. */
function perform(command: CommandMessage, kernel: KernelState, port: KernelPort): number {
  const { revision } = kernel;
  if (command.type === 'boot') return run(kernel, port, createThread(0, revision.boot, command.cpu));
  for (let cpu = 0; cpu < kernel.cpus.length; cpu += 1) {
    const one = kernel.cpus[cpu];
    if (one !== undefined) one.online = command.online.includes(cpu);
  }
  const flow = (which: Flow | null, cpu: number, target = cpu): number =>
    which === null ? 0 : run(kernel, port, createThread(0, which, cpu, target));
  switch (command.type) {
    case 'cpu-enable':
      return flow(revision.cpuEnable, command.cpu);
    case 'enable':
      kernel.memblock.splice(0, kernel.memblock.length, ...regionsOf(command.memory));
      return flow(revision.enable, command.cpu);
    case 'cpu-online':
      return flow(revision.cpuOnline, command.cpu, command.target);
    case 'cpu-offline':
      return flow(revision.cpuOffline, command.cpu, command.target);
    case 'acpi-cpu-add':
      return flow(revision.acpiCPUAdd, command.cpu, command.target);
    case 'acpi-cpu-remove':
      return flow(revision.acpiCPURemove, command.cpu, command.target);
    case 'memory-add':
      return refusal(kernel, port, revision.memoryAdd[command.how], command);
    case 'memory-remove':
      return refusal(kernel, port, revision.memoryRemove[command.how], command);
    case 'memory-online': {
      if (revision.memoryNotifier === null) return 0;
      const start = numberOf(command.base) / PAGE_4K;
      const end = start + numberOf(command.size) / PAGE_4K;
      return replyOfNotifier(revision.memoryNotifier(kernel, port, start, end));
    }
    case 'machine-check':
      return revision.machineCheck?.(kernel, port, command.cpu, numberOf(command.address)) === 'private' ? 1 : 0;
    case 'kexec':
      return flow(revision.kexec, command.cpu);
  }
}

function run(kernel: KernelState, port: KernelPort, thread: Thread): number {
  // No other thread runs, so a lock that is taken now stays taken.
  if (runThread(kernel, thread, port) === 'blocked')
    kernel.crash = `deadlock in ${thread.flow.name}: ${thread.flow.steps[thread.pc]?.name ?? 'end'}`;
  return thread.error;
}

/** Steps of memory hotplug that belong to the machine, with or without TDX. The harness performs them, not the host. */
const MACHINE_STEPS: ReadonlySet<Step['run']> = new Set([
  memoryHotplug.MEM_HOTPLUG_BEGIN.run,
  memoryHotplug.MEM_HOTPLUG_DONE.run,
  memoryHotplug.MEMBLOCK_ADD_NODE.run,
  memoryHotplug.MEMBLOCK_REMOVE.run,
  memoryHotplug.MEMORY_NOTIFY.run,
  memoryHotplug.ONLINE_PAGES.run,
  memoryHotplug.OFFLINE_PAGES.run,
]);

/** The revision's own steps of a memory hotplug flow, which do nothing but refuse. */
function refusal(
  kernel: KernelState,
  port: KernelPort,
  flow: Flow,
  { base, size, node }: Extract<CommandMessage, { readonly how: string }>,
): number {
  const thread = createThread(0, flow, 0, 0, { base: numberOf(base), size: numberOf(size), node });
  for (const step of flow.steps) {
    if (MACHINE_STEPS.has(step.run)) continue;
    const outcome = step.run(kernel, thread, port);
    if (outcome === CRASH) return 0;
    if (outcome !== DONE) return outcome;
  }
  return 0;
}

function doneOf(kernel: KernelState, ret: number): Done {
  const { crash } = kernel;
  return { ret: crash === null ? ret : 0, state: stateOf(kernel), ...(crash !== null && { crash }) };
}

function stateOf(kernel: KernelState): HostState {
  const { platformEnabled, status, cpus, s3Available, partialWriteErratum, keyidStart, keyidCount, locks } = kernel;
  const lps: number[] = [];
  for (let cpu = 0; cpu < cpus.length; cpu += 1) if (cpus[cpu]?.lpInitialised === true) lps.push(cpu);
  return {
    offered: platformEnabled,
    tdx: status,
    lps,
    s3: s3Available,
    erratum: partialWriteErratum,
    keyids: { first: keyidStart, count: keyidCount },
    sysinit: { done: kernel.sysinitDone, ret: kernel.sysinitError },
    tdxMemory: kernel.tdxMemory.map(({ startPfn, endPfn, node }) => ({
      base: formatU64(startPfn * PAGE_4K),
      size: formatU64((endPfn - startPfn) * PAGE_4K),
      node,
    })),
    tdmrs: { live: kernel.tdmrArrayLive, count: kernel.tdmrCount },
    locks: {
      cpus: locks.cpus.readers,
      module: locks.module.owner === -1 ? 0 : 1,
      mems: locks.mems.readers,
      sysinit: locks.sysinit.owner === -1 ? 0 : 1,
      imbalances: kernel.lockImbalances.map(({ flow, lock }) => ({ flow, lock })),
    },
  };
}

const KINDS: Readonly<Record<AllocationKind, ObjectKind>> = { k: 'kmalloc', x: 'pages', c: 'contiguous', m: 'cpumask' };

/** The way to a machine that is somewhere else. Stores that follow each other wait and go as one. */
interface Way {
  readonly ask: (ask: Ask) => Answer | null;
  /** Words that wait to be stored from `from` on. */
  stored: string[];
  from: number;
}

function flush(way: Way): void {
  if (way.stored.length === 0) return;
  const words = way.stored;
  way.stored = [];
  way.ask({ type: 'store', address: formatU64(way.from), words });
}

function say(way: Way, what: Ask): Answer | null {
  flush(way);
  return way.ask(what);
}

/** `until`: TDH.SYS.TDMR.INIT is called until its RDX is there. */
function seamcall(way: Way, lp: number, regs: Registers, until?: number): Trap | 'hang' {
  const answer = say(way, {
    type: 'seamcall',
    lp,
    ...registersText(regs),
    ...(until !== undefined && { until: formatU64(until) }),
  });
  if (answer === null || !('trap' in answer)) throw new Error('a seamcall is answered with a trap and registers');
  copyRegisters(regs, readRegisters(answer));
  return answer.trap;
}

/** The port of a kernel whose machine is somewhere else; `flush` sends the stores that wait. */
function askingPort(ask: (ask: Ask) => Answer | null): KernelPort & { readonly flush: () => void } {
  const way: Way = { ask, stored: [], from: 0 };
  return {
    flush: () => flush(way),
    seamcall: (cpu, regs) => seamcall(way, cpu, regs) as Trap,
    tdmrInitLoop(cpu, regs, base, end) {
      regs.rax = TDH_SYS_TDMR_INIT;
      regs.rcx = base;
      regs.rdx = 0;
      regs.r8 = 0;
      return seamcall(way, cpu, regs, end);
    },
    metadataRun: () => undefined,
    alloc(kind, bytes, node) {
      const size = formatU64(bytes);
      const answer = say(way, { type: 'alloc', size, kind: KINDS[kind], ...(node !== -1 && { node }) });
      if (answer === null || !('address' in answer)) throw new Error('an alloc is answered with an address');
      return answer.address === null ? -1 : numberOf(answer.address);
    },
    free: (_kind, address) => void say(way, { type: 'free', address: formatU64(address) }),
    writeWord(address, value) {
      if (way.stored.length > 0 && address !== way.from + 8 * way.stored.length) flush(way);
      if (way.stored.length === 0) way.from = address;
      way.stored.push(formatU64(value));
    },
    readWord(address) {
      const answer = say(way, { type: 'load', address: formatU64(address), count: 1 });
      if (answer === null || !('words' in answer)) throw new Error('a load is answered with words');
      return u64Of(answer.words[0] ?? '0x0');
    },
    movdir64b: (lp, base, size) =>
      void say(way, { type: 'movdir64b', address: formatU64(base), size: formatU64(size), lp }),
    wbinvdAll: () => void say(way, { type: 'wbinvd' }),
    wbinvd: (lp) => void say(way, { type: 'wbinvd', lps: [lp] }),
    vmxon(lp) {
      const answer = say(way, { type: 'vmxon', lp });
      return answer !== null && 'entered' in answer && answer.entered;
    },
    vmxoff: (lp) => void say(way, { type: 'vmxoff', lp }),
    onlineMemory: () => undefined,
    offlineMemory(base, size) {
      const answer = say(way, { type: 'offline-memory', base: formatU64(base), size: formatU64(size) });
      return answer !== null && 'offline' in answer && answer.offline;
    },
    printk: (message) => void say(way, printkOf(message)),
  };
}

function printkOf(message: Message): Ask {
  const { id, a, b, c, d, e, f } = message;
  const args = [a, b, c, d, e, f].map((value) => (typeof value === 'number' ? value : formatU64(value)));
  while (args.at(-1) === 0) args.pop();
  return { type: 'printk', text: messageText(message), level: messageLevel(message), message: id, args };
}

function regionsOf(regions: readonly RegionText[]): MemoryRegion[] {
  return regions.map(({ base, size, node }) => ({ base: numberOf(base), size: numberOf(size), node }));
}

function u64Of(text: string): U64 {
  return parseU64(text) ?? 0;
}

function numberOf(text: string): number {
  return Number(u64Of(text));
}
