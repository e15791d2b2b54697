import { GIB, MIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import { CMR_MAX } from '../../model/platform/cmr.ts';
import type { Say } from './platform-file.ts';

/**
 * CMRs for a machine of which only the memory map is known: one from 1 MiB to the end of the last block below 4 GiB
 * (BIOS takes its tables from convertible memory), one per block above. The closest are joined while more than 32.
 */
export function cmrsFromMemory(blocks: readonly AddressRange[], say: Say): AddressRange[] {
  say('CMRs not known: assuming one from 1 MiB to the last memory block below 4 GiB, and one per block above.');
  const cmrs: AddressRange[] = [];
  const low = blocks.filter(({ base }) => base < 4 * GIB);
  const lowEnd = Math.max(0, ...low.map(({ base, size }) => pageUp(base + size)));
  if (lowEnd > MIB) cmrs.push({ base: MIB, size: lowEnd - MIB });
  for (const { base, size } of blocks) {
    if (base < 4 * GIB) continue;
    const start = Math.max(pageDown(base), lowEnd);
    cmrs.push({ base: start, size: pageUp(base + size) - start });
  }
  while (cmrs.length > CMR_MAX) joinClosest(cmrs);
  return cmrs;
}

function pageDown(address: number): number {
  return address - (address % PAGE_4K);
}

function pageUp(address: number): number {
  return pageDown(address + PAGE_4K - 1);
}

function joinClosest(cmrs: AddressRange[]): void {
  const gapBefore = (index: number): number => {
    const lower = cmrs[index - 1];
    const upper = cmrs[index];
    return lower === undefined || upper === undefined ? Infinity : upper.base - lower.base - lower.size;
  };
  let closest = 1;
  for (let index = 2; index < cmrs.length; index += 1) if (gapBefore(index) < gapBefore(closest)) closest = index;
  const lower = cmrs[closest - 1];
  const upper = cmrs[closest];
  if (lower === undefined || upper === undefined) return;
  cmrs.splice(closest - 1, 2, { base: lower.base, size: upper.base + upper.size - lower.base });
}
