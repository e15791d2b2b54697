import type { U64 } from '../abi/u64.ts';
import type { AllocationKind, Trap } from '../kernel/port.ts';
import type { KernelState, ModuleStatus } from '../kernel/state.ts';
import type { Phase } from '../module/state.ts';
import type { Condition } from '../module/conditions.ts';
import type { Event } from './event.ts';

/**
 * What happened, in order: every effect the host had and every answer it got. Entries are plain records with no text
 * built for them (text is rendered on demand): a campaign writes some fifty of them a case and reads few.
 * There are three layouts for five kinds: a walk over a trace reads each entry's kind, and engines do that
 * quickly for a handful of layouts.
 */
export type TraceEntry = SeamcallEntry | AllocationEntry | FlushEntry;

/** The module's own phase, or `ABSENT` while no module can be called (never loaded, unloaded, INSTALL session open). */
export type ModulePhase = Phase | 'ABSENT';

export interface SeamcallEntry {
  readonly kind: 'seamcall';
  readonly lp: number;
  /** Made by a `seamcall` event rather than by the kernel. */
  readonly raw: boolean;
  /** RAX on entry. */
  readonly leaf: U64;
  readonly inRCX: U64;
  readonly inRDX: U64;
  readonly inR8: U64;
  readonly trap: Trap;
  /** Registers after the call (of the last one, where `calls` > 1); the inputs where the call trapped. */
  readonly rax: U64;
  readonly rcx: U64;
  readonly rdx: U64;
  readonly r8: U64;
  readonly r9: U64;
  /** A run of equal calls, or of TDH.SYS.RD of one field after another, is one entry: how many there were. */
  readonly calls: number;
  /** The fields that a run of TDH.SYS.RD read: the first `calls` of these. RDX on entry is that of the first. */
  readonly fields: readonly U64[] | null;
  /** The condition that was injected into this call, if any. */
  readonly condition: Condition | null;
  readonly before: ModulePhase;
  readonly after: ModulePhase;
  /** Only where the world is watched closely: a refused call left the module or memory different from before. */
  readonly changed: boolean;
  /** Which check decided, in the module's own words. */
  readonly reason: string;
}

/** An object was allocated, or given back. */
export interface AllocationEntry {
  readonly kind: 'alloc' | 'free';
  readonly what: AllocationKind;
  readonly bytes: number;
  /** Physical address, or -1: the allocation failed. */
  readonly address: number;
  /** It failed because the case injected the failure, not because memory ran out. */
  readonly injected: boolean;
  /** The module's at that time. */
  readonly phase: ModulePhase;
}

/** WBINVD, or MOVDIR64B over a whole range: the host takes the pages back under its own KeyID. */
export interface FlushEntry {
  readonly kind: 'wbinvd' | 'reset';
  /** CPU index, or -1: every online CPU. */
  readonly cpu: number;
  /** The range of a reset; nothing for WBINVD. */
  readonly base: number;
  readonly size: number;
  /** The module's at that time. */
  readonly phase: ModulePhase;
}

/** A boot: the first record of every world, and one more after every kexec. */
export interface BootEvent {
  readonly kind: 'boot';
}

/** What one event came to, as the outside sees it, and where in the trace it is. */
export interface EventRecord {
  readonly event: Event | BootEvent;
  /** That of the event, here because every kind of event has a layout of its own and every record the same. */
  readonly kind: Event['kind'] | BootEvent['kind'];
  /** The kernel it happened to: another one after a kexec. */
  readonly kernel: KernelState;
  /** Trace entries [from, to) belong to it; dmesg lines [dmesgFrom, dmesgTo). */
  from: number;
  to: number;
  dmesgFrom: number;
  dmesgTo: number;
  readonly statusBefore: ModuleStatus;
  statusAfter: ModuleStatus;
  readonly phaseBefore: ModulePhase;
  phaseAfter: ModulePhase;
  outcome: Outcome;
  /** What the kernel's function returned: 0 or a negative errno; 0 where the event has no return value. */
  errno: number;
  /** Of a machine check: the kernel takes the page for private memory and prints its hint. False for every other event. */
  hint: boolean;
}

/**
 * `done`: it happened (a failed init too: see errno). `refused`: the host said no. `ignored`: it makes no sense here (an
 * LP that is not there, VMXON where it is on) and nothing happened, or the kernel died of another event that it overlapped
 * with. `crashed`: the kernel died of it.
 */
export type Outcome = 'done' | 'refused' | 'ignored' | 'crashed';
