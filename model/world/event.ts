import type { MemoryKind } from '../kernel/memory-hotplug.ts';
import type { Condition } from '../module/conditions.ts';
import type { U64 } from '../abi/u64.ts';

/** Everything that can happen to a machine, one at a time. Addresses and sizes are bytes. `lp` is an LP index. */
export type Event =
  | { readonly kind: 'vmxon'; readonly lp: number }
  | { readonly kind: 'vmxoff'; readonly lp: number }
  | { readonly kind: 'cpu-online'; readonly lp: number }
  | { readonly kind: 'cpu-offline'; readonly lp: number }
  /** The kernel's per-CPU TDX bring-up on one CPU (tdx_cpu_enable; revisions without it do nothing). */
  | { readonly kind: 'cpu-enable'; readonly lp: number }
  /** The kernel's whole module initialisation (tdx_init, tdx_enable ...). */
  | { readonly kind: 'enable' }
  | { readonly kind: 'acpi-cpu-add'; readonly lp: number }
  | { readonly kind: 'acpi-cpu-remove'; readonly lp: number }
  | {
      readonly kind: 'memory-add';
      readonly how: MemoryKind;
      readonly base: number;
      readonly size: number;
      readonly node: number;
    }
  | { readonly kind: 'memory-remove'; readonly how: MemoryKind; readonly base: number; readonly size: number }
  /** KVM makes a guest TD, as far as KeyID and control pages go; revisions without KVM for TDX do nothing. */
  | { readonly kind: 'td-create' }
  /** The one vCPU of a guest runs on `lp`: number `td` of the guests that are alive, or the last. */
  | { readonly kind: 'td-run'; readonly td: number; readonly lp: number }
  /** KVM takes down one of the guests that are alive: number `td` of them in order of creation, or the last. */
  | { readonly kind: 'td-destroy'; readonly td: number }
  /** A memory error reported at `address`; the kernel asks the module whose page it is where it can. */
  | { readonly kind: 'machine-check'; readonly lp: number; readonly address: number }
  /** The kernel's nth allocation from now on fails (1 = the next one). */
  | { readonly kind: 'allocation-failure'; readonly nth: number }
  /** The next `count` SEAMCALLs of `leaf` (any leaf: null) meet this condition. */
  | { readonly kind: 'condition'; readonly condition: Condition; readonly leaf: number | null; readonly count: number }
  /**
   * Entry `entry` of the kernel's CMR buffer is overwritten with this right after the next TDH.SYS.INFO has filled it. The
   * module keeps its own table.
   */
  | { readonly kind: 'cmr-corruption'; readonly entry: number; readonly base: number; readonly size: number }
  | { readonly kind: 'late-load' }
  | { readonly kind: 'module-unload' }
  /** The module shut itself down inside SEAM: every SEAMCALL on every LP is VMfailInvalid from now on. */
  | { readonly kind: 'seam-death' }
  | {
      readonly kind: 'seamcall';
      readonly lp: number;
      readonly rax: U64;
      readonly rcx: U64;
      readonly rdx: U64;
      readonly r8: U64;
      readonly r9: U64;
      readonly r10: U64;
      readonly r11: U64;
    }
  | { readonly kind: 'kexec' }
  /** User space requests a sleep state; the machine wakes up at once, if it went to sleep at all. */
  | { readonly kind: 'suspend'; readonly state: SleepState };

/**
 * True for events that have happened even where the kernel's function returned an errno: an initialisation that failed was
 * carried out. Any other event whose flow returned one was refused.
 */
export function isAttempt(kind: Event['kind'] | 'boot'): boolean {
  return kind === 'enable' || kind === 'cpu-enable';
}

/** Suspend to RAM (ACPI S3), or to disk (S4: the machine is switched off, and the image read back later). */
export type SleepState = 's3' | 'hibernation';
