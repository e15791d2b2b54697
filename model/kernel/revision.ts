import type { Flow } from './flow.ts';
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
  /** Another user takes a reference on VMX operation of `target`; null where the kernel core does not count them. */
  readonly vmxGet: Flow | null;
}
