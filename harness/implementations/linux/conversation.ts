import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { type Registers, registers } from '../../../model/abi/registers.ts';
import type { U64 } from '../../../model/abi/u64.ts';
import type { AllocationKind, KernelPort } from '../../../model/kernel/port.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import { getVMX, putVMX } from '../../../model/kernel/vmx.ts';
import { callsAhead, makeCalls } from '../../../model/world/tdmr-run.ts';
import { worldOf } from '../../../model/world/world-port.ts';
import type { RemoteHost, Reply } from '../host/remote-host.ts';
import type { HostCommand } from '../protocol/host-command.ts';
import { replyOfNotifier } from '../host/remote-revision.ts';
import { readLine } from '../host/read-line.ts';
import { noteTDMRs } from '../host/tdmrs.ts';
import { type KernelProcess, ChildEnded } from './kernel-process.ts';
import { commandsOf, putCommand } from './commands.ts';
import { crashLine } from './crash-line.ts';
import { fillKernel, noteMetadata, setMemory } from './observe.ts';
import { CRASHES, ITEM, SEAMCALL_ITEM_WORDS, TRAPS } from './wire.ts';
import {
  createWords,
  intAt,
  numberAt,
  put,
  putNumber,
  putU64,
  textAt,
  u64At,
  type Words,
  wordsOfText,
} from './words.ts';

/** The cause of a crash where the kernel's process ended without one. */
const PROCESS_ENDED = 'its process ended';
/** The same where the harness killed it. A sleep, a stop or a blocked signal is a hang, as a loop is. */
const NO_ANSWER = 'hang: no answer within the wall-clock limit';

const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];
const TDH_SYS_CONFIG = LEAF_NUMBER['TDH.SYS.CONFIG'];
const TDH_SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];

/** A conversation with the compiled kernel: commands go in as words, and a stream of items comes back. */
export interface Conversation extends RemoteHost {
  /** The kernel's process ended during a command. The caller resets it. */
  lost: boolean;
}

/** What one conversation keeps between messages. */
interface Talk {
  readonly child: KernelProcess;
  readonly warnings: string[];
  readonly command: Words;
  /** The answer to the last item of a message, if that asks. */
  readonly reply: Words;
  readonly regs: Registers;
  /** Objects of the compiled kernel that are alive. */
  live: number;
}

/** `like`: the model that says which entry points such a kernel has. */
export function createConversation(child: KernelProcess, like: Revision): Conversation {
  const talk: Talk = {
    child,
    warnings: [],
    command: createWords(),
    reply: createWords(),
    regs: registers(0),
    live: 0,
  };
  const conversation: Conversation = {
    commands: new Set(commandsOf(like)),
    warnings: talk.warnings,
    lost: false,
    perform(what, kernel, port) {
      try {
        return perform(talk, what, kernel, port);
      } catch (error) {
        if (!(error instanceof ChildEnded)) throw error;
        conversation.lost = !error.late;
        kernel.crash = error.late ? NO_ANSWER : PROCESS_ENDED;
        return { ret: 0, crashed: true };
      }
    },
  };
  return conversation;
}

function perform(talk: Talk, what: HostCommand, kernel: KernelState, port: KernelPort): Reply {
  const { child, command, reply } = talk;
  if (what.kind === 'boot') talk.live = 0;
  command.count = 0;
  putCommand(command, kernel, what);
  child.send(command, false);
  for (;;) {
    reply.count = 0;
    const ended = readItems(talk, child.receive(), kernel, port);
    if (ended !== null) return what.kind === 'memory-online' ? { ...ended, ret: replyOfNotifier(ended.ret) } : ended;
    if (reply.count > 0) child.answer(reply);
  }
}

