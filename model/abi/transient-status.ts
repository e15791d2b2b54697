import { STATUS, type StatusName } from './status.ts';
import { highHalf, type U64 } from './u64.ts';

/**
 * Statuses that pass by themselves, by what the caller does: the same call again after a while (another LP holds a lock,
 * or no key could be generated).
 */
export const BUSY_STATUSES: readonly StatusName[] = ['TDX_OPERAND_BUSY', 'TDX_SYS_BUSY', 'TDX_KEY_GENERATION_FAILED'];

/** All that pass by themselves: also no entropy (again at once) and an interrupt (again, to go on from there). */
export const TRANSIENT_STATUSES: readonly StatusName[] = [
  ...BUSY_STATUSES,
  'TDX_RND_NO_ENTROPY',
  'TDX_INTERRUPTED_RESUMABLE',
  'TDX_INTERRUPTED_RESTARTABLE',
];

const BUSY: readonly number[] = BUSY_STATUSES.map((name) => highHalf(STATUS[name]));

/** True for a RAX with one of `BUSY_STATUSES`, whatever its details. */
export function isBusy(rax: U64): boolean {
  return BUSY.includes(highHalf(rax));
}

/**
 * True for an error that the call may be made again after (bit 63 set, bit 62 clear): the transient ones, and those that
 * something else has to be done for first (TDX_WBCACHE_NOT_COMPLETE).
 */
export function isRecoverable(rax: U64): boolean {
  const high = highHalf(rax);
  return high >= 0x80000000 && high < 0xc0000000;
}
