import { GIB, MIB } from '../../../../model/abi/size.ts';
import { PAGE_4K } from '../../../../model/abi/page.ts';
import fc from 'fast-check';
import type { CMRInfo } from '../../../../model/abi/cmr-info.ts';
import { TDMR_INFO_WORDS } from '../../../../model/abi/tdmr-info.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { asBigInt, u64FromBigInt } from '../../../../model/abi/u64.ts';
import { configStep, type Draft, draft, hex, wayTo } from './draft.ts';

/** A machine's CMRs and a TDMR list for it, as words: legal at first, then bent where regions meet. */
export interface AwkwardConfig {
  readonly keyidBits: number;
  readonly cmrs: readonly CMRInfo[];
  /** 40 words each. */
  readonly tdmrs: readonly (readonly U64[])[];
}

const WORDS = TDMR_INFO_WORDS;
/** What a hostile host would write: the ends of the 64-bit and of the physical address space, and what wraps. */
const HOSTILE: readonly bigint[] = [
  0n,
  1n,
  2n ** 64n - 1n,
  2n ** 64n - 4096n,
  2n ** 64n - 2n ** 30n,
  2n ** 63n,
  2n ** 53n,
  2n ** 52n,
  2n ** 52n - 4096n,
  2n ** 52n - 2n ** 30n,
];

interface Shape {
  readonly keyidBits: number;
  readonly tdmrs: readonly TDMRShape[];
  readonly cmrCuts: readonly { readonly at: number; readonly gap: number }[];
  readonly bends: readonly Bend[];
}

interface TDMRShape {
  readonly gapGiB: number;
  readonly sizeGiB: number;
  /** MiB offsets of reserved areas of one MiB and more. */
  readonly reserved: readonly { readonly skip: number; readonly size: number }[];
  /** Where each PAMT (1G, 2M, 4K) lies: in low memory, or in a reserved area of its TDMR if that is large enough. */
  readonly inside: readonly boolean[];
}

/** One word overwritten: with an edge of some region, a little off, or with something hostile. */
interface Bend {
  readonly tdmr: number;
  readonly word: number;
  readonly edge: number;
  readonly off: number;
  readonly hostile: number;
}

const bend: fc.Arbitrary<Bend> = fc.record({
  tdmr: fc.nat({ max: 2 }),
  word: fc.oneof(
    { weight: 3, arbitrary: fc.nat({ max: 7 }) },
    { weight: 2, arbitrary: fc.integer({ min: 8, max: 15 }) },
    { weight: 1, arbitrary: fc.integer({ min: 16, max: WORDS - 1 }) },
  ),
  edge: fc.nat(),
  off: fc.constantFrom(0, 0, 0, PAGE_4K, -PAGE_4K, 1, GIB, -GIB),
  hostile: fc.oneof(
    { weight: 4, arbitrary: fc.constant(-1) },
    { weight: 1, arbitrary: fc.nat({ max: HOSTILE.length - 1 }) },
  ),
});

const tdmrShape: fc.Arbitrary<TDMRShape> = fc.record({
  gapGiB: fc.constantFrom(0, 0, 0, 1),
  sizeGiB: fc.constantFrom(1, 1, 2),
  reserved: fc.array(fc.record({ skip: fc.constantFrom(0, 0, 1, 100), size: fc.constantFrom(1, 4, 16) }), {
    maxLength: 4,
  }),
  inside: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
});

/** Configurations around the places where regions meet: PAMTs in and beside each other, TDMRs, reserved areas, split CMRs. */
export const awkwardConfig: fc.Arbitrary<AwkwardConfig> = fc
  .record({
    keyidBits: fc.constantFrom(1, 6, 15),
    tdmrs: fc.array(tdmrShape, { minLength: 1, maxLength: 3 }),
    cmrCuts: fc.array(fc.record({ at: fc.nat({ max: 15 }), gap: fc.constantFrom(0, 0, 0, 1) }), { maxLength: 3 }),
    bends: fc.array(bend, { maxLength: 3 }),
  })
  .map(layOut);

/** TDH.SYS.CONFIG with such a list on such a machine. */
export function awkwardDraft({ keyidBits, cmrs, tdmrs }: AwkwardConfig): Draft {
  const one = draft(wayTo('INITIALISED'), configStep(tdmrs));
  one.platform.keyidBits = keyidBits;
  one.platform.mktmeKeyids = 0;
  one.platform.tdxKeyids = 1;
  one.platform.cmrs = cmrs.map(({ base, size }) => ({ base: hex(base), size: hex(size) }));
  one.platform.smrr = [{ base: '0x0', mask: '0xfffff000', lock: 1, valid: 1 }];
  one.call.seamcall['r8'] = '0x1';
  return one;
}

