import { keyidsFit } from '../../model/platform/keyid.ts';
import type { KeyIDPartition } from '../../model/platform/keyid.ts';
import type { PlatformFile, Say } from './platform-file.ts';

/** KeyID 0 is TME's: six KeyID bits leave 63 to split. [32, 64) is the most common private range on real machines. */
const SPLIT_TOTAL = 63;
const TDX_COMMON = 32;
const KEYID_BITS_COMMON = 6;
const KEYID_BITS_MAX = 15;

/**
 * KeyIDs unknown: 31 for MKTME, 32 for TDX. One half unknown: 63 less the other one. KeyID bits: 52 less a reported
 * physical width below 52, else the fewest that hold all KeyIDs, at least 6.
 */
export function keyidRule(file: PlatformFile, say: Say): { keyids: KeyIDPartition; keyidBits: number } {
  const keyids = splitOf(file, say);
  let keyidBits = KEYID_BITS_COMMON;
  if (typeof file.maxPaBits === 'number' && file.maxPaBits < 52) {
    keyidBits = 52 - file.maxPaBits;
  } else {
    while (!keyidsFit(keyids, keyidBits) && keyidBits < KEYID_BITS_MAX) keyidBits += 1;
    say(`KeyID bits not known: assuming ${keyidBits}.`);
  }
  return { keyids, keyidBits };
}

function splitOf(file: PlatformFile, say: Say): KeyIDPartition {
  const mktme = file.keyids?.mktme ?? null;
  const tdx = file.keyids?.tdx ?? null;
  if (mktme !== null && tdx !== null) return { mktme, tdx };
  const known = mktme ?? tdx ?? TDX_COMMON;
  const rest = known < SPLIT_TOTAL ? SPLIT_TOTAL - known : 0;
  const keyids = mktme !== null ? { mktme, tdx: rest } : { mktme: rest, tdx: known };
  const which = mktme !== null ? 'TDX KeyIDs' : tdx !== null ? 'MKTME KeyIDs' : 'KeyIDs';
  say(`${which} not known: assuming ${keyids.mktme} MKTME and ${keyids.tdx} TDX KeyIDs in MSR 0x87.`);
  return keyids;
}
