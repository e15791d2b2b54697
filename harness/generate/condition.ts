import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import { CONDITION_NAMES, type Condition } from '../../model/module/conditions.ts';
import type { Event } from '../../model/world/event.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/** Conditions that affect a leaf of host initialisation (module 1.5.01: locks it takes and entropy it draws). */
const FELT: Readonly<Record<'init' | 'lpInit' | 'config' | 'keyConfig' | 'tdmrInit', readonly Condition[]>> = {
  init: ['global-lock-busy', 'global-lock-shared', 'no-entropy'],
  lpInit: ['global-lock-busy', 'no-entropy'],
  config: ['global-lock-busy', 'global-lock-shared'],
  keyConfig: ['pconfig-busy', 'pconfig-entropy', 'pconfig-other', 'global-lock-busy', 'global-lock-shared'],
  tdmrInit: ['tdmr-lock-busy'],
};

/** Linux tries ten times without entropy: one below, at and one above that, and the single transient failure. */
const COUNTS = [1, 1, 1, 2, 9, 10, 11] as const;

/** A condition that affects the leaf. */
export function drawFeltCondition(random: Random, at: keyof typeof FELT): Event {
  const condition = pick(random, FELT[at]);
  return { kind: 'condition', condition, leaf: LEAF_AT[at], count: pick(random, COUNTS) };
}

const LEAF_AT = {
  init: LEAF_NUMBER['TDH.SYS.INIT'],
  lpInit: LEAF_NUMBER['TDH.SYS.LP.INIT'],
  config: LEAF_NUMBER['TDH.SYS.CONFIG'],
  keyConfig: LEAF_NUMBER['TDH.SYS.KEY.CONFIG'],
  tdmrInit: LEAF_NUMBER['TDH.SYS.TDMR.INIT'],
} as const;

/** Conditions that affect the leaves with which a guest is made, run and destroyed. */
const FELT_BY_GUESTS: readonly (readonly [leaf: number, conditions: readonly Condition[]])[] = [
  [LEAF_NUMBER['TDH.MNG.CREATE'], ['kot-lock-busy', 'no-entropy', 'pamt-lock-busy']],
  [LEAF_NUMBER['TDH.MNG.KEY.CONFIG'], ['pconfig-busy', 'pconfig-entropy', 'pamt-lock-busy']],
  [LEAF_NUMBER['TDH.MNG.ADDCX'], ['no-entropy', 'pamt-lock-busy']],
  [LEAF_NUMBER['TDH.VP.FLUSH'], ['pamt-lock-busy']],
  [LEAF_NUMBER['TDH.MNG.VPFLUSHDONE'], ['kot-lock-busy', 'kot-lock-shared', 'pamt-lock-busy']],
  [LEAF_NUMBER['TDH.PHYMEM.CACHE.WB'], ['wbt-lock-busy', 'kot-lock-busy', 'interrupt-pending']],
  [LEAF_NUMBER['TDH.MNG.KEY.FREEID'], ['kot-lock-busy', 'pamt-lock-busy']],
  [LEAF_NUMBER['TDH.PHYMEM.PAGE.RECLAIM'], ['pamt-lock-busy']],
];

/** A condition that affects a leaf with which a guest is made, run or destroyed. */
export function drawGuestCondition(random: Random): Event {
  const [leaf, conditions] = pick(random, FELT_BY_GUESTS);
  return { kind: 'condition', condition: pick(random, conditions), leaf, count: pick(random, COUNTS) };
}

/** Any condition at any leaf, with or without effect. */
export function drawWildCondition(random: Random): Event {
  return {
    kind: 'condition',
    condition: pick(random, CONDITION_NAMES),
    leaf: chance(random, 30)
      ? null
      : pick(random, [
          LEAF_NUMBER['TDH.PHYMEM.PAGE.RDMD'],
          LEAF_NUMBER['TDH.SYS.KEY.CONFIG'],
          LEAF_NUMBER['TDH.SYS.INIT'],
          LEAF_NUMBER['TDH.SYS.RD'],
          LEAF_NUMBER['TDH.SYS.LP.INIT'],
          LEAF_NUMBER['TDH.SYS.TDMR.INIT'],
          LEAF_NUMBER['TDH.SYS.CONFIG'],
        ]),
    count: pick(random, COUNTS),
  };
}
