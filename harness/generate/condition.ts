import { CONDITION_NAMES, type Condition } from '../../model/module/conditions.ts';
import type { Event } from '../../model/world/event.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/** SEAMCALL leaves of host initialisation that a condition can meet. */
export const LEAF = {
  ADDCX: 1,
  MNG_KEY_CONFIG: 8,
  MNG_CREATE: 9,
  VP_FLUSH: 18,
  VPFLUSHDONE: 19,
  KEY_FREEID: 20,
  RDMD: 24,
  RECLAIM: 28,
  CACHE_WB: 40,
  KEY_CONFIG: 31,
  INIT: 33,
  RD: 34,
  LP_INIT: 35,
  TDMR_INIT: 36,
  CONFIG: 45,
} as const;

/** Which conditions a leaf of host initialisation feels (module 1.5.01: locks and entropy it draws). */
const FELT: Readonly<Record<'init' | 'lpInit' | 'config' | 'keyConfig' | 'tdmrInit', readonly Condition[]>> = {
  init: ['global-lock-busy', 'global-lock-shared', 'no-entropy'],
  lpInit: ['global-lock-busy', 'no-entropy'],
  config: ['global-lock-busy', 'global-lock-shared'],
  keyConfig: ['pconfig-busy', 'pconfig-entropy', 'pconfig-other', 'global-lock-busy', 'global-lock-shared'],
  tdmrInit: ['tdmr-lock-busy'],
};

/** Linux tries ten times on no entropy: one below, at and above that, and the single transient failure. */
const COUNTS = [1, 1, 1, 2, 9, 10, 11] as const;

/** A condition that the leaf feels. */
export function drawFeltCondition(random: Random, at: keyof typeof FELT): Event {
  const condition = pick(random, FELT[at]);
  return { kind: 'condition', condition, leaf: LEAF_AT[at], count: pick(random, COUNTS) };
}

const LEAF_AT = {
  init: LEAF.INIT,
  lpInit: LEAF.LP_INIT,
  config: LEAF.CONFIG,
  keyConfig: LEAF.KEY_CONFIG,
  tdmrInit: LEAF.TDMR_INIT,
} as const;

/** What the leaves of a guest's life feel. */
const FELT_BY_GUESTS: readonly (readonly [leaf: number, conditions: readonly Condition[]])[] = [
  [LEAF.MNG_CREATE, ['kot-lock-busy', 'no-entropy', 'pamt-lock-busy']],
  [LEAF.MNG_KEY_CONFIG, ['pconfig-busy', 'pconfig-entropy', 'pamt-lock-busy']],
  [LEAF.ADDCX, ['no-entropy', 'pamt-lock-busy']],
  [LEAF.VP_FLUSH, ['pamt-lock-busy']],
  [LEAF.VPFLUSHDONE, ['kot-lock-busy', 'kot-lock-shared', 'pamt-lock-busy']],
  [LEAF.CACHE_WB, ['wbt-lock-busy', 'kot-lock-busy', 'interrupt-pending']],
  [LEAF.KEY_FREEID, ['kot-lock-busy', 'pamt-lock-busy']],
  [LEAF.RECLAIM, ['pamt-lock-busy']],
];

/** A condition that a leaf of a guest's life feels. */
export function drawGuestCondition(random: Random): Event {
  const [leaf, conditions] = pick(random, FELT_BY_GUESTS);
  return { kind: 'condition', condition: pick(random, conditions), leaf, count: pick(random, COUNTS) };
}

/** Any condition at any leaf, felt or not. */
export function drawWildCondition(random: Random): Event {
  return {
    kind: 'condition',
    condition: pick(random, CONDITION_NAMES),
    leaf: chance(random, 30)
      ? null
      : pick(random, [LEAF.RDMD, LEAF.KEY_CONFIG, LEAF.INIT, LEAF.RD, LEAF.LP_INIT, LEAF.TDMR_INIT, LEAF.CONFIG]),
    count: pick(random, COUNTS),
  };
}
