import type { KernelPort } from './port.ts';
import { printk } from './printk.ts';
import type { KernelState, MemoryRegion } from './state.ts';
import { isInUnion, isTDXMemory } from './tdx-memory.ts';

/** Answers of a memory notifier. Source: include/linux/notifier.h. */
export const NOTIFY_OK = 1;
export const NOTIFY_BAD = 0x8002;

/**
 * The memory notifier's verdict when [startPfn, endPfn) is about to come online (page frame numbers). Offlining and every
 * other memory event always pass and are not asked here.
 * Source: tdx_memory_notifier(), Linux 6.12; recording 6.12-demos, lines 31 to 33.
 */
export function judgeMemoryNotification(
  kernel: KernelState,
  port: KernelPort,
  startPfn: number,
  endPfn: number,
): number {
  const { foreign } = kernel.revision;
  if (foreign !== undefined) return foreign.judgeMemory(kernel, port, startPfn, endPfn);
  const { accepts, refusal } = kernel.revision.memory;
  if (accepts === 'one-entry' ? isTDXMemory(kernel, startPfn, endPfn) : isInUnion(kernel, startPfn, endPfn))
    return NOTIFY_OK;
  if (refusal !== null) printk(kernel, port, refusal, startPfn * 4096, endPfn * 4096);
  return NOTIFY_BAD;
}

/** How memory comes and goes: ACPI hotplug, a driver (dax/kmem), or ZONE_DEVICE, which the page allocator never sees. */
export type MemoryKind = 'acpi' | 'driver' | 'zone-device';

/** `isTDXMemory` for a region in bytes, whole pages. */
export function isTDXMemoryRegion(kernel: KernelState, { base, size }: MemoryRegion): boolean {
  return isTDXMemory(kernel, base / 4096, (base + size) / 4096);
}
