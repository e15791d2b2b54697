import { GIB, MIB } from '../../model/abi/size.ts';
import type { AddressRange } from '../../model/abi/range.ts';
import type { MSROverride } from '../../model/platform/platform.ts';
import { seamrrBaseMSR, seamrrMaskMSR } from '../../model/platform/seamrr.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/** SEAM settings that BIOS can get wrong, named after MCHECK's rules. BIOS announces KeyIDs in all of them. */
export const SEAM_BREAKS = [
  'seamrr-absent',
  'seamrr-absent',
  'seamrr-unaligned',
  'seamrr-size',
  'seamrr-differs',
] as const;

/** Free 32 MiB slots below 2 GiB, one of them outside every low CMR that the generator draws. */
const LOW_SLOTS = [0x78000000, 0x70000000, 0x60000000, 0x7c000000] as const;

/** A legal SEAMRR of 32 or 64 MiB that overlaps no CMR: in the part cut off a node's top, or below 2 GiB. */
export function drawSEAMRR(random: Random, cmrs: readonly AddressRange[]): AddressRange {
  const size = chance(random, 80) ? 32 * MIB : 64 * MIB;
  if (chance(random, 30)) {
    const cmr = cmrs.at(-1);
    const top = cmr === undefined ? 0 : Math.ceil((cmr.base + cmr.size) / GIB) * GIB - size;
    if (cmr !== undefined && top >= 4 * GIB && isFree(cmrs, top, size)) return { base: top, size };
  }
  for (const base of LOW_SLOTS) if (isFree(cmrs, base, size)) return { base, size };
  return { base: 0xf0000000, size };
}

function isFree(ranges: readonly AddressRange[], base: number, size: number): boolean {
  for (const range of ranges) if (range.base < base + size && base < range.base + range.size) return false;
  return true;
}

export interface BrokenSEAM {
  readonly seamrr: AddressRange | null;
  readonly override: MSROverride | null;
  readonly rule: (typeof SEAM_BREAKS)[number];
}

export function drawBrokenSEAM(random: Random, legal: AddressRange, lpCount: number): BrokenSEAM {
  const rule = pick(random, SEAM_BREAKS);
  switch (rule) {
    case 'seamrr-absent':
      return { seamrr: null, override: null, rule };
    case 'seamrr-unaligned':
      return { seamrr: { base: legal.base + random.nextInt(1, 31) * MIB, size: legal.size }, override: null, rule };
    case 'seamrr-size':
      return {
        seamrr: { base: legal.base, size: pick(random, [0, 16 * MIB, 48 * MIB, 96 * MIB, 2 * GIB]) },
        override: null,
        rule,
      };
    case 'seamrr-differs': {
      const lp = random.nextInt(0, lpCount - 1);
      const override = chance(random, 60)
        ? { lp, msr: 0x1401, value: chance(random, 70) ? 0 : seamrrMaskMSR(legal) - 0x800 }
        : { lp, msr: 0x1400, value: seamrrBaseMSR(legal) + 32 * MIB };
      return { seamrr: legal, override, rule };
    }
  }
}

/** CPUID(1).EAX of parts that run TDX: Sapphire and Emerald Rapids (with the partial-write erratum), Granite Rapids. */
const PARTS = [0x806f8, 0x806f8, 0xc06f2, 0xa06d0] as const;

/** One value for all packages, or one per package with different steppings. */
export function drawFMS(random: Random, packages: number): number[] {
  const part = pick(random, PARTS);
  if (chance(random, 90)) return [part];
  const fms: number[] = [];
  for (let index = 0; index < packages; index += 1) fms.push(part - (part % 16) + random.nextInt(0, 15));
  return fms;
}

/** Two packages of different models; needs at least two packages. */
export function drawBrokenFMS(random: Random): number[] {
  return chance(random, 50) ? [0x806f8, 0xc06f2] : [0xa06d0, 0x806f8];
}
