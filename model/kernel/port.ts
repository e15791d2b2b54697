import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import type { Message } from './message.ts';

/** How the SEAMCALL instruction ended. All but `none` leave the registers as they were. */
export type Trap = 'none' | 'gp' | 'ud' | 'vmfail';

/**
 * Which allocator an object comes from: `k` kmalloc, `x` alloc_pages_exact, `c` alloc_contig_pages (a PAMT), `m` a
 * cpumask. The letters are those of the Linux recordings.
 */
export type AllocationKind = 'k' | 'x' | 'c' | 'm';

/**
 * Everything the kernel does to the outside. Addresses and sizes are bytes, CPUs are kernel CPU ids (= LP indices).
 * The world implements it over the module model, transcript replay over recorded answers.
 */
export interface KernelPort {
  /** One SEAMCALL on `cpu`; registers are changed in place. */
  seamcall(cpu: number, registers: Registers): Trap;
  /**
   * TDH.SYS.TDMR.INIT again and again with RCX = `base`, RDX = R8 = 0, until a call answers RDX >= `end`, a status other
   * than 0, a trap, or until a loop guard strikes (`hang`). The registers are those of the last call. Exact at every k:
   * what the module saw and did is what that many single calls would have done.
   */
  tdmrInitLoop(cpu: number, registers: Registers, base: number, end: number): Trap | 'hang';
  /**
   * TDH.SYS.RD of fields number `values.length` to `count` - 1, in order, RCX = R8 = 0, as one effect: R8 of each is added
   * to `values`. Ends before a call that would not succeed, or that something is to happen to; a port may also leave every
   * call to be made alone.
   */
  metadataRun(cpu: number, fields: readonly U64[], count: number, values: U64[]): void;

  /**
   * Physical address of a new object, zeroed, or -1 if there is none. `node` is the NUMA node asked for, -1 = any.
   * Only `c` names a node.
   */
  alloc(kind: AllocationKind, bytes: number, node: number): number;
  /** Gives an object back: same kind and size as it was allocated with. */
  free(kind: AllocationKind, address: number, bytes: number): void;
  /** An ordinary store of 8 bytes by the kernel (KeyID 0). */
  writeWord(address: number, value: U64): void;
  /** An ordinary load of 8 bytes by the kernel (KeyID 0). */
  readWord(address: number): U64;
  /** MOVDIR64B of zeroes over every 64-byte line of a range: takes the range back from its KeyID. */
  movdir64b(cpu: number, base: number, size: number): void;

  /** WBINVD on every online CPU, as one effect. */
  wbinvdAll(cpu: number): void;
  /** WBINVD on one CPU. */
  wbinvd(cpu: number): void;
  /** Enters VMX operation on `cpu`; false if the CPU cannot. */
  vmxon(cpu: number): boolean;
  vmxoff(cpu: number): void;

  /** Gives [base, base + size) bytes of `node` to the page allocator. */
  onlineMemory(base: number, size: number, node: number): void;
  /** Takes [base, base + size) bytes away from the page allocator; false if part of it is in use. */
  offlineMemory(base: number, size: number): boolean;

  /** A line of dmesg, already recorded in the kernel's log. */
  printk(message: Message): void;
}
