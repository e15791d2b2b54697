import type { LockName } from '../../../model/kernel/lock.ts';

/** Numbers of the protocol with the compiled kernel; the C twin is shim/port.h, shim/port.c and shim/commands.c. */

/** What the kernel did, as the stream tells it. */
export const ITEM = {
  SEAMCALL: 1,
  ALLOC: 2,
  FREE: 3,
  WBINVD_ALL: 4,
  WBINVD: 5,
  RESET: 6,
  PRINTK: 7,
  GET_VMX: 8,
  WARN: 9,
  RUN: 10,
  PUT_VMX: 11,
  CRASH: 14,
  DONE: 15,
} as const;

/** What the kernel is asked to do. */
export const COMMAND = {
  BOOT: 1,
  CPU_ENABLE: 2,
  ENABLE: 3,
  NOTIFY: 4,
  MACHINE_CHECK: 5,
  CPU_ONLINE: 6,
  CPU_OFFLINE: 7,
  KEXEC: 8,
} as const;

/** Bits of the word of features in a DONE item. */
export const FEATURE = { PLATFORM: 2, ERRATUM: 4, S3: 0x80000000 } as const;

/** The answer to a SEAMCALL is 23 words: trap, seven registers, the run answered ahead. */
export const TRAPS = ['none', 'gp', 'ud', 'vmfail'] as const;

/** Words of a SEAMCALL item before the memory that comes with TDH.SYS.CONFIG. */
export const SEAMCALL_ITEM_WORDS = 16;
/** At most so many addresses, and 32-bit words of each TDMR_INFO, come with it. */
export const ADDRESSES_MAX = 64;
export const BLOCK_WORDS = 128;

/** Locks that can be dropped once too often, by their byte in the count of that. */
export const DROPPED_LOCKS: readonly LockName[] = ['cpus', 'module', 'mems', 'sysinit'];

/** Why the kernel died, by number. */
export const CRASHES = [
  'crash',
  'use after free',
  'access beyond the end of an object',
  'null pointer dereference',
  'access to an unmapped address',
  'hang: no end of work in sight',
  'deadlock: a lock is taken by the thread that holds it',
  'BUG or invalid instruction',
  'a limit of the adapter was reached',
  'division by zero',
] as const;
