import { PAGE_4K } from '../abi/page.ts';
import type { KernelPort } from './port.ts';
import type { KernelState, MemoryRegion } from './state.ts';
import { isTDXMemory } from './tdx-memory.ts';

/** Answers of a memory notifier. Source: include/linux/notifier.h. */
export const NOTIFY_OK = 1;
export const NOTIFY_BAD = 0x8002;

/**
 * A revision's memory notifier: called when [startPfn, endPfn) is about to come online (page frame numbers). Offlining and
 * every other memory event always pass and are not asked about. Returns NOTIFY_OK or NOTIFY_BAD.
 */
export type MemoryNotifier = (kernel: KernelState, port: KernelPort, startPfn: number, endPfn: number) => number;

/**
 * Accepts a range inside a single entry of the TDX memory list, and any range while the list is empty; refuses without a
 * line. Source: tdx_memory_notifier(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12; recording 6.12-demos, lines 31 to 33.
 */
export function tdxMemoryNotifier(kernel: KernelState, _port: KernelPort, startPfn: number, endPfn: number): number {
  return isTDXMemory(kernel, startPfn, endPfn) ? NOTIFY_OK : NOTIFY_BAD;
}

/** How memory comes and goes: ACPI hotplug, a driver (dax/kmem), or ZONE_DEVICE, which the page allocator never sees. */
export type MemoryKind = 'acpi' | 'driver' | 'zone-device';

/** `isTDXMemory` for a region in bytes, whole pages. */
export function isTDXMemoryRegion(kernel: KernelState, { base, size }: MemoryRegion): boolean {
  return isTDXMemory(kernel, base / PAGE_4K, (base + size) / PAGE_4K);
}
