import { GIB } from '../../model/abi/size.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import { formatU64 } from '../../model/abi/u64.ts';
import type { KeyIDPartition } from '../../model/platform/keyid.ts';
import type { PlatformFile, Say } from './platform-file.ts';

/** The size on real machines: 32 MiB below a node's top (MSR 0x1400 = 0x3ffe000008 on a 256 GiB machine). */
const SIZE = 2 ** 25;
/** The usual range of the healthy SMRR; the SEAMRR must not overlap it. */
const SMRR: AddressRange = { base: 0x7f000000, size: 0x800000 };

/**
 * Off if the source reports so (MSR 0x1401 bit 11 clear, or no TDX KeyIDs). Otherwise 32 MiB: right below the 1 GiB
 * boundary at or above the end of the first CMR over 4 GiB, else the highest free position below 2 GiB, else above
 * everything.
 */
export function seamrrRule(
  file: PlatformFile,
  keyids: KeyIDPartition,
  cmrs: readonly AddressRange[],
  memory: readonly AddressRange[],
  say: Say,
): AddressRange | null {
  if (isReportedOff(file)) return null;
  if (keyids.tdx === 0) {
    say('BIOS gave TDX no KeyIDs: assuming that SEAM is off.');
    return null;
  }
  const taken = [...cmrs, ...memory, SMRR].filter(({ size }) => size > 0);
  const isFree = (base: number): boolean =>
    taken.every((range) => range.base >= base + SIZE || base >= range.base + range.size);
  const seamrr = { base: candidates(taken, cmrs).find(isFree) ?? 0, size: SIZE };
  say(`SEAMRR not known: assuming 32 MiB at ${formatU64(seamrr.base)}.`);
  return seamrr;
}

function isReportedOff(file: PlatformFile): boolean {
  const msr = file.reported?.['msr'];
  if (typeof msr !== 'object' || msr === null) return false;
  const bit = (msr as Readonly<Record<string, unknown>>)['0x1401[11]'];
  return bit === 0 || bit === '0' || bit === '0x0';
}

function* positionsBelow(top: number): Generator<number> {
  for (let base = top - SIZE; base > 0; base -= SIZE) yield base;
}

/** Base addresses to try, best first; the last one is always free. */
function candidates(taken: readonly AddressRange[], cmrs: readonly AddressRange[]): number[] {
  const high = cmrs.find(({ base, size }) => base >= 4 * GIB && size > 0);
  const boundary = high === undefined ? [] : [Math.ceil((high.base + high.size) / GIB) * GIB - SIZE];
  const top = Math.max(...taken.map(({ base, size }) => base + size));
  return [...boundary, ...positionsBelow(2 * GIB), Math.ceil(top / SIZE) * SIZE];
}
