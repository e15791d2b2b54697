import type { Flow } from './flow.ts';
import type { MachineCheck } from './machine-check.ts';
import type { MemoryKind, MemoryNotifier } from './memory-hotplug.ts';
import type { SeamcallPolicy } from './seamcall.ts';

/** A kernel revision as data: ordered lists of shared steps, and the options those steps look at. */
export interface Revision {
  readonly name: string;
  /** What people know it as: release, mail, date. */
  readonly title: string;
  readonly source: string;
  readonly seamcall: SeamcallPolicy;

  // Entry points; null where the revision has none.
  readonly boot: Flow;
  /** Per-CPU bring-up on the thread's CPU. */
  readonly cpuEnable: Flow | null;
  /** Module initialisation as a whole. */
  readonly enable: Flow;
  /** CPU hotplug of the thread's `target`, run on another CPU. */
  readonly cpuOnline: Flow;
  readonly cpuOffline: Flow;
  /** ACPI hot-plug of the thread's `target`; the CPU is offline when it has come, or is to go. */
  readonly acpiCPUAdd: Flow;
  readonly acpiCPURemove: Flow;
  /** Memory hot-plug of the thread's `region`: added to the machine and brought online, or taken offline and removed. */
  readonly memoryAdd: Readonly<Record<MemoryKind, Flow>>;
  readonly memoryRemove: Readonly<Record<MemoryKind, Flow>>;
  /** KVM makes, runs and destroys a guest (the thread's `td`); null where the kernel has no KVM that can. */
  readonly tdCreate: Flow | null;
  /** On the thread's CPU. */
  readonly tdRun: Flow | null;
  readonly tdDestroy: Flow | null;
  /** The old kernel's part of kexec: 0 = the new kernel runs next, on the module as it is left here. */
  readonly kexec: Flow;
  /** The way into a sleep state, user space frozen: 0 = the machine loses power next. Nested flows of CPU hotplug included. */
  readonly suspend: Readonly<Record<'s3' | 'hibernation', Flow>>;
  /** The way back, by state, also from a way in that ended early. */
  readonly resume: Readonly<Record<'s3' | 'hibernation', Flow>>;
  /** Another user takes a reference on VMX operation of `target`; null where the kernel core does not count them. */
  readonly vmxGet: Flow | null;

  // Entry points that are no flows: nothing can come between their parts. Null where the revision has none.
  readonly memoryNotifier: MemoryNotifier | null;
  readonly machineCheck: MachineCheck | null;

  /** The module is initialised once, at boot, by the kernel itself; there is no second attempt. */
  readonly enablesAtBoot: boolean;
  /** A failed initialisation is final: no later attempt does anything. */
  readonly failureIsFinal: boolean;
}
