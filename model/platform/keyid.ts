import type { U64 } from '../abi/u64.ts';
import { u64FromHalves } from '../abi/u64.ts';
import { readOverride } from './msr-override.ts';
import type { Platform } from './platform.ts';

/** IA32_MKTME_KEYID_PARTITIONING: bits 31:0 MKTME KeyIDs, bits 63:32 TDX KeyIDs. Package scope. */
export const KEYID_PARTITIONING_MSR = 0x87;

/** KeyIDs as BIOS splits them. */
export type KeyIDPartition = Platform['keyids'];

/** The value BIOS put into MSR 0x87, before per-LP differences. */
function keyidPartitionMSR(keyids: KeyIDPartition): U64 {
  return u64FromHalves(keyids.tdx, keyids.mktme);
}

/** What RDMSR 0x87 answers on this LP; MCHECK refusing TDX does not change it, which is how a BIOS comes to lie. */
export function readKeyIDPartition(platform: Platform, lp: number): U64 {
  return readOverride(platform.msr, lp, KEYID_PARTITIONING_MSR, keyidPartitionMSR(platform.keyids));
}

/** True if all KeyIDs, KeyID 0 included, can be told apart by the address bits given to them. */
export function keyidsFit(keyids: KeyIDPartition, keyidBits: number): boolean {
  return keyids.mktme + keyids.tdx < 2 ** keyidBits;
}
