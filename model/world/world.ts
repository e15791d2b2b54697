import type { AddressRange } from '../abi/range.ts';
import type { PageAllocator } from '../kernel/page-allocator.ts';
import type { KernelPort } from '../kernel/port.ts';
import type { KernelState } from '../kernel/state.ts';
import type { ModuleState } from '../module/state.ts';
import type { Release } from '../module/release.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { MCHECKResult } from '../platform/mcheck.ts';
import type { Platform } from '../platform/platform.ts';
import type { SEAMLDRState } from '../seamldr/seamldr.ts';
import type { Condition } from '../module/conditions.ts';
import type { EventRecord, ModulePhase, TraceEntry } from './trace.ts';

/** One machine: platform, module and kernel, as plain records that `step` changes in place. */
export interface World {
  readonly platform: Platform;
  readonly release: Release;
  readonly mcheck: MCHECKResult;
  readonly hardware: Hardware;
  readonly seamldr: SEAMLDRState;
  /** The TDX module's own state; a fresh one after every load. Meaningless while it is not loaded. */
  module: ModuleState;
  kernel: KernelState;
  /** The kernel's way to this machine; bound to this very record, so a copy gets one of its own. */
  port: KernelPort;
  allocator: PageAllocator;
  /** By LP index: the CPU could enter VMX operation. Revisions that manage VMX themselves ask; others just execute VMXON. */
  readonly mayEnterVMX: boolean[];
  /** The LP that every kernel boots on, -1 if BIOS enabled none. */
  readonly bootLP: number;

  /** What the case has put in the way and has not struck yet. */
  readonly faults: Faults;
  /** Entries of the kernel's CMR buffer that were overwritten. */
  readonly brokenCMREntries: CMREntry[];

  readonly trace: TraceEntry[];
  /** One record per event so far; the boot is the first, with no event of the case. */
  readonly records: EventRecord[];
  /** Trace index where the event under way began: equal SEAMCALLs fold only within one event. */
  foldFrom: number;
  /** Lock imbalances the kernel had recorded before the event under way. */
  imbalancesBefore: number;
  /** Of events that overlapped: whose turn it was when, and where in the trace and in dmesg that part now stands. */
  readonly overlaps: Overlap[];

  /**
   * PAMT memory that the host has taken back under its own KeyID while the module still points at it. What the module
   * reads there is poison (inferred; the recordings have no integrity): it shuts itself down.
   */
  readonly lostPAMT: AddressRange[];
  /** A raw SEAMCALL succeeded in changing the module behind the kernel's back. */
  tampered: boolean;
  /** The module was unloaded, died or was loaded anew after the kernel had begun to talk to it. */
  disturbed: boolean;
  /** Compare module and memory around every refused SEAMCALL (costs a digest per call). */
  readonly watchRefusals: boolean;
}

/** Faults that are waiting for what they strike. */
export interface Faults {
  /** Conditions that wait for their SEAMCALL, oldest first. */
  readonly conditions: PendingCondition[];
  /** Allocations from now on that fail: countdowns, 1 = the next one. */
  readonly allocations: number[];
  /** Entries of the kernel's CMR buffer that are overwritten when the next TDH.SYS.INFO has filled it. */
  readonly cmrEntries: CMREntry[];
}

/** A turn of one of the events that overlapped: trace entries [from, to), dmesg lines [dmesgFrom, dmesgTo). */
export interface Overlap {
  readonly record: EventRecord;
  /** Position in `records` of the first event of those that overlapped each other. */
  readonly group: number;
  readonly from: number;
  readonly to: number;
  readonly dmesgFrom: number;
  readonly dmesgTo: number;
}

/** One entry of a CMR table in memory: bytes. */
export interface CMREntry extends AddressRange {
  readonly entry: number;
}

export interface PendingCondition {
  readonly condition: Condition;
  /** Leaf number it waits for; `null` = any. */
  readonly leaf: number | null;
  left: number;
}

/** The module's phase as seen from outside. */
export function modulePhase(world: World): ModulePhase {
  if (world.module.phase === 'DEAD') return 'DEAD';
  return world.seamldr.moduleReady ? world.module.phase : 'ABSENT';
}
