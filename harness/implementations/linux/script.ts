import { PAGE_4K } from '../../../model/abi/page.ts';
import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import type { Registers } from '../../../model/abi/registers.ts';
import type { U64 } from '../../../model/abi/u64.ts';
import { messageLevel, type Message, messageText } from '../../../model/kernel/message.ts';
import { NOTIFY_BAD, NOTIFY_OK } from '../../../model/kernel/memory-hotplug.ts';
import type { KernelPort, Trap } from '../../../model/kernel/port.ts';
import type { Event } from '../../../model/world/event.ts';
import { firstOnline } from '../../../model/world/kernel-thread.ts';
import { step } from '../../../model/world/step.ts';
import type { EventRecord } from '../../../model/world/trace.ts';
import type { World } from '../../../model/world/world.ts';
import { putBoot, putCPUEnable, putEnable, putMachineCheck, putNotify } from './commands.ts';
import { type Outside, putDone } from './script-state.ts';
import { callsAhead, makeCalls } from '../../../model/world/tdmr-run.ts';
import { ADDRESSES_MAX, BLOCK_WORDS, ITEM, TRAPS } from './wire.ts';
import { put, putNumber, putText, putU64, type Words } from './words.ts';

/**
 * A run of the model as a script for the compiled kernel: every command, everything the kernel is expected to do then,
 * word for word as it would tell, and the answers it gets. If all of it comes about, the real code did what the model
 * did, and one message was enough to find out.
 */

const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];
const TDH_SYS_CONFIG = LEAF_NUMBER['TDH.SYS.CONFIG'];
const RESET_WORDS = 6;

/** Of the script being written. */
const outside: Outside = { live: 0, dirty: new Set() };

/** Writes the boot of `world`, a machine that has just booted, and from now on all that its kernel does. */
export function beginScript(words: Words, world: World): void {
  words.count = 0;
  putWholeBoot(words, world);
  world.port = recordingPort(words, world);
}

/** A kernel that has just booted, first of its machine or not: the command, what it said, and its state. */
function putWholeBoot(words: Words, world: World): void {
  const { kernel } = world;
  outside.live = 0;
  outside.dirty.clear();
  putBoot(words, kernel, firstOnline(world));
  for (const message of kernel.dmesg) putMessage(words, message);
  putDone(words, kernel, outside, 0, false);
}

/** Lets an event happen to the model and writes what the kernel had to do with it. */
export function advanceScript(words: Words, world: World, event: Event): EventRecord {
  const before = words.count;
  const { kernel } = world;
  const { live, cpus } = kernel;
  const clean = cpus.map(({ cacheDirty }) => !cacheDirty);
  putCommand(words, world, event);
  const record = step(world, event);
  if (world.kernel !== kernel) {
    words.count = before;
    putWholeBoot(words, world);
  } else if (!reachesKernel(event, record)) {
    words.count = before;
    outside.live += kernel.live - live;
    for (const [cpu, was] of clean.entries()) if (was && kernel.cpus[cpu]?.cacheDirty === true) outside.dirty.add(cpu);
  } else if (kernel.crash !== null) {
    put(words, ITEM.CRASH);
    put(words, 0);
  } else putDone(words, kernel, outside, resultOf(event, record), event.kind === 'enable');
  return record;
}

function putCommand(words: Words, world: World, event: Event): void {
  switch (event.kind) {
    case 'cpu-enable':
      putCPUEnable(words, world.kernel, event.lp);
      break;
    case 'enable':
      putEnable(words, world.kernel, firstOnline(world));
      break;
    case 'memory-add':
      putNotify(words, event.base / PAGE_4K, (event.base + event.size) / PAGE_4K);
      break;
    case 'machine-check':
      putMachineCheck(words, event.lp, event.address);
      break;
    default:
  }
}

function reachesKernel(event: Event, { outcome }: EventRecord): boolean {
  if (outcome === 'ignored') return false;
  switch (event.kind) {
    case 'cpu-enable':
    case 'enable':
    case 'machine-check':
      return true;
    case 'memory-add':
      return event.how !== 'zone-device';
    default:
      return false;
  }
}

function resultOf(event: Event, { errno, hint, outcome }: EventRecord): number {
  if (event.kind === 'memory-add') return outcome === 'refused' ? NOTIFY_BAD : NOTIFY_OK;
  if (event.kind === 'machine-check') return hint ? 1 : 0;
  return errno;
}

/** The script as the port writes it. */
interface Script {
  readonly words: Words;
  readonly world: World;
  /** The port that carries out what is written. */
  readonly port: KernelPort;
  /** Where the item of the latest MOVDIR64B stands, and the range it covers; -1: there was none. */
  resetAt: number;
  resetStart: number;
  resetEnd: number;
}

