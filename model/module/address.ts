import { PHYSICAL_END } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { alignDown, isAligned } from '../abi/align.ts';
import type { U64 } from '../abi/u64.ts';
import type { ModuleState } from './state.ts';

/**
 * The shared-HPA test of SYS.INFO, SYS.RDALL and SYS.CONFIG for a structure of `size` bytes, a power of two: aligned to it,
 * below 2^52, not under a private KeyID, and [address, address + size) outside SEAMRR. Returns the address without KeyID
 * bits, or -1. Source: shared_hpa_check_with_pwr_2_alignment(), TDX module 1.5.01.
 */
export function sharedAddress(module: ModuleState, value: U64, size: number): number {
  if (typeof value !== 'number' || value >= PHYSICAL_END || !isAligned(value, size)) return -1;
  const address = value - alignDown(value, module.addressEnd);
  if ((value - address) / module.addressEnd >= module.keyidFirst) return -1;
  const { seamrr } = module;
  return address < seamrr.base + seamrr.size && address + size > seamrr.base ? -1 : address;
}

/** A 4 KiB page as the private-memory leaves take it: aligned, no KeyID bits. */
export function isPageAddress(module: ModuleState, value: U64): value is number {
  return typeof value === 'number' && value < module.addressEnd && isAligned(value, PAGE_4K);
}
