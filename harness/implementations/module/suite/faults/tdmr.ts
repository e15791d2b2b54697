import { GIB } from '../../../../../model/abi/size.ts';
import type { U64 } from '../../../../../model/abi/u64.ts';
import { goodTDMR, INFO, KEYID_BIT, TDMR_BASE } from '../draft.ts';
import { type Fault, fault, rax, setWord } from '../fault.ts';

/** Words of a TDMR_INFO. */
const W = { BASE: 0, SIZE: 1, PAMT_1G: 2, PAMT_2M: 4, PAMT_4K: 6, RESERVED: 8 } as const;
/** Two areas behind the good one are free to break: number 1 and, across a gap, number 3. */
const AREA_1 = W.RESERVED + 2;
const AREA_2 = W.RESERVED + 4;

/** Bytes of a TDMR_INFO. */
const SIZE = 512;

type Status = Parameters<typeof rax>[0];

/** RAX of a refusal that names a TDMR and, in the bytes above it, what of it. */
function at(tdmr: number, status: Status, byte1 = 0, byte2 = 0): U64 {
  return rax(status, tdmr + byte1 * 0x100 + byte2 * 0x10000);
}

/** A wrong word in the TDMR_INFO of one TDMR. */
function word(tdmr: number, name: string, answer: U64, place: number, value: U64): Fault {
  return fault(`TDMR ${tdmr}: ${name}`, answer, `tdmr ${tdmr} word ${place}`, ({ call }) =>
    setWord(call, INFO + tdmr * SIZE, place, value),
  );
}

/** Both words of a PAMT or of a reserved area, since a fault in one depends on the other; `against`: another that must stay. */
function pair(
  tdmr: number,
  name: string,
  answer: U64,
  place: number,
  [first, second]: readonly [U64, U64],
  against: number = place,
): Fault {
  const needs = [place, place + 1, against].map((one) => `tdmr ${tdmr} word ${one}`);
  return fault(`TDMR ${tdmr}: ${name}`, answer, needs, ({ call }) => {
    setWord(call, INFO + tdmr * SIZE, place, first);
    setWord(call, INFO + tdmr * SIZE, place + 1, second);
  });
}

/** The checks of one TDMR in order; `tdmr` is its place in the list, 0 or 1. */
export function tdmrFaults(tdmr: number): readonly Fault[] {
  return [
    ...rangeFaults(tdmr),
    ...reservedFaults(tdmr),
    ...pamtFaults(tdmr),
    ...overlapFaults(tdmr),
    ...outsideFaults(tdmr),
  ];
}

function rangeFaults(tdmr: number): readonly Fault[] {
  const { base } = goodTDMR(tdmr);
  const invalid = at(tdmr, 'TDX_INVALID_TDMR');
  const unordered = at(tdmr, 'TDX_NON_ORDERED_TDMR');
  return [
    word(tdmr, 'base + size wraps', invalid, W.SIZE, 0xffffffffffffffffn),
    ...(tdmr === 0 ? [] : [word(tdmr, 'below the one before', unordered, W.BASE, TDMR_BASE)]),
    word(tdmr, 'size not 1 GiB aligned', invalid, W.SIZE, GIB + 0x1000),
    word(tdmr, 'KeyID bits', invalid, W.BASE, base + KEYID_BIT),
  ];
}

function reservedFaults(tdmr: number): readonly Fault[] {
  const invalid = at(tdmr, 'TDX_INVALID_RESERVED_IN_TDMR', 1);
  const unordered = at(tdmr, 'TDX_NON_ORDERED_RESERVED_IN_TDMR', 1);
  return [
    pair(tdmr, 'reserved area 1 wraps', invalid, AREA_1, [0xfffffffffffff000n, 0x1000]),
    pair(tdmr, 'reserved area 1 below the end of area 0', unordered, AREA_1, [0x3fffe000, 0x1000]),
    pair(tdmr, 'reserved area 1 misaligned', invalid, AREA_1, [0x40000000, 0x10]),
    pair(tdmr, 'reserved area 1 past the TDMR', invalid, AREA_1, [0x40000000, 0x1000]),
    // Area 2 is the empty one in front of area 3; area 1 must stay as it is, so this shares its words.
    fault(
      `TDMR ${tdmr}: reserved area behind an empty one`,
      unordered,
      [`tdmr ${tdmr} word ${AREA_1}`, `tdmr ${tdmr} word ${AREA_2}`],
      ({ call }) => {
        setWord(call, INFO + tdmr * SIZE, AREA_2, 0x3ff80000);
        setWord(call, INFO + tdmr * SIZE, AREA_2 + 1, 0x1000);
      },
    ),
  ];
}