function layOut({ keyidBits, tdmrs: shapes, cmrCuts, bends }: Shape): AwkwardConfig {
  const tdmrs: U64[][] = [];
  let base = 4 * GIB;
  let low = 16 * MIB;
  for (const { gapGiB, sizeGiB, reserved, inside } of shapes) {
    base += gapGiB * GIB;
    const size = sizeGiB * GIB;
    const words = new Array<U64>(WORDS).fill(0);
    words[0] = base;
    words[1] = size;
    const rooms: { from: number; to: number }[] = [];
    let offset = 0;
    for (const [index, area] of reserved.entries()) {
      offset += area.skip * MIB;
      words[8 + index * 2] = offset;
      words[9 + index * 2] = area.size * MIB;
      rooms.push({ from: base + offset, to: base + offset + area.size * MIB });
      offset += area.size * MIB;
    }
    for (const [level, needed] of [PAGE_4K, sizeGiB * 2 * PAGE_4K, sizeGiB * 4 * MIB].entries()) {
      const room = inside[level] === true ? rooms.find(({ from, to }) => to - from >= needed) : undefined;
      words[2 + level * 2] = room?.from ?? low;
      words[3 + level * 2] = needed;
      if (room === undefined) low += needed;
      else room.from += needed;
    }
    tdmrs.push(words);
    base += size;
  }
  const cmrs = cutCMRs(
    [
      { base: MIB, size: 2 * GIB - MIB },
      { base: 4 * GIB, size: base - 4 * GIB },
    ],
    cmrCuts,
  );
  for (const one of bends) applyBend(one, tdmrs, cmrs);
  return { keyidBits, cmrs, tdmrs };
}

/** Splits the CMRs at sixteenths; the halves touch, or leave a gap of one page. */
function cutCMRs(
  whole: { base: number; size: number }[],
  cuts: readonly { at: number; gap: number }[],
): { base: number; size: number }[] {
  const cmrs = [...whole];
  for (const { at, gap } of cuts) {
    const index = at % cmrs.length;
    const cmr = cmrs[index];
    if (cmr === undefined) continue;
    const first = Math.floor((cmr.size * ((at % 15) + 1)) / 16 / PAGE_4K) * PAGE_4K;
    const rest = cmr.size - first - gap * PAGE_4K;
    if (first === 0 || rest <= 0) continue;
    cmrs.splice(index, 1, { base: cmr.base, size: first }, { base: cmr.base + first + gap * PAGE_4K, size: rest });
  }
  return cmrs;
}

function applyBend(
  { tdmr, word, edge, off, hostile }: Bend,
  tdmrs: U64[][],
  cmrs: readonly { base: number; size: number }[],
): void {
  const words = tdmrs[tdmr % tdmrs.length];
  if (words === undefined) return;
  const evil = HOSTILE[hostile];
  if (evil !== undefined) {
    words[word] = u64FromBigInt(evil);
    return;
  }
  const edges: bigint[] = cmrs.flatMap(({ base, size }) => [BigInt(base), BigInt(base + size)]);
  for (const [start = 0, size = 0, ...rest] of tdmrs) {
    edges.push(asBigInt(start), asBigInt(start) + asBigInt(size));
    for (let index = 0; index < 6; index += 2)
      edges.push(asBigInt(rest[index] ?? 0), asBigInt(rest[index] ?? 0) + asBigInt(rest[index + 1] ?? 0));
    for (let index = 6; index < 12; index += 2)
      edges.push(asBigInt(start) + asBigInt(rest[index] ?? 0) + asBigInt(rest[index + 1] ?? 0));
  }
  // Offsets count from the TDMR, sizes from what stands in front of them.
  const isSize = word % 2 === 1;
  const origin = isSize
    ? asBigInt(words[word - 1] ?? 0) + (word >= 8 ? asBigInt(words[0] ?? 0) : 0n)
    : word >= 8
      ? asBigInt(words[0] ?? 0)
      : 0n;
  const target = (edges[edge % edges.length] ?? 0n) - origin + BigInt(off);
  words[word] = u64FromBigInt(target < 0n ? 0n : target);
}
