import { encodeTDMRInfo } from '../../../../../model/abi/tdmr-info.ts';
import type { U64 } from '../../../../../model/abi/u64.ts';
import {
  ARRAY,
  configStep,
  cutAt,
  draft,
  GIB,
  goodTDMR,
  INFO,
  KEYID_BIT,
  TDMR_BASE,
  wayTo,
  without,
} from '../draft.ts';
import type { Fault, FaultTable } from '../fault.ts';
import { fault, injected, operandFault, rax, setWord } from '../fault.ts';

/** Words of a TDMR_INFO. */
const W = { BASE: 0, SIZE: 1, PAMT_1G: 2, PAMT_2M: 4, PAMT_4K: 6, RESERVED: 8 } as const;

/** A wrong word in the TDMR_INFO of one TDMR. */
function wordFault(name: string, answer: U64, tdmr: number, word: number, value: U64): Fault {
  return fault(name, answer, `tdmr ${tdmr} word ${word}`, ({ call }) => setWord(call, INFO + tdmr * 512, word, value));
}

/** Both words of a PAMT or of a reserved area, since a fault in one depends on the other; `against`: another that must stay. */
function pairFault(
  name: string,
  answer: U64,
  tdmr: number,
  word: number,
  first: U64,
  second: U64,
  against: number = word,
): Fault {
  return fault(
    name,
    answer,
    [`tdmr ${tdmr} word ${word}`, `tdmr ${tdmr} word ${word + 1}`, `tdmr ${tdmr} word ${against}`],
    ({ call }) => {
      setWord(call, INFO + tdmr * 512, word, first);
      setWord(call, INFO + tdmr * 512, word + 1, second);
    },
  );
}

/** The checks of one TDMR in order; `index` is its place in the list, 0 or 1. */
function tdmrFaults(index: number): Fault[] {
  const good = goodTDMR(index);
  const at = (status: Parameters<typeof rax>[0], byte1 = 0, byte2 = 0): U64 =>
    rax(status, index + byte1 * 0x100 + byte2 * 0x10000);
  const reserved = W.RESERVED;
  const name = (text: string): string => `TDMR ${index}: ${text}`;
  return [
    wordFault(name('base + size wraps'), at('TDX_INVALID_TDMR'), index, W.SIZE, 0xffffffffffffffffn),
    ...(index === 0
      ? []
      : [wordFault(name('below the one before'), at('TDX_NON_ORDERED_TDMR'), index, W.BASE, TDMR_BASE)]),
    wordFault(name('size not 1 GiB aligned'), at('TDX_INVALID_TDMR'), index, W.SIZE, GIB + 0x1000),
    wordFault(name('KeyID bits'), at('TDX_INVALID_TDMR'), index, W.BASE, good.base + KEYID_BIT),
    ...reservedFaults(index, name, at),
    pairFault(name('1G PAMT misaligned'), at('TDX_INVALID_PAMT', 2), index, W.PAMT_1G, good.pamt1G.base + 8, 0x1000),
    pairFault(name('1G PAMT too small'), at('TDX_INVALID_PAMT', 2), index, W.PAMT_1G, good.pamt1G.base, 0),
    pairFault(name('2M PAMT wraps'), at('TDX_INVALID_PAMT', 1), index, W.PAMT_2M, 0xfffffffffffff000n, 0x2000),
    pairFault(name('2M PAMT too small'), at('TDX_INVALID_PAMT', 1), index, W.PAMT_2M, good.pamt2M.base, 0x1000),
    pairFault(
      name('4K PAMT with KeyID bits'),
      at('TDX_INVALID_PAMT', 0),
      index,
      W.PAMT_4K,
      good.pamt4K.base + KEYID_BIT,
      0x400000,
    ),
    pairFault(name('4K PAMT too small'), at('TDX_INVALID_PAMT', 0), index, W.PAMT_4K, good.pamt4K.base, 0x3ff000),
    ...(index === 0
      ? []
      : [
          pairFault(
            name('4K PAMT over the 2M PAMT of TDMR 0'),
            at('TDX_PAMT_OVERLAP', 0, 0),
            index,
            W.PAMT_4K,
            goodTDMR(0).pamt2M.base,
            0x400000,
          ),
        ]),
    pairFault(
      name('4K PAMT over its 2M PAMT'),
      at('TDX_PAMT_OVERLAP', 0, index),
      index,
      W.PAMT_4K,
      good.pamt2M.base + 0x1000,
      0x400000,
      W.PAMT_2M,
    ),
    pairFault(
      name('2M PAMT over its 1G PAMT'),
      at('TDX_PAMT_OVERLAP', 1, index),
      index,
      W.PAMT_2M,
      good.pamt1G.base - 0x1000,
      0x2000,
      W.PAMT_1G,
    ),
    ...(index === 0
      ? []
      : [
          pairFault(
            name('1G PAMT in memory of TDMR 0'),
            at('TDX_PAMT_OVERLAP', 2, 0),
            index,
            W.PAMT_1G,
            TDMR_BASE,
            0x1000,
          ),
        ]),
    pairFault(name('1G PAMT in its own memory'), at('TDX_PAMT_OVERLAP', 2, index), index, W.PAMT_1G, good.base, 0x1000),
    pairFault(
      name('1G PAMT outside the CMRs'),
      at('TDX_PAMT_OUTSIDE_CMRS', 2),
      index,
      W.PAMT_1G,
      0x80000000 + index * 0x10000,
      0x1000,
    ),
    pairFault(
      name('2M PAMT outside the CMRs'),
      at('TDX_PAMT_OUTSIDE_CMRS', 1),
      index,
      W.PAMT_2M,
      0x90000000 + index * 0x10000,
      0x2000,
    ),
    pairFault(
      name('4K PAMT outside the CMRs'),
      at('TDX_PAMT_OUTSIDE_CMRS', 0),
      index,
      W.PAMT_4K,
      0xa0000000 + index * 0x1000000,
      0x400000,
    ),
  ];

  function reservedFaults(tdmr: number, label: typeof name, status: typeof at): Fault[] {
    return [
      // Two areas behind the good one are free to break: number 1 and, across a gap, number 3.
      pairFault(
        label('reserved area 1 wraps'),
        status('TDX_INVALID_RESERVED_IN_TDMR', 1),
        tdmr,
        reserved + 2,
        0xfffffffffffff000n,
        0x1000,
      ),
      pairFault(
        label('reserved area 1 below the end of area 0'),
        status('TDX_NON_ORDERED_RESERVED_IN_TDMR', 1),
        tdmr,
        reserved + 2,
        0x3fffe000,
        0x1000,
      ),
      pairFault(
        label('reserved area 1 misaligned'),
        status('TDX_INVALID_RESERVED_IN_TDMR', 1),
        tdmr,
        reserved + 2,
        0x40000000,
        0x10,
      ),
      pairFault(
        label('reserved area 1 past the TDMR'),
        status('TDX_INVALID_RESERVED_IN_TDMR', 1),
        tdmr,
        reserved + 2,
        0x40000000,
        0x1000,
      ),
      // Area 2 is the empty one in front of area 3; area 1 must stay as it is, so this shares its words.
      fault(
        label('reserved area behind an empty one'),
        status('TDX_NON_ORDERED_RESERVED_IN_TDMR', 1),
        [`tdmr ${tdmr} word ${reserved + 2}`, `tdmr ${tdmr} word ${reserved + 4}`],
        ({ call }) => {
          setWord(call, INFO + tdmr * 512, reserved + 4, 0x3ff80000);
          setWord(call, INFO + tdmr * 512, reserved + 5, 0x1000);
        },
      ),
    ];
  }
}

