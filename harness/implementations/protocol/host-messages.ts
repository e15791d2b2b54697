import type { MemoryKind } from '../../../model/kernel/memory-hotplug.ts';
import type { LockName } from '../../../model/kernel/lock.ts';
import type { Trap } from '../../../model/kernel/port.ts';
import type { ModuleStatus } from '../../../model/kernel/state.ts';
import type { HelloAnswer, Request } from './messages.ts';
import type { CommandKind } from './host-command.ts';

/**
 * The host side of seam-stdio/1 (protocol/README.md; schemas: protocol/host-request.schema.json and
 * protocol/host-response.schema.json). Texts are u64 in lower-case hexadecimal; CPUs, LPs and packages are numbers.
 */

export interface HostCapabilities {
  readonly role: 'host';
  /** Commands it takes; `boot` and `enable` are among them. */
  readonly commands: readonly CommandKind[];
  /** Name of the kernel revision that it claims to equal exactly; missing: judged by the invariants only. */
  readonly behavesLike?: string;
  /** Same case, same conversation. */
  readonly deterministic: boolean;
}

export interface RegionText {
  readonly base: string;
  readonly size: string;
  readonly node: number;
}

export interface KeyIDText {
  readonly mktme: number;
  readonly tdx: number;
}

export interface BootMessage {
  readonly type: 'boot';
  /** The CPU that boots. */
  readonly cpu: number;
  /** By CPU: bootable is false for siblings that `nosmt` holds back. */
  readonly cpus: readonly {
    readonly package: number;
    readonly present: boolean;
    readonly online: boolean;
    readonly bootable: boolean;
  }[];
  readonly memory: readonly RegionText[];
  /** MSR 0x87 of the booting CPU: bits 31:0 and 63:32; null: reading it faults. */
  readonly keyids: KeyIDText | null;
  /** Of every CPU, where they are not all the same. */
  readonly keyidsByCPU?: readonly (KeyIDText | null)[];
  readonly hibernation: boolean;
  /** What registering a memory notifier answers. */
  readonly notifierError: number;
  readonly cpuModel: number;
  readonly seamrrEnabled: boolean;
  readonly x2apic: boolean;
  /** First physical address with a KeyID bit set. */
  readonly addressEnd: string;
}

/** What every command but `boot` tells besides: the CPUs that are online now. */
interface Online {
  readonly online: readonly number[];
}

export type CommandMessage =
  | BootMessage
  | ({ readonly type: 'cpu-enable'; readonly cpu: number } & Online)
  | ({ readonly type: 'enable'; readonly cpu: number; readonly memory: readonly RegionText[] } & Online)
  | ({
      readonly type: 'cpu-online' | 'cpu-offline' | 'acpi-cpu-add' | 'acpi-cpu-remove';
      readonly cpu: number;
      readonly target: number;
    } & Online)
  | ({ readonly type: 'memory-add' | 'memory-remove'; readonly how: MemoryKind } & RegionText & Online)
  | ({ readonly type: 'memory-online'; readonly base: string; readonly size: string } & Online)
  | ({ readonly type: 'machine-check'; readonly cpu: number; readonly address: string } & Online)
  | ({ readonly type: 'kexec'; readonly cpu: number } & Online);

export type HostRequest =
  | Extract<Request, { readonly type: 'hello' | 'ping' | 'stop' }>
  | (CommandMessage & { readonly id: number })
  | ({ readonly type: 'answer'; readonly id: number } & Answer);

/** Which allocator: kmalloc, alloc_pages_exact, alloc_contig_pages (PAMTs) or a cpumask. */
export type ObjectKind = 'kmalloc' | 'pages' | 'contiguous' | 'cpumask';

/** What is asked within a command and answered. */
export type ModuleCaseText =
  | {
      readonly type: 'seamcall';
      readonly lp: number;
      readonly rax: string;
      readonly rcx?: string;
      readonly rdx?: string;
      readonly r8?: string;
      readonly r9?: string;
      readonly r10?: string;
      readonly r11?: string;
      /** TDH.SYS.TDMR.INIT only: the same call again until RDX reaches this or it fails. */
      readonly until?: string;
    }
  | { readonly type: 'alloc'; readonly size: string; readonly node?: number; readonly kind?: ObjectKind }
  | { readonly type: 'load'; readonly address: string; readonly count: number }
  | { readonly type: 'vmxon'; readonly lp: number }
  /** Takes memory away from the page allocator. */
  | { readonly type: 'offline-memory'; readonly base: string; readonly size: string };

/** What is done within a command, without an answer. */
export type Deed =
  | { readonly type: 'free'; readonly address: string }
  | { readonly type: 'store'; readonly address: string; readonly words: readonly string[] }
  | { readonly type: 'movdir64b'; readonly address: string; readonly size: string; readonly lp?: number }
  /** Without `lps`: every online CPU. */
  | { readonly type: 'wbinvd'; readonly lps?: readonly number[] }
  | { readonly type: 'vmxoff'; readonly lp: number }
  | {
      readonly type: 'printk';
      readonly text: string;
      /** As printk has it: 3 error, 4 warning, 6 information (the default). */
      readonly level?: number;
      /** What the line means: a name and arguments of the catalogue in model/kernel/message.ts. */
      readonly message?: string;
      readonly args?: readonly (number | string)[];
    };

export type Ask = ModuleCaseText | Deed;

export interface SeamcallAnswer {
  /** `hang`: an `until` that is never reached. */
  readonly trap: Trap | 'hang';
  readonly rax: string;
  readonly rcx: string;
  readonly rdx: string;
  readonly r8: string;
  readonly r9: string;
  readonly r10: string;
  readonly r11: string;
}

export type Answer =
  | SeamcallAnswer
  | { readonly address: string | null }
  | { readonly words: readonly string[] }
  | { readonly entered: boolean }
  /** False: part of it is in use. */
  | { readonly offline: boolean };

export interface Done {
  /** 0, a negative errno, or for a machine check 1: private memory. */
  readonly ret: number;
  readonly state: HostState;
  /** Why it died (a panic, an oops): nothing can be asked until the next boot. */
  readonly crash?: string;
}

/** What the host is after a command. What is left out is not compared. */
export interface HostState {
  /** It has found that it can run TDX. */
  readonly offered: boolean;
  readonly tdx: ModuleStatus;
  /** LPs that it takes for initialised, ascending. */
  readonly lps: readonly number[];
  readonly s3?: boolean;
  /** It minds the partial-write machine-check erratum. */
  readonly erratum?: boolean;
  readonly keyids?: { readonly first: number; readonly count: number };
  /** TDH.SYS.INIT has had its turn, and what it came to. */
  readonly sysinit?: { readonly done: boolean; readonly ret: number };
  /** The memory it has promised to TDX. */
  readonly tdxMemory?: readonly RegionText[];
  /** The array of TDMR_INFOs is allocated; how many TDMRs it counts in it. */
  readonly tdmrs?: { readonly live: boolean; readonly count: number };
  /** Holders of each lock, and the locks released so far that were not held, with the flow. */
  readonly locks?: {
    readonly cpus: number;
    readonly module: number;
    readonly mems: number;
    readonly sysinit: number;
    readonly imbalances: readonly { readonly flow: string; readonly lock: LockName }[];
  };
}

export type HostResponse =
  | HelloAnswer
  | (ModuleCaseText & { readonly id: number })
  | Deed
  | ({ readonly type: 'done'; readonly id: number } & Done)
  | { readonly type: 'pong'; readonly id: number }
  | { readonly type: 'stopped'; readonly id: number }
  | { readonly type: 'error'; readonly id: number | null; readonly message: string };
