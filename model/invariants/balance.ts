import type { EventRecord, TraceEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { offence } from './look.ts';

/** Locks and memory: the kernel gives back what it takes. */

export const BALANCE_LOCKS: Always = {
  holds: 'always',
  id: 'balance/locks',
  severity: 'crash',
  statement: 'Every lock that is taken is dropped on every path, and no lock is dropped that is not held.',
  source:
    '__tdx_enable(), v7 06/20 and v8 04/16 (put_online_mems() on a path that never took it); init_tdx_module(), Linux 6.12',
  after: 'all',
  needs: ['lock-trouble'],
  check: (world, _record, report) => {
    const { locks, lockImbalances } = world.kernel;
    const imbalance = lockImbalances.at(-1);
    if (imbalance !== undefined && lockImbalances.length > world.imbalancesBefore)
      report(
        offence(`${imbalance.flow}: ${imbalance.lock}`, `${imbalance.lock} ${imbalance.what} in ${imbalance.flow}`),
      );
    // A thread that crashed never drops its locks.
    if (world.kernel.crash !== null) return;
    if (locks.cpus.owner !== -1 || locks.cpus.readers !== 0)
      report(offence('cpus', 'cpus_read_lock is still held between events'));
    if (locks.module.owner !== -1 || locks.module.readers !== 0)
      report(offence('module', 'the module lock is still held between events'));
    if (locks.mems.owner !== -1 || locks.mems.readers !== 0)
      report(offence('mems', 'get_online_mems is unbalanced between events'));
    if (locks.sysinit.owner !== -1 || locks.sysinit.readers !== 0)
      report(offence('sysinit', 'the SYS.INIT lock is still held between events'));
    if (locks.kvm.owner !== -1 || locks.kvm.readers !== 0)
      report(offence('kvm', "KVM's lock is still held between events"));
  },
};

export const BALANCE_ALLOCATIONS: Always = {
  holds: 'always',
  id: 'balance/allocations',
  severity: 'memory',
  statement: 'Every object that initialisation allocates is either freed or still referenced by the kernel.',
  source: 'init_tdx_module() error path, Linux 6.12; v7 10/20, Dave Hansen, 22 Nov 2022',
  after: ['enable'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done') return;
    const { kernel } = world;
    let held = kernel.tdxMemory.length;
    if (kernel.tdmrArrayLive) held += 1;
    // A kernel that frees its array after success has given the PAMTs to the module until reboot.
    if (kernel.tdmrArrayLive || kernel.status === 'initialised')
      for (let index = 0; index < kernel.tdmrCount; index += 1) if ((kernel.tdmrs[index]?.pamt4K ?? 0) > 0) held += 1;
    for (const { tdr, tdcs, mask } of kernel.tds) {
      if (tdr !== -1) held += 1;
      if (mask !== -1) held += 1;
      for (const page of tdcs) if (page !== -1) held += 1;
    }
    if (kernel.live !== held)
      report(offence(kernel.status, `${kernel.live} objects are alive, ${held} are referenced`));
  },
};

export const BALANCE_FAILED_INIT_EMPTIES_THE_MEMORY_LIST: Always = {
  holds: 'always',
  id: 'balance/failed-init-empties-the-memory-list',
  severity: 'part-lost',
  statement: 'After a failed initialisation the list of TDX memory is empty, and memory hot-plug works as without TDX.',
  source: 'init_tdx_module() error path, Linux 6.12; v7 10/20, Dave Hansen, 22 Nov 2022',
  after: ['enable'],
  needs: ['done', 'errno'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || record.errno === 0 || record.statusAfter === 'initialised') return;
    // If PAMTs are kept because the module can access them, the list they were made for is kept too.
    if (world.kernel.tdmrArrayLive) return;
    const left = world.kernel.tdxMemory.length;
    if (left > 0) report(offence(record.statusAfter, `${left} entries are left`));
  },
};

/** The entry that freed the object at an address; `null` if the event did not. */
function freeOf({ trace }: World, { from, to }: EventRecord, address: number): TraceEntry | null {
  for (let index = to - 1; index >= from; index -= 1) {
    const entry = trace[index];
    if (entry?.kind === 'free' && entry.address === address) return entry;
  }
  return null;
}

export const BALANCE_NO_COUNT_OUTLIVES_ITS_ARRAY: Always = {
  holds: 'always',
  id: 'balance/no-count-outlives-its-array',
  severity: 'crash',
  statement: 'When the TDMR array is freed its count becomes 0, so that no later walk reads freed memory.',
  source: 'free_tdmr_list() and paddr_is_tdx_private(), Linux 6.12',
  after: ['enable'],
  needs: ['done', 'traced'],
  check: (world, record, report) => {
    // Only the machine-check helper walks the list later.
    if (record.from === record.to || record.outcome !== 'done') return;
    if (world.kernel.revision.machineCheck === null) return;
    const { tdmrArrayLive, tdmrCount, tdmrArray } = world.kernel;
    if (!tdmrArrayLive && tdmrArray !== -1 && tdmrCount > 0)
      report(
        offence(
          record.phaseAfter === 'READY' ? 'READY' : 'not READY',
          `the TDMR array is freed, its count is still ${tdmrCount} and its pointer still set (latent: only a module that returns "reserved" for the page leads to the walk)`,
          freeOf(world, record, tdmrArray),
        ),
      );
  },
};