/** TDH.SYS.CONFIG's checks in order: its operands, then all of TDMR 0, then all of TDMR 1 (recorded: config-pair-*, config-two-faults). */
export const SYS_CONFIG_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.CONFIG',
  base: () => draft(wayTo('INITIALISED'), configStep([encodeTDMRInfo(goodTDMR(0)), encodeTDMRInfo(goodTDMR(1))])),
  faults: [
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    fault('before TDH.SYS.INIT', rax('TDX_SYS_CONFIG_NOT_PENDING'), 'before', (change) =>
      cutAt(change, 'TDH.SYS.INIT'),
    ),
    fault('an LP is not initialised', rax('TDX_SYS_CONFIG_NOT_PENDING'), 'before', (change) =>
      without(change, 'LP.INIT 1'),
    ),
    operandFault('RCX misaligned', rax('TDX_OPERAND_INVALID', 1), 'rcx', ARRAY + 8),
    operandFault('RCX in SEAMRR', rax('TDX_OPERAND_INVALID', 1), 'rcx', 0x78000000),
    operandFault('RCX under a private KeyID', rax('TDX_OPERAND_INVALID', 1), 'rcx', ARRAY + 16 * KEYID_BIT),
    operandFault('RDX past 64', rax('TDX_OPERAND_INVALID', 2), 'rdx', 65),
    operandFault('RDX zero', rax('TDX_OPERAND_INVALID', 2), 'rdx', 0),
    operandFault('R8 reserved bits', rax('TDX_OPERAND_INVALID', 8), 'r8', 0x10010),
    operandFault('R8 a shared KeyID', rax('TDX_OPERAND_INVALID', 8), 'r8', 15),
    operandFault('R8 past the last KeyID', rax('TDX_OPERAND_INVALID', 8), 'r8', 64),
    fault('entry 0 misaligned', rax('TDX_OPERAND_INVALID', 1), 'entry 0', ({ call }) =>
      setWord(call, ARRAY, 0, INFO + 256),
    ),
    ...tdmrFaults(0),
    fault('TDMR 0: memory outside the CMRs', rax('TDX_TDMR_OUTSIDE_CMRS', 0), 'cmrs', ({ platform }) => {
      platform.cmrs[1] = { base: '0x100001000', size: '0x7ffff000' };
    }),
    fault('entry 1 in SEAMRR', rax('TDX_OPERAND_INVALID', 1), 'entry 1', ({ call }) =>
      setWord(call, ARRAY, 1, 0x78000000),
    ),
    ...tdmrFaults(1),
    fault('TDMR 1: memory outside the CMRs', rax('TDX_TDMR_OUTSIDE_CMRS', 1), 'cmrs', ({ platform }) => {
      platform.cmrs[1] = { base: '0x100000000', size: '0x7fe00000' };
    }),
  ],
};
