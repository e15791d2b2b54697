import type { AddressRange } from '../abi/range.ts';
import { registers, type Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import { createLocks, type LockName, type LockState } from './lock.ts';
import type { Message, MessageId } from './message.ts';
import type { Revision } from './revision.ts';
import type { KernelTD } from './td.ts';
import type { TDMR } from './tdmr.ts';

/** What the boot CPU reads before any TDX code has run. */
export interface BootFacts {
  /** MSR 0x87 by CPU id; `null`: reading it faults. Halves are u32. Most revisions read the boot CPU's only. */
  readonly keyids: readonly (KeyIDPartition | null)[];
  /** hibernation_available(): built in and not turned off. */
  readonly hibernation: boolean;
  /** What registering the memory notifier answers: 0 or an errno. */
  readonly notifierError: number;
  /** CPUID model (family 6) of the boot CPU: decides the partial-write machine-check erratum. */
  readonly cpuModel: number;
  /** SEAMRR is enabled and locked on the boot CPU, as MTRRcap bit 15 and MSR 0x1401 bits 11:10 say (v5 looks). */
  readonly seamrrEnabled: boolean;
  readonly x2apic: boolean;
  /** First physical address with a KeyID bit set, bytes, where a revision asks. */
  readonly addressEnd?: number;
}

export interface KeyIDPartition {
  readonly mktme: number;
  readonly tdx: number;
}

export interface KernelCPU {
  /** Physical package id as the kernel numbers it. */
  readonly package: number;
  /** Present at boot: MCHECK counted it. What is hot-added later is not. */
  readonly atBoot: boolean;
  /** The kernel may bring it up (`nosmt` holds siblings back). */
  readonly bootable: boolean;
  /** In cpu_present_mask. */
  present: boolean;
  online: boolean;
  /** This CPU's TDH.SYS.LP.INIT succeeded; survives offline and online (per-CPU variable tdx_lp_initialized). */
  lpInitialised: boolean;
  /** It failed, and the revision remembers (v11). */
  lpFailed: boolean;
  /** Users that keep the CPU in VMX operation, where the revision counts them (7.3). */
  vmxReferences: number;
  /** A SEAMCALL was made here since the last flush, where the revision keeps track (6.17 on). */
  cacheDirty: boolean;
}

/** A memblock entry: a stretch of RAM of one node. Bytes, not rounded. */
export interface MemoryRegion extends AddressRange {
  readonly node: number;
}

/** An entry of the kernel's list of TDX-usable memory: page frame numbers, end exclusive. */
export interface TDXMemory {
  readonly startPfn: number;
  readonly endPfn: number;
  readonly node: number;
  /** Where the list entry itself was allocated. */
  readonly object: number;
}

export type ModuleStatus = 'uninitialised' | 'initialised' | 'error' | 'none' | 'shutdown';

/** What reading the module's global metadata gave; 0 = not read. 16-bit fields are cut to 16 bits as the kernel does. */
export interface SystemInfo {
  maxTDMRs: number;
  maxReserved: number;
  /** Bytes per PAMT entry of a 4 KiB, 2 MiB and 1 GiB page. */
  entry4K: number;
  entry2M: number;
  entry1G: number;
  features0: U64;
  cpuidConfigs: number;
  /** Bytes of a TDCS, without what vCPUs need. */
  tdcsBaseSize: number;
  versionMajor: number;
  versionMinor: number;
  versionUpdate: number;
}

export interface LockImbalance {
  readonly thread: number;
  readonly flow: string;
  readonly lock: LockName;
  readonly what: string;
}

/** One running kernel, as plain data. Steps mutate it in place; `cloneKernel` copies it where exploration branches. */
export interface KernelState {
  readonly revision: Revision;
  readonly facts: BootFacts;
  /** By CPU id. */
  readonly cpus: KernelCPU[];

  // Boot detection.
  /** X86_FEATURE_TDX_HOST_PLATFORM, or what stands for it in the revision. */
  platformEnabled: boolean;
  /** The ACPI S3 entry is still there. */
  s3Available: boolean;
  /** X86_BUG_TDX_PW_MCE. */
  partialWriteErratum: boolean;
  keyidStart: number;
  keyidCount: number;
  globalKeyID: number;

  // TDH.SYS.INIT, once for the machine.
  sysinitDone: boolean;
  sysinitError: number;

  status: ModuleStatus;
  readonly info: SystemInfo;
  /** CMRs where the revision reads them, as read. */
  readonly cmrs: AddressRange[];
  /** How many entries of the CMR table in memory the revision goes by, where it goes on reading them there (v5, v7). */
  cmrCount: number;

  // Memory.
  readonly memblock: MemoryRegion[];
  tdxMemory: TDXMemory[];
  /** The TDMR array: its address (the pointer stays when it is freed), whether it is allocated, its slots. */
  tdmrArray: number;
  tdmrArrayBytes: number;
  tdmrArrayLive: boolean;
  /** TDMRs in use, as the kernel counts them; stays when the array is freed. */
  tdmrCount: number;
  /** Contents of the array; [0, tdmrCount) are in use. Kept after the array was freed: that is what a later reader finds. */
  tdmrs: TDMR[];
  /** Objects allocated and not given back. */
  live: number;
  packageMask: number;
  /** Guest KeyIDs in use: while there are any, revisions with KVM's policy keep a CPU of every package online. */
  readonly guestKeyids: number[];
  /** Guests, in order of creation; those that are gone stay, with nothing left. */
  readonly tds: KernelTD[];
  addressArray: number;
  /** Packages whose key was configured in this attempt, by package id. */
  packagesDone: number[];

  /** The CPUs' online callback is installed: what comes online is brought up for TDX, or stays offline (7.3). */
  onlineCallback: boolean;
  /** CPUs that a sleep state took offline, in that order, until they are back. */
  readonly frozenCPUs: number[];
  /** TDMRs initialised to their end, where the revision goes on where it stopped. */
  tdmrsInitialised: number;

  readonly locks: Record<LockName, LockState>;
  readonly lockImbalances: LockImbalance[];
  /** Which lock was ever held when another was taken: bits of `lockOrderBit`, for lockdep-style checks. */
  lockOrder: number;

  readonly dmesg: Message[];
  /** Lines of the pr_err_once kind that have had their turn. */
  readonly printedOnce: MessageId[];
  /** What crashed the kernel (an oops, BUG, endless loop), `null` while it runs. Nothing runs after it. */
  crash: string | null;
  /** Scratch registers of the SEAMCALL being made; meaningless between steps. */
  readonly registers: Registers;
}

/** A kernel before its first instruction of TDX code. CPUs and memory are copied. */
export function createKernel(
  revision: Revision,
  facts: BootFacts,
  cpus: readonly {
    readonly package: number;
    readonly present: boolean;
    readonly online: boolean;
    readonly bootable?: boolean;
  }[],
  memory: readonly MemoryRegion[],
): KernelState {
  return {
    revision,
    facts,
    cpus: cpus.map(({ package: pkg, present, online, bootable = true }) => ({
      package: pkg,
      atBoot: present,
      bootable,
      present,
      online,
      lpInitialised: false,
      lpFailed: false,
      vmxReferences: 0,
      cacheDirty: false,
    })),
    platformEnabled: false,
    s3Available: true,
    partialWriteErratum: false,
    keyidStart: 0,
    keyidCount: 0,
    globalKeyID: 0,
    sysinitDone: false,
    sysinitError: 0,
    status: 'uninitialised',
    info: createSystemInfo(),
    cmrs: [],
    cmrCount: 0,
    memblock: memory.slice(),
    tdxMemory: [],
    tdmrArray: -1,
    tdmrArrayBytes: 0,
    tdmrArrayLive: false,
    tdmrCount: 0,
    tdmrs: [],
    live: 0,
    packageMask: -1,
    guestKeyids: [],
    tds: [],
    addressArray: -1,
    packagesDone: [],
    onlineCallback: false,
    frozenCPUs: [],
    tdmrsInitialised: 0,
    locks: createLocks(),
    lockImbalances: [],
    lockOrder: 0,
    dmesg: [],
    printedOnce: [],
    crash: null,
    registers: registers(0),
  };
}

function createSystemInfo(): SystemInfo {
  return {
    maxTDMRs: 0,
    maxReserved: 0,
    entry4K: 0,
    entry2M: 0,
    entry1G: 0,
    features0: 0,
    cpuidConfigs: 0,
    tdcsBaseSize: 0,
    versionMajor: 0,
    versionMinor: 0,
    versionUpdate: 0,
  };
}

/** A copy that shares nothing mutable with the original (messages, regions and CMRs are never changed, so they are shared). */
export function cloneKernel(kernel: KernelState): KernelState {
  return {
    ...kernel,
    cpus: kernel.cpus.map((cpu) => ({ ...cpu })),
    info: { ...kernel.info },
    cmrs: kernel.cmrs.slice(),
    memblock: kernel.memblock.slice(),
    tdxMemory: kernel.tdxMemory.slice(),
    tdmrs: kernel.tdmrs.map((tdmr) => ({ ...tdmr, reserved: tdmr.reserved.slice() })),
    packagesDone: kernel.packagesDone.slice(),
    frozenCPUs: kernel.frozenCPUs.slice(),
    guestKeyids: kernel.guestKeyids.slice(),
    tds: kernel.tds.map((td) => ({ ...td, tdcs: td.tdcs.slice() })),
    locks: {
      cpus: { ...kernel.locks.cpus },
      module: { ...kernel.locks.module },
      mems: { ...kernel.locks.mems },
      sysinit: { ...kernel.locks.sysinit },
      kvm: { ...kernel.locks.kvm },
    },
    lockImbalances: kernel.lockImbalances.slice(),
    dmesg: kernel.dmesg.slice(),
    printedOnce: kernel.printedOnce.slice(),
    registers: { ...kernel.registers },
  };
}
