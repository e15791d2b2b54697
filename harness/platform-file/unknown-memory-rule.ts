import { GIB } from '../../model/abi/size.ts';
import type { MemoryBlock } from '../../model/platform/platform.ts';
import type { PlatformFile, Say } from './platform-file.ts';

/** The low memory of nine of the twelve published CMR lists: [0x100000, 0x77800000), a TDMR of 2 GiB. */
const LOW = { base: 0x100000, size: 0x77700000, node: 0 };
const LOW_TDMR_GIB = 2;
const TOTAL_GIB = 64;
/** PAMT per GiB of TDMR: 4 MiB and 8 KiB for the 4K and 2M tables, plus whole pages of 1G entries, 256 per page. */
const PAMT_KB_PER_GIB = 4104;
const GIB_PER_PAGE = 256;
const HIGH_BLOCKS_MAX = 32;

/**
 * Memory of a machine of which neither map nor CMRs are known: [0x100000, 0x77800000) and whole GiB from 4 GiB up, one
 * block per node, adjacent. The amount and number of blocks are the smallest that match the reported PAMT size; without
 * it, the amount is the reported memory size, else 64 GiB, in one block.
 */
export function unknownMemoryRule(file: PlatformFile, say: Say): MemoryBlock[] {
  const fromPAMT = typeof file.pamtKbReported === 'number' ? blocksFromPAMT(file.pamtKbReported) : undefined;
  if (fromPAMT !== undefined) {
    const blocks = layOut(fromPAMT.highGiB, fromPAMT.count);
    say(
      `Memory map and CMRs not known: the reported ${file.pamtKbReported} KB of PAMT mean ${fromPAMT.highGiB + LOW_TDMR_GIB} GiB of TDMRs,` +
        ` assuming 2 GiB below 4 GiB and ${fromPAMT.count} block(s) above, a NUMA node each.`,
    );
    return blocks;
  }
  const terabytes = file.reported?.['memoryTB'];
  if (typeof terabytes === 'number' && terabytes > 0 && terabytes <= 64) {
    say(
      `Memory map and CMRs not known: assuming the reported ${terabytes} TB, 2 GiB of it below 4 GiB and one block above.`,
    );
    return layOut(Math.max(1, Math.round(terabytes * 1024) - LOW_TDMR_GIB), 1);
  }
  say(`Memory map and CMRs not known: assuming ${TOTAL_GIB} GiB, 2 GiB of it below 4 GiB and one block above.`);
  return layOut(TOTAL_GIB - LOW_TDMR_GIB, 1);
}

/** The split of memory above 4 GiB for which Linux's TDMRs need exactly `kb`; `undefined`: no even split does. */
function blocksFromPAMT(kb: number): { highGiB: number; count: number } | undefined {
  const highGiB = Math.floor(kb / PAMT_KB_PER_GIB) - LOW_TDMR_GIB;
  const pages = (kb % PAMT_KB_PER_GIB) / 4 - 1;
  for (let count = 1; count <= HIGH_BLOCKS_MAX && count <= highGiB; count += 1) {
    let used = 0;
    for (let index = 0; index < count; index += 1) used += Math.ceil(share(highGiB, count, index) / GIB_PER_PAGE);
    if (used === pages) return { highGiB, count };
  }
  return undefined;
}

/** GiB of block `index` of `count` if `total` is split evenly; the first blocks get one more. */
function share(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

function layOut(highGiB: number, count: number): MemoryBlock[] {
  const blocks: MemoryBlock[] = [LOW];
  let base = 4 * GIB;
  for (let node = 0; node < count; node += 1) {
    const size = share(highGiB, count, node) * GIB;
    blocks.push({ base, size, node });
    base += size;
  }
  return blocks;
}
