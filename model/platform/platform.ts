import type { AddressRange } from '../abi/range.ts';
import type { U64 } from '../abi/u64.ts';

/**
 * Everything a boot needs, as a case carries it: what is soldered in, what BIOS chose and what the boot loader said.
 * Plain data; nothing here has been verified yet (that is what MCHECK and the kernel are for).
 */
export interface Platform {
  /** LPs in the order Linux numbers them; an LP's index in this list is its number everywhere else. 1 to 64 in cases. */
  readonly lps: readonly PlatformLP[];
  /** RAM the page allocator is given, as e820 / memblock entries with their NUMA node; ascending by construction of e820. */
  readonly memory: readonly MemoryBlock[];
  /** CMRs as BIOS proposes them, in table order; up to 32; empty ones (size 0) may stand anywhere in a broken table. */
  readonly cmrs: readonly AddressRange[];
  /** Halves of MSR 0x87 (IA32_MKTME_KEYID_PARTITIONING), each a u32. */
  readonly keyids: { readonly mktme: number; readonly tdx: number };
  /** IA32_TME_ACTIVATE[35:32]: KeyID bits taken from the top of the 52-bit physical address. */
  readonly keyidBits: number;
  /** The range reserved for SEAM; `null`: BIOS left SEAM off, whatever it says about KeyIDs (a lying BIOS). */
  readonly seamrr: AddressRange | null;
  /** MSR values that differ from a healthy machine's, on all LPs or on one. Later entries win; per-LP beats global. */
  readonly msr: readonly MSROverride[];
  /** `verify`: MCHECK judges BIOS and may refuse (SEAMRR stays invalid). `bypass`: it publishes whatever BIOS proposes. */
  readonly mcheck: 'verify' | 'bypass';
  /** Who loads the TDX module: BIOS before the kernel, a `late-load` event, or nothing. */
  readonly moduleImage: 'bios' | 'late' | 'absent';
  /** CPUID(1).EAX of each package, by package number as MCHECK tabulates it; shorter than the packages: the first one's. */
  readonly fms: readonly number[];
  /** Kernel command line, the parts that matter here. */
  readonly commandLine: CommandLine;
  /** CONFIG_HIBERNATION built in and not turned off by `nohibernate`. */
  readonly hibernation: boolean;
}

export interface PlatformLP {
  readonly package: number;
  readonly core: number;
  readonly thread: number;
  /** BIOS enabled it and MCHECK therefore counted it. An LP that is `false` here exists and may be hot-added later. */
  readonly bios: boolean;
  /** Logically online when the first event happens (the command line may keep it offline all the same). */
  readonly online: boolean;
  /** In VMX operation when the first event happens. */
  readonly vmx: boolean;
}

export interface MemoryBlock extends AddressRange {
  readonly node: number;
}

export interface MSROverride {
  /** LP index; `null` = every LP. */
  readonly lp: number | null;
  readonly msr: number;
  readonly value: U64;
}

export interface CommandLine {
  /** SMT siblings (thread > 0) are never online and cannot be brought online. */
  readonly nosmt: boolean;
  /** At most this many LPs are online at boot (the rest may be brought online later); `null` = no limit. */
  readonly maxcpus: number | null;
}
