import type { TDMR } from '../kernel/tdmr.ts';
import type { World } from '../world/world.ts';

/** Which memory the kernel has made usable for TDX. Bytes. */

/** First address of [base, end) that is in no TDMR, or in a reserved area that is not a PAMT; `end` if there is none. */
export function firstUncovered(world: World, base: number, end: number): number {
  let at = base;
  while (at < end) {
    const next = coveredTo(world, at, end);
    if (next === at) return at;
    at = next;
  }
  return end;
}

/** End of the usable memory that begins at `at`: the end of a TDMR, the start of a reserved area, or the end of a PAMT. */
function coveredTo(world: World, at: number, end: number): number {
  const { tdmrs, tdmrCount } = world.kernel;
  for (let index = 0; index < tdmrCount; index += 1) {
    const owner = tdmrs[index] as TDMR;
    const pamtEnd = owner.pamtBase + owner.pamt4K + owner.pamt2M + owner.pamt1G;
    if (owner.pamtBase <= at && at < pamtEnd) return pamtEnd < end ? pamtEnd : end;
  }
  for (let index = 0; index < tdmrCount; index += 1) {
    const tdmr = tdmrs[index] as TDMR;
    if (at < tdmr.base || at >= tdmr.base + tdmr.size) continue;
    let stop = tdmr.base + tdmr.size;
    for (const { offset, size } of tdmr.reserved) {
      const start = tdmr.base + offset;
      if (start <= at && at < start + size) return at;
      if (start > at && start < stop) stop = start;
    }
    return stop < end ? stop : end;
  }
  return at;
}
