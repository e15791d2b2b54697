import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { Registers } from '../../model/abi/registers.ts';
import { lowHalf, type U64 } from '../../model/abi/u64.ts';
import { messageText } from '../../model/kernel/message.ts';
import {
  addPages,
  allocatePages,
  createPageAllocator,
  isInUse,
  releasePages,
  type PageAllocator,
} from '../../model/kernel/page-allocator.ts';
import type { KernelPort, Trap } from '../../model/kernel/port.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { createKernel, type BootFacts, type KernelState, type MemoryRegion } from '../../model/kernel/state.ts';
import { createThread, runThread } from '../../model/kernel/thread.ts';
import type { Flow } from '../../model/kernel/flow.ts';

/** The result of one SEAMCALL, chosen by a test: a status or a trap; `undefined`: success. */
export type Answer = (leaf: number, cpu: number, registers: Registers) => U64 | Exclude<Trap, 'none'> | undefined;

/** A port whose SEAMCALLs all succeed, with a log of the kernel's actions: for tests of the kernel without the module. */
export interface TestPort extends KernelPort {
  readonly log: string[];
  readonly memory: Map<number, U64>;
  readonly allocator: PageAllocator;
  answer: Answer;
  /** CMRs, in table order. */
  cmrs: readonly AddressRange[];
  /** Which allocations fail, 1 = the first of all. */
  failing: ReadonlySet<number>;
}

const SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];
const SYS_INFO = LEAF_NUMBER['TDH.SYS.INFO'];

export function createTestPort(memory: readonly MemoryRegion[]): TestPort {
  const words = new Map<number, U64>();
  const allocator = createPageAllocator(memory);
  let allocations = 0;
  const port: TestPort = {
    log: [],
    memory: words,
    allocator,
    answer: () => undefined,
    cmrs: [],
    failing: new Set(),
    seamcall(cpu, registers) {
      const leaf = Number(registers.rax);
      port.log.push(`seamcall ${leaf} on ${cpu}`);
      const answer = port.answer(leaf, cpu, registers);
      if (typeof answer === 'string') return answer;
      registers.rax = answer ?? 0;
      if (registers.rax !== 0) return 'none';
      if (leaf === SYS_RD) registers.r8 = field(registers.rdx, port.cmrs);
      if (leaf === SYS_INFO) writeInfo(words, registers, port.cmrs);
      return 'none';
    },
    tdmrInitLoop(cpu, registers, _base, end) {
      const trap = port.seamcall(cpu, registers);
      if (trap === 'none' && registers.rax === 0) registers.rdx = end;
      return trap;
    },
    metadataRun: () => undefined,
    alloc(kind, bytes, node) {
      allocations++;
      const address = port.failing.has(allocations) ? -1 : allocatePages(allocator, kind, bytes, node);
      port.log.push(`alloc ${kind} ${bytes}${address === -1 ? ' failed' : ''}`);
      return address;
    },
    free(kind, address, bytes) {
      port.log.push(`free ${kind} ${bytes}`);
      releasePages(allocator, address, bytes);
    },
    writeWord(address, value) {
      words.set(address, value);
    },
    readWord: (address) => words.get(address) ?? 0,
    movdir64b: (_cpu, base, size) => port.log.push(`movdir64b 0x${base.toString(16)} ${size}`),
    wbinvdAll: () => port.log.push('wbinvd all'),
    wbinvd: (cpu) => port.log.push(`wbinvd ${cpu}`),
    vmxon(cpu) {
      port.log.push(`vmxon ${cpu}`);
      return true;
    },
    vmxoff: (cpu) => port.log.push(`vmxoff ${cpu}`),
    onlineMemory: (base, size, node) => addPages(allocator, base, size, node),
    offlineMemory: (base, size) => !isInUse(allocator, base, size),
    printk: () => undefined,
  };
  return port;
}

/** Metadata of a healthy module with 16-byte PAMT entries. */
function field(id: U64, cmrs: readonly AddressRange[]): U64 {
  switch (id) {
    case 0x9100000100000008n:
      return 64;
    case 0x9100000100000009n:
    case 0x9100000100000010n:
    case 0x9100000100000011n:
    case 0x9100000100000012n:
      return 16;
    case 0x0a00000300000008n:
      return 0x40000;
    case 0x9000000100000000n:
      return 32;
    default:
      return cmrField(lowHalf(id), cmrs);
  }
}

function cmrField(low: number, cmrs: readonly AddressRange[]): number {
  if (low >= 0x100) return cmrs[low - 0x100]?.size ?? 0;
  return cmrs[low - 0x80]?.base ?? 0;
}

/** Writes the members of TDSYSINFO_STRUCT that a kernel reads, and the CMR table; R9 is always 32. */
function writeInfo(words: Map<number, U64>, registers: Registers, cmrs: readonly AddressRange[]): void {
  const info = Number(registers.rcx);
  const table = Number(registers.r8);
  const version = { vendor: 0x8086, buildDate: 20211209, buildNum: 160, minor: 0, major: 1 };
  words.set(info, version.vendor * 2 ** 32);
  words.set(info + 8, version.buildDate + (version.buildNum + version.minor * 0x10000) * 2 ** 32);
  words.set(info + 16, version.major);
  words.set(info + 32, 64 + 16 * 0x10000 + 16 * 2 ** 32);
  for (let i = 0; i < 32; i++) {
    words.set(table + 16 * i, cmrs[i]?.base ?? 0);
    words.set(table + 16 * i + 8, cmrs[i]?.size ?? 0);
  }
  registers.rdx = 1024;
  registers.r9 = 32;
}

/** A machine for tests: two packages of two CPUs, 64 KeyIDs of which 48 are private. */
export function createTestKernel(
  revision: Revision,
  memory: readonly MemoryRegion[],
  facts: Partial<BootFacts> = {},
): KernelState {
  const cpus = [0, 0, 1, 1].map((pkg) => ({ package: pkg, present: true, online: true }));
  const healthy: BootFacts = {
    keyids: cpus.map(() => ({ mktme: 15, tdx: 48 })),
    hibernation: false,
    notifierError: 0,
    cpuModel: 0x8f,
    seamrrEnabled: true,
    x2apic: true,
  };
  return createKernel(revision, { ...healthy, ...facts }, cpus, memory);
}

/** Runs one entry point to its end and returns its errno. Throws if it blocks or crashes. */
export function run(kernel: KernelState, port: KernelPort, flow: Flow | null, cpu = 0, target = cpu): number {
  if (flow === null) throw new Error(`${kernel.revision.name} has no such entry point`);
  const thread = createThread(1, flow, cpu, target);
  const status = runThread(kernel, thread, port);
  if (status !== 'done')
    throw new Error(
      `the thread is ${status} at ${flow.steps[thread.pc]?.name ?? 'its end'}: ${kernel.crash ?? 'no crash'}`,
    );
  return thread.error;
}

/** Boot, bring-up of every online CPU if the revision has it, and initialisation; returns the errno of the latter. */
export function bootAndEnable(kernel: KernelState, port: KernelPort): number {
  run(kernel, port, kernel.revision.boot);
  if (kernel.revision.cpuEnable !== null) {
    for (const [id, { online }] of kernel.cpus.entries()) if (online) run(kernel, port, kernel.revision.cpuEnable, id);
  }
  return run(kernel, port, kernel.revision.enable);
}

export function dmesg(kernel: KernelState): string[] {
  return kernel.dmesg.map(messageText);
}
