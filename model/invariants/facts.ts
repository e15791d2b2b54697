import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { STATUS } from '../abi/status.ts';
import { isRecoverable } from '../abi/transient-status.ts';
import { highHalf, isZero, lowHalf } from '../abi/u64.ts';
import type { LockState } from '../kernel/lock.ts';
import type { EventRecord, SeamcallEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import { failedSeamcall } from './look.ts';

/**
 * Facts about an event, a bit each. They are computed once per event, so that rules which cannot apply are not run: after
 * nine events of ten a campaign has hardly any rule to run. All 32 bits of a small integer are used. A new fact replaces an
 * old one, or the facts become two words: factMask(), Questions.facts and the lookup in questionsAfter().
 */
export const FACT = {
  /** The event left something in the trace. */
  traced: 1 << 0,
  /** The kernel made a SEAMCALL. */
  called: 1 << 1,
  /** A SEAMCALL of the kernel trapped, or returned something other than 0. */
  'failed-call': 1 << 2,
  /** A SEAMCALL, the kernel's or a raw one, trapped. */
  trapped: 1 << 3,
  /** A SEAMCALL returned something other than 0. */
  refused: 1 << 4,
  /** A refused SEAMCALL changed something. */
  changed: 1 << 5,
  /** The module's gate applies to a call: after shutdown, or before READY with a leaf outside the initialisation set. */
  gated: 1 << 6,

  // Leaves called with a plain number in RAX.
  'leaf-info': 1 << 7,
  'leaf-init': 1 << 8,
  'leaf-lp-init': 1 << 9,
  'leaf-config': 1 << 10,
  'leaf-key-config': 1 << 11,
  'leaf-tdmr-init': 1 << 12,
  'leaf-rdmd': 1 << 13,

  'failed-allocation': 1 << 14,
  /** A PAMT was returned to the page allocator. */
  'freed-pamt': 1 << 15,
  reset: 1 << 16,

  /** The event returned an errno. */
  errno: 1 << 17,
  crashed: 1 << 18,
  /** The event was done. */
  done: 1 << 19,
  /** The host refused the event. */
  'said-no': 1 << 20,
  /** The kernel printed something. */
  printed: 1 << 21,
  /** The kernel's status of TDX before and after. */
  'was-initialised': 1 << 22,
  'is-initialised': 1 << 23,
  'became-initialised': 1 << 24,
  /** Some events of the case overlapped. */
  overlapped: 1 << 25,

  /** The event was done and returned 0. */
  succeeded: 1 << 26,
  /** A lock is held between events, or was dropped by a thread that did not hold it. */
  'lock-trouble': 1 << 27,

  // The cause of a failure: the status of one SEAMCALL (see failedSeamcall()), or else what the kernel printed.
  /** LPs or packages that are missing. */
  'wants-cpus': 1 << 28,
  /** Memory, TDMRs or PAMTs. */
  'wants-memory': 1 << 29,
  /** TDH.SYS.INIT or TDH.SYS.LP.INIT, which came too early, too late, twice or never. */
  'wants-order': 1 << 30,
  /** A call that may be repeated: bit 63 of the status is set, bit 62 is not. */
  'is-recoverable': 1 << 31,
} as const;

export type Fact = keyof typeof FACT;

/** All of these as one number. */
export function factMask(facts: readonly Fact[]): number {
  let mask = 0;
  for (const fact of facts) mask |= FACT[fact];
  return mask;
}

/** Bit of the leaf by number; 0 for leaves that no rule needs. */
const LEAF_BIT = new Uint32Array(256);
LEAF_BIT[LEAF_NUMBER['TDH.PHYMEM.PAGE.RDMD']] = FACT['leaf-rdmd'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.KEY.CONFIG']] = FACT['leaf-key-config'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.INFO']] = FACT['leaf-info'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.INIT']] = FACT['leaf-init'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.LP.INIT']] = FACT['leaf-lp-init'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.TDMR.INIT']] = FACT['leaf-tdmr-init'];
LEAF_BIT[LEAF_NUMBER['TDH.SYS.CONFIG']] = FACT['leaf-config'];

/** Leaves that the module answers before it is READY. */
const BEFORE_READY = new Uint8Array(256);
for (const name of [
  'TDH.SYS.KEY.CONFIG',
  'TDH.SYS.INFO',
  'TDH.SYS.INIT',
  'TDH.SYS.RD',
  'TDH.SYS.LP.INIT',
  'TDH.SYS.RDALL',
  'TDH.SYS.LP.SHUTDOWN',
  'TDH.SYS.CONFIG',
  'TDH.SYS.UPDATE',
] as const)
  BEFORE_READY[LEAF_NUMBER[name]] = 1;

/** The facts about an event: bits of FACT. */
export function factsOf(world: World, record: EventRecord): number {
  const { from, to } = record;
  let facts = factsOfRecord(record);
  if (world.overlaps.length > 0) facts |= FACT.overlapped;
  if (hasLockTrouble(world)) facts |= FACT['lock-trouble'];
  if (from !== to) facts |= FACT.traced | factsOfTrace(world, from, to);
  return facts | factsOfFailure(world, record, facts);
}

function factsOfTrace(world: World, from: number, to: number): number {
  let facts = 0;
  const { trace } = world;
  for (let index = from; index < to; index += 1) {
    const entry = trace[index];
    if (entry === undefined) continue;
    switch (entry.kind) {
      case 'seamcall':
        facts |= factsOfCall(entry);
        if (!entry.raw)
          facts |= entry.trap === 'none' && isZero(entry.rax) ? FACT.called : FACT.called | FACT['failed-call'];
        break;
      case 'alloc':
        if (entry.address === -1) facts |= FACT['failed-allocation'];
        break;
      case 'free':
        if (entry.what === 'c') facts |= FACT['freed-pamt'];
        break;
      case 'reset':
        facts |= FACT.reset;
        break;
      case 'wbinvd':
        break;
    }
  }
  return facts;
}

function factsOfCall({ leaf, trap, rax, changed, before }: SeamcallEntry): number {
  let facts = 0;
  const number = typeof leaf === 'number' ? leaf : lowHalf(leaf);
  if (number < 256) facts |= LEAF_BIT[number] as number;
  if (trap !== 'none') return facts | FACT.trapped;
  if (!isZero(rax)) facts |= FACT.refused;
  if (changed) facts |= FACT.changed;
  if (before !== 'READY' && (before === 'SHUTDOWN' || number >= 256 || BEFORE_READY[number] === 0)) facts |= FACT.gated;
  return facts;
}

function factsOfRecord({ outcome, errno, dmesgFrom, dmesgTo, statusBefore, statusAfter }: EventRecord): number {
  let facts = 0;
  if (errno !== 0) facts |= FACT.errno;
  if (outcome === 'crashed') facts |= FACT.crashed;
  else if (outcome === 'done') facts |= errno === 0 ? FACT.done | FACT.succeeded : FACT.done;
  else if (outcome === 'refused') facts |= FACT['said-no'];
  if (dmesgFrom !== dmesgTo) facts |= FACT.printed;
  if (statusBefore === 'initialised') facts |= FACT['was-initialised'];
  if (statusAfter === 'initialised')
    facts |=
      statusBefore === 'initialised' ? FACT['is-initialised'] : FACT['is-initialised'] | FACT['became-initialised'];
  return facts;
}

function hasLockTrouble({ kernel, imbalancesBefore }: World): boolean {
  if (kernel.lockImbalances.length > imbalancesBefore) return true;
  const { cpus, module, mems, sysinit, kvm } = kernel.locks;
  return isHeld(cpus) || isHeld(module) || isHeld(mems) || isHeld(sysinit) || isHeld(kvm);
}

function isHeld({ owner, readers }: LockState): boolean {
  return owner !== -1 || readers !== 0;
}

/** Status codes (bits 63:32) that say what an initialisation lacks. */
const WANT: ReadonlyMap<number, number> = new Map(
  (
    [
      ['TDX_SYS_CONFIG_NOT_PENDING', 'wants-cpus'],
      ['TDX_SYS_NOT_READY', 'wants-cpus'],
      ['TDX_SYS_INIT_NOT_PENDING', 'wants-order'],
      ['TDX_SYS_LP_INIT_NOT_DONE', 'wants-order'],
      ['TDX_SYS_LP_INIT_DONE', 'wants-order'],
      ['TDX_SYS_LP_INIT_NOT_PENDING', 'wants-order'],
      ['TDX_INVALID_TDMR', 'wants-memory'],
      ['TDX_NON_ORDERED_TDMR', 'wants-memory'],
      ['TDX_TDMR_OUTSIDE_CMRS', 'wants-memory'],
      ['TDX_INVALID_PAMT', 'wants-memory'],
      ['TDX_PAMT_OUTSIDE_CMRS', 'wants-memory'],
      ['TDX_PAMT_OVERLAP', 'wants-memory'],
      ['TDX_INVALID_RESERVED_IN_TDMR', 'wants-memory'],
      ['TDX_NON_ORDERED_RESERVED_IN_TDMR', 'wants-memory'],
    ] as const
  ).map(([status, want]) => [highHalf(STATUS[status]), FACT[want]]),
);

function factsOfFailure(world: World, record: EventRecord, facts: number): number {
  const root = (facts & FACT['failed-call']) === 0 ? undefined : failedSeamcall(world, record);
  if (root === undefined) return (facts & FACT.printed) === 0 ? 0 : FACT['wants-cpus'] | FACT['wants-memory'];
  if (root.trap !== 'none') return 0;
  const status = highHalf(root.rax);
  const want = WANT.get(status) ?? 0;
  return isRecoverable(root.rax) ? want | FACT['is-recoverable'] : want;
}
