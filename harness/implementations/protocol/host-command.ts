import type { MemoryKind } from '../../../model/kernel/memory-hotplug.ts';

/**
 * What a host that runs elsewhere is asked to do, one thing at a time. `cpu` is the CPU it happens on, `target` the one it
 * is about; addresses and sizes are bytes.
 */
export type HostCommand =
  /** A machine with its power just switched on, up to the end of the host's detection: everything before is forgotten. */
  | { readonly kind: 'boot'; readonly cpu: number }
  | { readonly kind: 'cpu-enable'; readonly cpu: number }
  | { readonly kind: 'enable'; readonly cpu: number }
  /** May this CPU come online, go offline, be added, be removed? What has to be done for TDX then is done. */
  | {
      readonly kind: 'cpu-online' | 'cpu-offline' | 'acpi-cpu-add' | 'acpi-cpu-remove';
      readonly cpu: number;
      readonly target: number;
    }
  /** May this memory be added, be removed? */
  | {
      readonly kind: 'memory-add' | 'memory-remove';
      readonly how: MemoryKind;
      readonly base: number;
      readonly size: number;
      readonly node: number;
    }
  /** May this memory be given to the page allocator? */
  | { readonly kind: 'memory-online'; readonly base: number; readonly size: number }
  /** Whose is the page of this memory error? 1: private memory, 0: no concern of TDX. */
  | { readonly kind: 'machine-check'; readonly cpu: number; readonly address: number }
  | { readonly kind: 'kexec'; readonly cpu: number };

export type CommandKind = HostCommand['kind'];
