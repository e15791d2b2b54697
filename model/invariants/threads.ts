import { LOCKS, lockOrderBit } from '../kernel/lock.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { isUndisturbed, offence } from './look.ts';

/** Kernel threads that run at the same time. */

export const THREADS_NO_DEADLOCK: Always = {
  holds: 'always',
  id: 'threads/no-deadlock',
  severity: 'crash',
  statement: 'No threads wait for each other, or for a lock that is never dropped.',
  source: 'Documentation/locking/lockdep-design.rst, Linux 6.12',
  after: 'all',
  needs: ['crashed'],
  check: (world, record, report) => {
    const { crash } = world.kernel;
    if (record.outcome === 'crashed' && crash?.startsWith('deadlock') === true) report(offence(record.kind, crash));
  },
};

/** Every pair of locks, and the bits that mean each was taken under the other. */
const PAIRS = LOCKS.flatMap((one, index) =>
  LOCKS.slice(0, index).map((two) => ({ one, two, both: lockOrderBit(one, two) | lockOrderBit(two, one) })),
);

export const THREADS_ONE_LOCK_ORDER: Always = {
  holds: 'always',
  id: 'threads/one-lock-order',
  severity: 'crash',
  statement: 'No two locks are taken in both orders, even if that has not caused a deadlock.',
  source: 'Documentation/locking/lockdep-design.rst, Linux 6.12 ("lock-class dependency rules")',
  after: 'all',
  needs: ['traced'],
  check: (world, record, report) => {
    const { lockOrder } = world.kernel;
    if (lockOrder === 0 || record.from === record.to) return;
    for (const { one, two, both } of PAIRS)
      if ((lockOrder & both) === both)
        report(offence(`${one} and ${two}`, `${one} is taken under ${two}, and ${two} under ${one}`));
  },
};

/** True if an `enable` was in progress when `record` ended, that is, had turns before and after. */
function endedDuringInit({ overlaps }: World, record: EventRecord): boolean {
  let end = -1;
  for (let at = 0; at < overlaps.length; at += 1) if (overlaps[at]?.record === record) end = at;
  if (end === -1) return false;
  for (let at = 0; at < end; at += 1) {
    const turn = overlaps[at];
    const early = turn?.record;
    // An `enable` that has done nothing yet may still be waiting for its locks.
    if (early?.kind !== 'enable' || turn?.from === turn?.to) continue;
    for (let later = end + 1; later < overlaps.length; later += 1) {
      const next = overlaps[later];
      if (next?.record === early && next.to > next.from) return true;
    }
  }
  return false;
}

export const THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT: Always = {
  holds: 'always',
  id: 'threads/no-package-goes-dark-during-init',
  severity: 'tdx-lost',
  statement: 'While the module is being initialised no counted package loses its last online CPU.',
  source: 'v8 13/16, Kai Huang, 10 Jan 2023 ("refuse to offline the last cpu for each package during initialization")',
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['done', 'overlapped'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'done' || !('lp' in event) || !isUndisturbed(world) || !endedDuringInit(world, record))
      return;
    const { cpus } = world.kernel;
    const pkg = cpus[event.lp]?.package ?? -1;
    if (world.mcheck.table.packages.includes(pkg) && !cpus.some((cpu) => cpu.online && cpu.package === pkg))
      report(offence('', `package ${pkg} lost LP ${event.lp}, its last, while TDX was being initialised`));
  },
};
