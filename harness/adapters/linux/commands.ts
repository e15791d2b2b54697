import type { KernelState } from '../../../model/kernel/state.ts';
import { COMMAND } from './wire.ts';
import { put, putMask, putNumber, type Words } from './words.ts';

/** What the kernel is asked to do, as words. CPUs are kernel CPU ids. */

/** A machine with its power just switched on, up to the end of the kernel's detection on `cpu`. */
export function putBoot(words: Words, { cpus, facts }: KernelState, cpu: number): void {
  const partition = facts.keyids[0] ?? null;
  put(words, COMMAND.BOOT);
  put(words, cpu);
  put(words, cpus.length);
  for (const one of cpus) put(words, one.package);
  put(words, partition === null ? 0 : 1);
  put(words, partition?.mktme ?? 0);
  put(words, partition?.tdx ?? 0);
  put(words, facts.hibernation ? 1 : 0);
  put(words, facts.notifierError);
  put(words, facts.cpuModel);
}

export function putCPUEnable(words: Words, cpu: number): void {
  put(words, COMMAND.CPU_ENABLE);
  put(words, cpu);
}

/** With the CPUs that are online and the memory there is at this moment. */
export function putEnable(words: Words, kernel: KernelState, cpu: number): void {
  const { memblock } = kernel;
  put(words, COMMAND.ENABLE);
  put(words, cpu);
  putOnline(words, kernel);
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
  putOnline(words, kernel);
}

/** The same for a CPU that is about to go offline. */
export function putCPUOffline(words: Words, kernel: KernelState, cpu: number): void {
  put(words, COMMAND.CPU_OFFLINE);
  put(words, cpu);
  putOnline(words, kernel);
  put(words, kernel.guestKeyids.length);
}

function putOnline(words: Words, { cpus }: KernelState): void {
  putMask(words, cpus.length, (cpu) => cpus[cpu]?.online === true);
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