function recordingPort(words: Words, world: World): KernelPort {
  const { port } = world;
  const script: Script = { words, world, port, resetAt: -1, resetStart: -1, resetEnd: -1 };
  return {
    ...port,
    seamcall: (cpu, regs) => putSeamcall(script, cpu, regs),
    tdmrInitLoop: (cpu, regs, base, end) => putTDMRInitLoop(script, cpu, regs, base, end),
    metadataRun() {
      // A tree makes the calls one by one, and is held against what is written here.
    },
    alloc(kind, bytes, node) {
      put(words, ITEM.ALLOC);
      put(words, kind.charCodeAt(0));
      putNumber(words, bytes);
      put(words, node);
      const address = port.alloc(kind, bytes, node);
      putNumber(words, address);
      return address;
    },
    free(kind, address, bytes) {
      put(words, ITEM.FREE);
      put(words, kind.charCodeAt(0));
      putNumber(words, address);
      putNumber(words, bytes);
      port.free(kind, address, bytes);
    },
    movdir64b: (cpu, base, size) => putReset(script, cpu, base, size),
    wbinvdAll(cpu) {
      put(words, ITEM.WBINVD_ALL);
      put(words, cpu);
      port.wbinvdAll(cpu);
    },
    wbinvd(cpu) {
      put(words, ITEM.WBINVD);
      put(words, cpu);
      port.wbinvd(cpu);
    },
    printk(message) {
      putMessage(words, message);
      port.printk(message);
    },
  };
}

function putSeamcall({ words, world, port }: Script, cpu: number, regs: Registers): Trap {
  put(words, ITEM.SEAMCALL);
  put(words, cpu);
  const { rax, rcx, rdx } = regs;
  putRegisters(words, regs);
  if (rax === TDH_SYS_CONFIG) putTDMRs(words, port, rcx, rdx);
  const trap = port.seamcall(cpu, regs);
  put(words, TRAPS.indexOf(trap));
  putRegisters(words, regs);
  const ahead = rax === TDH_SYS_TDMR_INIT ? callsAhead(world) : null;
  putNumber(words, ahead?.calls ?? 0);
  putNumber(words, ahead?.done ?? 0);
  putNumber(words, ahead?.step ?? 0);
  putNumber(words, ahead?.base ?? 0);
  return trap;
}

function putRegisters(words: Words, { rax, rcx, rdx, r8, r9, r10, r11 }: Registers): void {
  putU64(words, rax);
  putU64(words, rcx);
  putU64(words, rdx);
  putU64(words, r8);
  putU64(words, r9);
  putU64(words, r10);
  putU64(words, r11);
}

function putTDMRInitLoop(script: Script, cpu: number, regs: Registers, base: number, end: number): Trap {
  const { words, world } = script;
  for (;;) {
    regs.rax = TDH_SYS_TDMR_INIT;
    regs.rcx = base;
    regs.rdx = 0;
    regs.r8 = 0;
    const trap = putSeamcall(script, cpu, regs);
    if (trap !== 'none' || regs.rax !== 0) return trap;
    const ahead = callsAhead(world);
    if (ahead !== null && typeof regs.rdx === 'number' && regs.rdx < end) {
      regs.rdx = makeCalls(world, ahead.calls);
      put(words, ITEM.RUN);
      putNumber(words, ahead.calls);
    }
    if (typeof regs.rdx === 'bigint' || regs.rdx >= end) return 'none';
  }
}

function putReset(script: Script, cpu: number, base: number, size: number): void {
  const { words, port } = script;
  // A run that goes on where the one before ended is one item.
  if (base === script.resetEnd && words.count === script.resetAt + RESET_WORDS) words.count = script.resetAt;
  else script.resetStart = base;
  const start = script.resetStart;
  script.resetAt = words.count;
  script.resetEnd = base + size;
  put(words, ITEM.RESET);
  put(words, cpu);
  putNumber(words, start);
  putNumber(words, script.resetEnd - start);
  port.movdir64b(cpu, base, size);
}

function putMessage(words: Words, message: Message): void {
  put(words, ITEM.PRINTK);
  put(words, messageLevel(message));
  putText(words, messageText(message));
}

/** The memory that goes with TDH.SYS.CONFIG: the array of addresses, then each TDMR_INFO. */
function putTDMRs(words: Words, port: KernelPort, array: U64, count: U64): void {
  if (typeof array !== 'number' || typeof count !== 'number') return;
  const entries = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
  putBlock(words, port, array, entries * 2);
  for (let entry = 0; entry < entries; entry += 1) {
    const address = port.readWord(array + 8 * entry);
    putBlock(words, port, typeof address === 'number' ? address : 0, BLOCK_WORDS);
  }
}

/** A block of 32-bit words without its trailing zeroes, their number first. */
function putBlock(words: Words, port: KernelPort, address: number, length: number): void {
  const at = words.count;
  put(words, 0);
  for (let word = 0; word < length; word += 2) putU64(words, port.readWord(address + 4 * word));
  while (words.count > at + 1 && words.list[words.count - 1] === 0) words.count -= 1;
  words.list[at] = words.count - at - 1;
}