function pamtFaults(tdmr: number): readonly Fault[] {
  const { pamt1G, pamt2M, pamt4K } = goodTDMR(tdmr);
  const [bad4K, bad2M, bad1G] = [0, 1, 2].map((size) => at(tdmr, 'TDX_INVALID_PAMT', size)) as [U64, U64, U64];
  return [
    pair(tdmr, '1G PAMT misaligned', bad1G, W.PAMT_1G, [pamt1G.base + 8, 0x1000]),
    pair(tdmr, '1G PAMT too small', bad1G, W.PAMT_1G, [pamt1G.base, 0]),
    pair(tdmr, '2M PAMT wraps', bad2M, W.PAMT_2M, [0xfffffffffffff000n, 0x2000]),
    pair(tdmr, '2M PAMT too small', bad2M, W.PAMT_2M, [pamt2M.base, 0x1000]),
    pair(tdmr, '4K PAMT with KeyID bits', bad4K, W.PAMT_4K, [pamt4K.base + KEYID_BIT, 0x400000]),
    pair(tdmr, '4K PAMT too small', bad4K, W.PAMT_4K, [pamt4K.base, 0x3ff000]),
  ];
}

function overlapFaults(tdmr: number): readonly Fault[] {
  const { base, pamt1G, pamt2M } = goodTDMR(tdmr);
  /** Of a PAMT (0: 4K, 1: 2M, 2: 1G) with what belongs to another TDMR, or to this one. */
  const overlap = (size: number, other: number): U64 => at(tdmr, 'TDX_PAMT_OVERLAP', size, other);
  const over2M = [goodTDMR(0).pamt2M.base, 0x400000] as const;
  const later = tdmr !== 0;
  return [
    ...(later ? [pair(tdmr, '4K PAMT over the 2M PAMT of TDMR 0', overlap(0, 0), W.PAMT_4K, over2M)] : []),
    pair(tdmr, '4K PAMT over its 2M PAMT', overlap(0, tdmr), W.PAMT_4K, [pamt2M.base + 0x1000, 0x400000], W.PAMT_2M),
    pair(tdmr, '2M PAMT over its 1G PAMT', overlap(1, tdmr), W.PAMT_2M, [pamt1G.base - 0x1000, 0x2000], W.PAMT_1G),
    ...(later ? [pair(tdmr, '1G PAMT in memory of TDMR 0', overlap(2, 0), W.PAMT_1G, [TDMR_BASE, 0x1000])] : []),
    pair(tdmr, '1G PAMT in its own memory', overlap(2, tdmr), W.PAMT_1G, [base, 0x1000]),
  ];
}

function outsideFaults(tdmr: number): readonly Fault[] {
  const outside = (size: number): U64 => at(tdmr, 'TDX_PAMT_OUTSIDE_CMRS', size);
  return [
    pair(tdmr, '1G PAMT outside the CMRs', outside(2), W.PAMT_1G, [0x80000000 + tdmr * 0x10000, 0x1000]),
    pair(tdmr, '2M PAMT outside the CMRs', outside(1), W.PAMT_2M, [0x90000000 + tdmr * 0x10000, 0x2000]),
    pair(tdmr, '4K PAMT outside the CMRs', outside(0), W.PAMT_4K, [0xa0000000 + tdmr * 0x1000000, 0x400000]),
  ];
}
