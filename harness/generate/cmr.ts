import { GIB, MIB } from '../../model/abi/size.ts';
import { PAGE_4K } from '../../model/abi/page.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { CMRRule } from '../../model/platform/cmr.ts';
import type { Random } from './draw.ts';
import { chance, pick, weighted } from './draw.ts';

/** The CMR rules that a broken table breaks. Not `cmr-too-many`: it needs 33 entries, which no interface carries. */
export const CMR_BREAKS = [
  'cmr-none',
  'cmr-empty-inside',
  'cmr-unaligned',
  'cmr-order',
  'cmr-overlap',
] as const satisfies readonly CMRRule[];

/** Ends of the low CMR on published machines (nine and three of twelve lists), and one of a small machine. */
const LOW_ENDS = [0x77800000, 0x77800000, 0x6f800000, 0x40000000] as const;
/** Sizes cut off a node's top: SEAMRR (32 MiB) and PRMRR sizes of published lists. */
const CUTS = [0, 0, 32 * MIB, 64 * MIB, 96 * MIB, 288 * MIB] as const;
const EMPTY: AddressRange = { base: 0, size: 0 };

/** A legal table: CMR 0 from 1 MiB, then one per node from 4 GiB up, dense, sparse or touching. 1 to 4 entries. */
export function drawCMRs(random: Random, nodes: number): AddressRange[] {
  const cmrs: AddressRange[] = [];
  if (chance(random, 82)) {
    const end = pick(random, LOW_ENDS);
    cmrs.push({ base: MIB, size: end - MIB });
  }
  let base = 4 * GIB;
  const high = cmrs.length === 0 ? nodes : random.nextInt(1, nodes);
  for (let node = 0; node < high; node += 1) {
    const whole = (1 + weighted(random, [50, 30, 15, 5])) * GIB;
    const cut = pick(random, CUTS);
    cmrs.push({ base, size: whole - cut });
    base += whole;
    const step = weighted(random, [70, 15, 15]);
    // 1: a gap of whole GiB. 2: the next node begins inside a 1 GiB frame, so that TDMRs are clipped.
    if (step === 1) base += random.nextInt(1, 8) * GIB;
    else if (step === 2) base += random.nextInt(1, 15) * 64 * MIB;
  }
  if (chance(random, 15)) splitOne(random, cmrs);
  if (chance(random, 10)) cmrs.push(EMPTY, EMPTY);
  return cmrs;
}

/** Describes one CMR as two adjacent ones, which must make no difference. */
function splitOne(random: Random, cmrs: AddressRange[]): void {
  const at = random.nextInt(0, cmrs.length - 1);
  const cmr = cmrs[at];
  if (cmr === undefined || cmr.size < 2 * PAGE_4K) return;
  const head = random.nextInt(1, cmr.size / PAGE_4K - 1) * PAGE_4K;
  cmrs.splice(at, 1, { base: cmr.base, size: head }, { base: cmr.base + head, size: cmr.size - head });
}

/** A legal table with exactly one rule broken; returns the table and the rule's name. */
export function breakCMRs(random: Random, legal: readonly AddressRange[]): { cmrs: AddressRange[]; rule: CMRRule } {
  const rule = pick(random, CMR_BREAKS);
  const cmrs = legal.filter(({ size }) => size > 0);
  const at = random.nextInt(0, cmrs.length - 1);
  const cmr = cmrs[at] ?? { base: MIB, size: MIB };
  switch (rule) {
    case 'cmr-none':
      return { cmrs: chance(random, 50) ? [] : [EMPTY, EMPTY], rule };
    case 'cmr-empty-inside':
      cmrs.splice(at, 0, { base: chance(random, 50) ? 0 : cmr.base, size: 0 });
      return { cmrs, rule };
    case 'cmr-unaligned':
      // Shrunk at one end, so that the neighbours stay in place and only the alignment is wrong.
      cmrs[at] = chance(random, 50)
        ? { base: cmr.base, size: cmr.size - random.nextInt(1, PAGE_4K - 1) }
        : { base: cmr.base + random.nextInt(1, PAGE_4K - 1), size: cmr.size - PAGE_4K };
      return { cmrs, rule };
    case 'cmr-order': {
      cmrs.splice(at + 1, 0, { base: cmr.base - random.nextInt(1, 256) * PAGE_4K, size: PAGE_4K });
      return { cmrs, rule };
    }
    case 'cmr-overlap': {
      const inside = random.nextInt(0, Math.min(255, cmr.size / PAGE_4K - 1)) * PAGE_4K;
      cmrs.splice(at + 1, 0, { base: cmr.base + inside, size: PAGE_4K });
      return { cmrs, rule };
    }
  }
}

/** Up to eight entries of any base and size: empty, unaligned, crossing, huge. */
export function drawWildCMRs(random: Random): AddressRange[] {
  const count = random.nextInt(0, 8);
  const cmrs: AddressRange[] = [];
  for (let index = 0; index < count; index += 1) {
    cmrs.push({ base: drawWildAddress(random), size: chance(random, 15) ? 0 : drawWildAddress(random) });
  }
  return cmrs;
}

/** Any address below 2^52: mostly small and page aligned, sometimes odd or at the edge of the address space. */
export function drawWildAddress(random: Random): number {
  switch (weighted(random, [50, 25, 15, 5, 5])) {
    case 0:
      return random.nextInt(0, 16) * GIB;
    case 1:
      return random.nextInt(0, 0x800000) * PAGE_4K;
    case 2:
      return random.nextInt(0, 64) * GIB + random.nextInt(0, 511) * 2 * MIB;
    case 3:
      return random.nextInt(0, 0x7fffffff);
    default:
      return 2 ** random.nextInt(40, 51) - random.nextInt(0, 2) * PAGE_4K;
  }
}
