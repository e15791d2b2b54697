import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { readRegisters, registersText } from '../../../model/abi/registers.ts';
import { formatU64, parseU64, type U64 } from '../../../model/abi/u64.ts';
import { isMessageId, isPrintedOnce, type Message } from '../../../model/kernel/message.ts';
import type { AllocationKind, KernelPort } from '../../../model/kernel/port.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import type { RemoteHost, Reply } from './remote-host.ts';
import type { HostCommand } from '../protocol/host-command.ts';
import { commandMessage } from './command-message.ts';
import type { Untold } from './state-difference.ts';
import { enterState, type HostObjects } from './enter-state.ts';
import type { HostImplementation } from './implementation.ts';
import type { Answer, Ask, HostCapabilities, ObjectKind, ModuleCaseText } from '../protocol/host-messages.ts';
import { readLine } from './read-line.ts';
import { noteTDMRs } from './tdmrs.ts';

const KINDS: Readonly<Record<ObjectKind, AllocationKind>> = { kmalloc: 'k', pages: 'x', contiguous: 'c', cpumask: 'm' };

/** A host that speaks the protocol's messages, here or in another process, as one that runs elsewhere. */
export interface ListenedHost extends RemoteHost {
  /** What it has not told in the state after its last command. */
  readonly untold: ReadonlySet<Untold>;
}

/** Carries out what a host asks while a command runs, and enters what it says of itself. */
export function listenTo(
  { perform }: Pick<HostImplementation, 'perform'>,
  capabilities: HostCapabilities,
): ListenedHost {
  let ledger = createLedger();
  const untold = new Set<Untold>();
  const warnings: string[] = [];
  return {
    commands: new Set(capabilities.commands),
    warnings,
    untold,
    perform(command: HostCommand, kernel: KernelState, port: KernelPort): Reply {
      if (command.kind === 'boot') ledger = createLedger();
      ledger.allocated.length = 0;
      const { ret, state, crash } = perform(commandMessage(command, kernel), (ask) =>
        carryOut(ask, kernel, port, ledger, warnings),
      );
      if (crash !== undefined) {
        kernel.crash = crash;
        return { ret: 0, crashed: true };
      }
      enterState(kernel, state, ledger, untold, capabilities.behavesLike !== undefined, command, ret);
      return { ret, crashed: false };
    },
  };
}

function createLedger(): HostObjects {
  return { objects: new Map(), allocated: [], array: -1, configured: false };
}

/** One thing that a host asks or does; `null`: nothing to be answered. */
function carryOut(
  ask: Ask,
  kernel: KernelState,
  port: KernelPort,
  ledger: HostObjects,
  warnings: string[],
): Answer | null {
  switch (ask.type) {
    case 'seamcall':
      return call(ask, kernel, port, ledger);
    case 'alloc': {
      const { kind = 'pages', node = -1 } = ask;
      const bytes = numberOf(ask.size);
      const address = port.alloc(KINDS[kind], bytes, node);
      if (address === -1) return { address: null };
      kernel.live += 1;
      ledger.objects.set(address, { kind: KINDS[kind], bytes });
      ledger.allocated.push(address);
      return { address: formatU64(address) };
    }
    case 'free': {
      const address = numberOf(ask.address);
      const object = ledger.objects.get(address);
      if (object === undefined) {
        warnings.push('memory is freed that is not allocated');
        return null;
      }
      ledger.objects.delete(address);
      kernel.live -= 1;
      port.free(object.kind, address, object.bytes);
      return null;
    }
    case 'store': {
      let address = numberOf(ask.address);
      for (const word of ask.words) {
        port.writeWord(address, u64Of(word));
        address += 8;
      }
      return null;
    }
    case 'load': {
      const address = numberOf(ask.address);
      const words: string[] = [];
      for (let word = 0; word < ask.count; word += 1) words.push(formatU64(port.readWord(address + 8 * word)));
      return { words };
    }
    case 'movdir64b':
      port.movdir64b(ask.lp ?? 0, numberOf(ask.address), numberOf(ask.size));
      return null;
    case 'wbinvd':
      if (ask.lps === undefined) port.wbinvdAll(0);
      else for (const lp of ask.lps) port.wbinvd(lp);
      return null;
    case 'vmxon':
      return { entered: port.vmxon(ask.lp) };
    case 'offline-memory':
      return { offline: port.offlineMemory(numberOf(ask.base), numberOf(ask.size)) };
    case 'vmxoff':
      port.vmxoff(ask.lp);
      return null;
    case 'printk':
      print(messageOf(ask), kernel, port);
      return null;
  }
}

type Call = Extract<ModuleCaseText, { readonly type: 'seamcall' }>;

function call(ask: Call, kernel: KernelState, port: KernelPort, ledger: HostObjects): Answer {
  const regs = readRegisters(ask);
  const configures = regs.rax === LEAF_NUMBER['TDH.SYS.CONFIG'];
  if (configures) {
    noteTDMRs(kernel, port, regs);
    ledger.array = objectAt(ledger, kernel.tdmrArray);
  }
  const trap =
    ask.until === undefined
      ? port.seamcall(ask.lp, regs)
      : port.tdmrInitLoop(ask.lp, regs, numberOf(ask.rcx ?? '0x0'), numberOf(ask.until));
  if (configures && trap === 'none' && regs.rax === 0) ledger.configured = true;
  return { trap, ...registersText(regs) };
}

/** The object that an address lies in; -1 if there is none. */
function objectAt({ objects }: HostObjects, address: number): number {
  for (const [base, { bytes }] of objects) if (address >= base && address < base + bytes) return base;
  return -1;
}

function print(message: Message, kernel: KernelState, port: KernelPort): void {
  if (isPrintedOnce(message.id) && !kernel.printedOnce.includes(message.id)) kernel.printedOnce.push(message.id);
  kernel.dmesg.push(message);
  port.printk(message);
}

/** The line as what its host says it means, or as what it reads like. */
function messageOf({ text, level = 6, message, args = [] }: Extract<Ask, { readonly type: 'printk' }>): Message {
  if (message === undefined || !isMessageId(message)) return readLine(level, text);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = args.map((one) => (typeof one === 'number' ? one : u64Of(one)));
  return { id: message, a, b, c, d, e, f, text: `<${level}>${text}` };
}

/** Texts that the schema has let through. */
function u64Of(text: string | undefined): U64 {
  return text === undefined ? 0 : (parseU64(text) ?? 0);
}

/** The same where it is an address or a size: what is beyond 2^53 is beyond everything. */
function numberOf(text: string): number {
  return Number(u64Of(text));
}
