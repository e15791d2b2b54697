import { PAGE_4K } from '../../../model/abi/page.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import type { CommandKind, HostCommand } from '../protocol/host-command.ts';
import { COMMAND } from './wire.ts';
import { put, putMask, putNumber, type Words } from './words.ts';

/** What a kernel like that has in the compiled file. One that initialises TDX by itself at boot follows its CPUs, too. */
export function commandsOf({ cpuEnable, enablesAtBoot }: Revision): readonly CommandKind[] {
  return [
    ...(['boot', 'enable', 'memory-online', 'machine-check'] as const),
    ...(cpuEnable === null ? [] : (['cpu-enable'] as const)),
    ...(enablesAtBoot ? (['cpu-online', 'cpu-offline', 'kexec'] as const) : []),
  ];
}

/** A command as words. */
export function putCommand(words: Words, kernel: KernelState, command: HostCommand): void {
  switch (command.kind) {
    case 'boot':
      putBoot(words, kernel, command.cpu);
      break;
    case 'cpu-enable':
      putCPUEnable(words, kernel, command.cpu);
      break;
    case 'enable':
      putEnable(words, kernel, command.cpu);
      break;
    case 'cpu-online':
      putCPUOnline(words, kernel, command.target);
      break;
    case 'cpu-offline':
      putCPUOffline(words, kernel, command.target);
      break;
    case 'kexec':
      putKexec(words, kernel, command.cpu);
      break;
    case 'memory-online':
      putNotify(words, command.base / PAGE_4K, (command.base + command.size) / PAGE_4K);
      break;
    case 'machine-check':
      putMachineCheck(words, command.cpu, command.address);
      break;
    default:
      throw new Error(`a compiled kernel has no entry point for ${command.kind}`);
  }
}

/** What the kernel is asked to do, as words. CPUs are kernel CPU ids. */

/** A machine with its power just switched on, up to the end of the kernel's detection on `cpu`. */
export function putBoot(words: Words, kernel: KernelState, cpu: number): void {
  const { cpus, facts } = kernel;
  const partition = facts.keyids[0] ?? null;
  put(words, COMMAND.BOOT);
  put(words, cpu);
  put(words, cpus.length);
  for (const one of cpus) put(words, one.package);
  putCPUs(words, kernel);
  put(words, partition === null ? 0 : 1);
  put(words, partition?.mktme ?? 0);
  put(words, partition?.tdx ?? 0);
  put(words, facts.hibernation ? 1 : 0);
  put(words, facts.notifierError);
  put(words, facts.cpuModel);
  put(words, Math.log2(facts.addressEnd ?? 2 ** 46));
}

export function putCPUEnable(words: Words, kernel: KernelState, cpu: number): void {
  put(words, COMMAND.CPU_ENABLE);
  put(words, cpu);
  putCPUs(words, kernel);
}

/** With the CPUs and the memory there are at this moment. */
export function putEnable(words: Words, kernel: KernelState, cpu: number): void {
  const { memblock } = kernel;
  put(words, COMMAND.ENABLE);
  put(words, cpu);
  putCPUs(words, kernel);
  put(words, memblock.length);
  for (const { base, size, node } of memblock) {
    putNumber(words, base);
    putNumber(words, size);
    put(words, node);
  }
}

/** The kernel's callback for a CPU that is about to come online, where it has one. */
export function putCPUOnline(words: Words, kernel: KernelState, cpu: number): void {
  put(words, COMMAND.CPU_ONLINE);
  put(words, cpu);
  putCPUs(words, kernel);
}

/** The same for a CPU that is about to go offline. */
export function putCPUOffline(words: Words, kernel: KernelState, cpu: number): void {
  put(words, COMMAND.CPU_OFFLINE);
  put(words, cpu);
  putCPUs(words, kernel);
  put(words, kernel.guestKeyids.length);
  putDirty(words, kernel);
}

/** The kernel's callback for the end of its time, on the CPU that will start the next one. */
export function putKexec(words: Words, kernel: KernelState, cpu: number): void {
  put(words, COMMAND.KEXEC);
  put(words, cpu);
  putCPUs(words, kernel);
  putDirty(words, kernel);
}

/** CPUs with dirty private lines: SEAMCALLs for guests are made here, and the kernel would have noted them. */
function putDirty(words: Words, { cpus }: KernelState): void {
  putMask(words, cpus.length, (cpu) => cpus[cpu]?.cacheDirty === true);
}

/** Which CPUs are online at this moment, and which are present. */
function putCPUs(words: Words, { cpus }: KernelState): void {
  putMask(words, cpus.length, (cpu) => cpus[cpu]?.online === true);
  putMask(words, cpus.length, (cpu) => cpus[cpu]?.present === true);
}

/** Memory [startPfn, endPfn) (page frame numbers) is about to come online. */
export function putNotify(words: Words, startPfn: number, endPfn: number): void {
  put(words, COMMAND.NOTIFY);
  put(words, 0);
  putNumber(words, startPfn);
  putNumber(words, endPfn - startPfn);
}

/** A memory error at `address` (bytes) with the status and misc of a usable one. */
export function putMachineCheck(words: Words, cpu: number, address: number): void {
  put(words, COMMAND.MACHINE_CHECK);
  put(words, cpu);
  putNumber(words, address);
}
