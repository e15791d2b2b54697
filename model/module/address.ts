import { PHYSICAL_END } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { alignDown, isAligned } from '../abi/align.ts';
import type { U64 } from '../abi/u64.ts';
import type { ModuleState } from './state.ts';

/**
 * The shared-HPA test of SYS.INFO, SYS.RDALL and SYS.CONFIG: aligned, below 2^52, not under a private KeyID, and
 * [address, address + extent) outside SEAMRR. Returns the address without KeyID bits, or -1. Bytes.
 */
export function sharedAddress(module: ModuleState, value: U64, alignment: number, extent: number): number {
  if (typeof value !== 'number' || value >= PHYSICAL_END || !isAligned(value, alignment)) return -1;
  const address = value - alignDown(value, module.addressEnd);
  if ((value - address) / module.addressEnd >= module.keyidFirst) return -1;
  const { base, size } = module.seamrr;
  return address < base + size && address + extent > base ? -1 : address;
}

/** A 4 KiB page as the private-memory leaves take it: aligned, no KeyID bits. */
export function isPageAddress(module: ModuleState, value: U64): value is number {
  return typeof value === 'number' && value < module.addressEnd && isAligned(value, PAGE_4K);
}