/** The items of one message; `null`: the last one asks, and `reply` is the answer, or there are more to come. */
function readItems(talk: Talk, list: Uint32Array, kernel: KernelState, port: KernelPort): Reply | null {
  const { reply } = talk;
  for (let at = 0; at < list.length; ) {
    switch (list[at]) {
      case ITEM.SEAMCALL:
        answerSeamcall(talk, list, at, kernel, port);
        return null;
      case ITEM.ALLOC: {
        const kind = kindAt(list, at + 1);
        const address = port.alloc(kind, numberAt(list, at + 2), intAt(list, at + 4));
        if (kind === 'x' && address !== -1) kernel.tdmrArray = address;
        putNumber(reply, address);
        return null;
      }
      case ITEM.FREE:
        port.free(kindAt(list, at + 1), numberAt(list, at + 2), numberAt(list, at + 4));
        at += 6;
        break;
      case ITEM.WBINVD_ALL:
        port.wbinvdAll(intAt(list, at + 1));
        at += 2;
        break;
      case ITEM.WBINVD: {
        const cpu = intAt(list, at + 1);
        port.wbinvd(cpu);
        const state = kernel.cpus[cpu];
        if (state !== undefined) state.cacheDirty = false;
        at += 2;
        break;
      }
      case ITEM.GET_VMX:
        put(reply, getVMX(kernel, port, intAt(list, at + 1)));
        return null;
      case ITEM.PUT_VMX:
        putVMX(kernel, port, intAt(list, at + 1));
        at += 2;
        break;
      case ITEM.RESET:
        port.movdir64b(intAt(list, at + 1), numberAt(list, at + 2), numberAt(list, at + 4));
        at += 6;
        break;
      case ITEM.PRINTK: {
        const message = readLine(intAt(list, at + 1), textAt(list, at + 2));
        kernel.dmesg.push(message);
        port.printk(message);
        at += 3 + wordsOfText(intAt(list, at + 2));
        break;
      }
      case ITEM.WARN:
        talk.warnings.push(`line ${intAt(list, at + 1)}: ${textAt(list, at + 2)}`);
        at += 3 + wordsOfText(intAt(list, at + 2));
        break;
      case ITEM.RUN:
        catchUp(port, numberAt(list, at + 1));
        at += 3;
        break;
      case ITEM.CRASH:
        kernel.crash = crashAt(talk.child.program, list, at);
        return { ret: 0, crashed: true };
      case ITEM.DONE:
        talk.live = fillKernel(kernel, list, at, talk.live);
        return { ret: intAt(list, at + 1), crashed: false };
      default:
        throw new Error(`the compiled kernel sent an item of unknown kind ${list[at]}`);
    }
  }
  return null;
}

function answerSeamcall(
  { regs, reply }: Talk,
  list: Uint32Array,
  at: number,
  kernel: KernelState,
  port: KernelPort,
): void {
  regs.rax = u64At(list, at + 2);
  regs.rcx = u64At(list, at + 4);
  regs.rdx = u64At(list, at + 6);
  regs.r8 = u64At(list, at + 8);
  regs.r9 = u64At(list, at + 10);
  regs.r10 = u64At(list, at + 12);
  regs.r11 = u64At(list, at + 14);
  if (regs.rax === TDH_SYS_CONFIG) {
    setMemory(port, list, at + SEAMCALL_ITEM_WORDS, regs.rcx, regs.rdx);
    noteTDMRs(kernel, port, regs);
  }
  const leaf: U64 = regs.rax;
  const field = regs.rdx;
  const trap = port.seamcall(intAt(list, at + 1), regs);
  if (leaf === TDH_SYS_RD && trap === 'none' && regs.rax === 0) noteMetadata(kernel, field, regs.r8);
  const world = leaf === TDH_SYS_TDMR_INIT ? worldOf(port) : null;
  const ahead = world === null ? null : callsAhead(world);
  put(reply, TRAPS.indexOf(trap));
  for (const value of [regs.rax, regs.rcx, regs.rdx, regs.r8, regs.r9, regs.r10, regs.r11]) putU64(reply, value);
  for (const value of [ahead?.calls ?? 0, ahead?.done ?? 0, ahead?.step ?? 0, ahead?.base ?? 0])
    putNumber(reply, value);
}

/** Makes the calls of TDH.SYS.TDMR.INIT whose answers the kernel had ahead. */
function catchUp(port: KernelPort, calls: number): void {
  const world = worldOf(port);
  if (world !== null) makeCalls(world, calls);
}

function kindAt(list: Uint32Array, at: number): AllocationKind {
  return String.fromCharCode(list[at] ?? 0) as AllocationKind;
}

/** Why a kernel died, and the line it died in where that is known. */
function crashAt(program: string, list: Uint32Array, at: number): string {
  const what = CRASHES[intAt(list, at + 1)] ?? 'crash';
  const place = crashLine(program, list.subarray(at + 3, at + 3 + intAt(list, at + 2)));
  return place === null ? what : `${what} at ${place}`;
}
