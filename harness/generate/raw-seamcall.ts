import { PHYSICAL_END } from '../../model/abi/size.ts';
import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import type { U64 } from '../../model/abi/u64.ts';
import { u64FromBigInt } from '../../model/abi/u64.ts';
import type { Event } from '../../model/world/event.ts';
import { chance, pick } from './draw.ts';
import type { Random } from './draw.ts';
import { anyAddress } from './memory-event.ts';
import { anyLP } from './plan.ts';
import type { Plan } from './plan.ts';

/** Leaves of host initialisation and of a TD's KeyID, some listed twice to weight them, and two that do not exist. */
const LEAVES: readonly number[] = [
  ...(
    [
      'TDH.MNG.ADDCX',
      'TDH.MNG.KEY.CONFIG',
      'TDH.MNG.CREATE',
      'TDH.MNG.VPFLUSHDONE',
      'TDH.MNG.KEY.FREEID',
      'TDH.PHYMEM.PAGE.RDMD',
      'TDH.PHYMEM.PAGE.RDMD',
      'TDH.MNG.KEY.RECLAIMID',
      'TDH.PHYMEM.PAGE.RECLAIM',
      'TDH.SYS.KEY.CONFIG',
      'TDH.SYS.KEY.CONFIG',
      'TDH.SYS.INFO',
      'TDH.SYS.INIT',
      'TDH.SYS.INIT',
      'TDH.SYS.RD',
      'TDH.SYS.RD',
      'TDH.SYS.LP.INIT',
      'TDH.SYS.LP.INIT',
      'TDH.SYS.TDMR.INIT',
      'TDH.SYS.TDMR.INIT',
      'TDH.SYS.RDALL',
      'TDH.PHYMEM.CACHE.WB',
      'TDH.PHYMEM.PAGE.WBINVD',
      'TDH.SYS.LP.SHUTDOWN',
      'TDH.SYS.CONFIG',
      'TDH.SYS.CONFIG',
      'TDH.SYS.SHUTDOWN',
      'TDH.SYS.UPDATE',
      'TDH.MEM.PAGE.ADD',
      'TDH.MEM.SEPT.WR',
    ] as const
  ).map((name) => LEAF_NUMBER[name]),
  99,
  254,
];

/** P-SEAMLDR leaves, and RAX values with reserved bits, a version, or all bits set. */
const ODD_LEAVES: readonly U64[] = [
  0x8000000000000000n,
  0x8000000000000001n,
  0x8000000000000002n,
  0x8000000000000003n,
  0x8000000000000009n,
  LEAF_NUMBER['TDH.SYS.INIT'] + 2 ** 24,
  LEAF_NUMBER['TDH.SYS.INIT'] + 2 ** 16,
  LEAF_NUMBER['TDH.SYS.CONFIG'] + 2 ** 16,
  LEAF_NUMBER['TDH.SYS.INIT'] + 2 ** 32,
  0xffffffffffffffffn,
];

/** Metadata field ids: the five that Linux reads, the first of the list, features or version, an unknown one, and 0. */
const FIELDS: readonly U64[] = [
  0x9100000100000008n,
  0x9100000100000009n,
  0x9100000100000010n,
  0x9100000100000011n,
  0x9100000100000012n,
  0x0a00000300000008n,
  0x9900000100000008n,
  0xffffffffffffffffn,
  0,
];

const EDGES: readonly U64[] = [
  0,
  0,
  0,
  1,
  2,
  31,
  32,
  33,
  64,
  65,
  1024,
  4096,
  0x40000000,
  0x100000000,
  2 ** 51,
  PHYSICAL_END,
  0xffffffffffffffffn,
  0x8000000000000000n,
];

function drawOperand(plan: Plan): U64 {
  const { random } = plan;
  switch (random.nextInt(0, 5)) {
    case 0:
      return pick(random, FIELDS);
    case 1:
    case 2:
      return anyAddress(plan);
    case 3:
      return anyAddress(plan) + keyidPart(random, plan.platform.keyidBits);
    case 4:
      return pick(random, EDGES);
    default:
      return chance(random, 80)
        ? random.nextInt(0, 64) * 2 ** 30
        : u64FromBigInt(random.nextBigInt(0n, 0xffffffffffffffffn));
  }
}

/** A KeyID in the top bits of a 52-bit address. */
function keyidPart(random: Random, keyidBits: number): number {
  return random.nextInt(0, 2 ** keyidBits - 1) * 2 ** (52 - keyidBits);
}

/** A SEAMCALL with arbitrary registers, as a faulty driver or another kernel could make it. */
export function drawRawSEAMCALL(plan: Plan): Event {
  const { random } = plan;
  return {
    kind: 'seamcall',
    lp: anyLP(plan),
    rax: chance(random, 88) ? pick(random, LEAVES) : pick(random, ODD_LEAVES),
    rcx: chance(random, 25) ? 0 : drawOperand(plan),
    rdx: chance(random, 60) ? 0 : drawOperand(plan),
    r8: chance(random, 75) ? 0 : drawOperand(plan),
    r9: chance(random, 85) ? 0 : drawOperand(plan),
    r10: chance(random, 97) ? 0 : drawOperand(plan),
    r11: chance(random, 97) ? 0 : drawOperand(plan),
  };
}
