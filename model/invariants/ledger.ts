import type { Always } from './invariant.ts';
import { isUndisturbed, offence } from './look.ts';

/** Two ledgers, the kernel's and the module's, and what is kept of every lock and allocation. */

export const INITIALISED_LPS_AGREE: Always = {
  holds: 'always',
  id: 'ledger/initialised-lps-agree',
  statement: 'At rest the kernel believes of exactly those LPs that they ran TDH.SYS.LP.INIT of which the module does.',
  source: 'tdx_cpu_enable() (tdx_lp_initialized), Linux 6.12; tdh_sys_lp_init.c, TDX module 1.5.01',
  after: 'all',
  needs: ['traced'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || record.from === record.to) return;
    const { cpus } = world.kernel;
    for (let lp = 0; lp < cpus.length; lp += 1) {
      const kernel = cpus[lp]?.lpInitialised === true;
      const module = world.module.lps[lp]?.initialised === true;
      if (kernel !== module)
        report(
          offence(kernel ? 'kernel only' : 'module only', `LP ${lp}: the kernel says ${kernel}, the module ${module}`),
        );
    }
  },
};

export const INITIALISED_MEANS_READY: Always = {
  holds: 'always',
  id: 'ledger/initialised-means-ready',
  statement: 'When the kernel says initialised, the module is READY and every TDMR is initialised to its end.',
  source: 'init_tdmrs(), Linux 6.12; tdh_sys_tdmr_init.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || record.statusBefore === 'initialised' || !isUndisturbed(world)) return;
    if (world.module.phase !== 'READY')
      report(offence(world.module.phase, `the kernel says initialised, the module is ${world.module.phase}`));
    for (const { base, size, initialised } of world.module.tdmrs)
      if (initialised < size)
        report(
          offence('TDMR', `the TDMR at 0x${base.toString(16)} is initialised up to ${initialised} of ${size} bytes`),
        );
  },
};

export const TDMRS_AGREE: Always = {
  holds: 'always',
  id: 'ledger/tdmrs-agree',
  statement: "When the kernel says initialised, the module has the kernel's TDMRs, PAMTs and reserved areas.",
  source: 'config_tdx_module(), Linux 6.12; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || record.statusBefore === 'initialised' || !isUndisturbed(world)) return;
    const { tdmrs, tdmrCount } = world.kernel;
    if (tdmrCount !== world.module.tdmrs.length)
      report(offence('count', `${tdmrCount} TDMRs here, ${world.module.tdmrs.length} there`));
    for (const [index, there] of world.module.tdmrs.entries()) {
      const here = tdmrs[index];
      if (here === undefined) continue;
      const same =
        here.base === there.base &&
        here.size === there.size &&
        here.pamtBase === there.pamt4K.base &&
        here.pamt4K === there.pamt4K.size &&
        here.pamtBase + here.pamt4K === there.pamt2M.base &&
        here.pamt2M === there.pamt2M.size &&
        here.pamtBase + here.pamt4K + here.pamt2M === there.pamt1G.base &&
        here.pamt1G === there.pamt1G.size;
      if (!same) report(offence('fields', `TDMR ${index} differs between kernel and module`));
    }
  },
};

export const EVERY_PACKAGE_IS_CONFIGURED: Always = {
  holds: 'always',
  id: 'ledger/packages-agree',
  statement: 'When the kernel says initialised, the global KeyID is programmed on every package MCHECK counted.',
  source: 'config_global_keyid(), Linux 6.12; tdh_sys_key_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || record.statusBefore === 'initialised' || !isUndisturbed(world)) return;
    let count = 0;
    for (let rest = world.module.packagesConfigured; rest > 0; rest = (rest - (rest % 2)) / 2) count += rest % 2;
    if (count !== world.module.totPackages)
      report(offence('count', `${count} packages configured, ${world.module.totPackages} counted`));
  },
};

export const LOCKS_ARE_BALANCED: Always = {
  holds: 'always',
  id: 'balance/locks',
  statement: 'Every lock taken is dropped on every path, and none is dropped that is not held.',
  source: 'v7 and v8 drafts (put_online_mems on a path that never took it); init_tdx_module(), Linux 6.12',
  after: 'all',
  needs: ['lock-trouble'],
  check: (world, _record, report) => {
    const { locks, lockImbalances } = world.kernel;
    const imbalance = lockImbalances.at(-1);
    if (imbalance !== undefined && lockImbalances.length > world.imbalancesBefore)
      report(
        offence(`${imbalance.flow}: ${imbalance.lock}`, `${imbalance.lock} ${imbalance.what} in ${imbalance.flow}`),
      );
    // What a crash took with it holds its locks for good.
    if (world.kernel.crash !== null) return;
    if (locks.cpus.owner !== -1 || locks.cpus.readers !== 0)
      report(offence('cpus', 'cpus_read_lock is still held at rest'));
    if (locks.module.owner !== -1 || locks.module.readers !== 0)
      report(offence('module', 'the module lock is still held at rest'));
    if (locks.mems.owner !== -1 || locks.mems.readers !== 0)
      report(offence('mems', 'get_online_mems is unbalanced at rest'));
    if (locks.sysinit.owner !== -1 || locks.sysinit.readers !== 0)
      report(offence('sysinit', 'the SYS.INIT lock is still held at rest'));
    if (locks.kvm.owner !== -1 || locks.kvm.readers !== 0) report(offence('kvm', "KVM's lock is still held at rest"));
  },
};

export const NOTHING_IS_LEAKED: Always = {
  holds: 'always',
  id: 'balance/allocations',
  statement: 'Every object the init flow has allocated is either freed or still pointed at by the kernel.',
  source: 'init_tdx_module() error path, Linux 6.12; v7 10/20 review, Dave Hansen (L36974333584)',
  after: ['enable'],
  needs: ['done'],
  check: (world, record, report) => {
    if (record.outcome !== 'done') return;
    const { kernel } = world;
    let held = kernel.tdxMemory.length;
    if (kernel.tdmrArrayLive) held += 1;
    // A kernel that gives its array back after success has handed the PAMTs to the module for good.
    if (kernel.tdmrArrayLive || kernel.status === 'initialised')
      for (let index = 0; index < kernel.tdmrCount; index += 1) if ((kernel.tdmrs[index]?.pamt4K ?? 0) > 0) held += 1;
    for (const { tdr, tdcs, mask } of kernel.tds) {
      if (tdr !== -1) held += 1;
      if (mask !== -1) held += 1;
      for (const page of tdcs) if (page !== -1) held += 1;
    }
    if (kernel.live !== held)
      report(offence(kernel.status, `${kernel.live} objects are alive, ${held} are pointed at`));
  },
};

export const A_FAILED_INIT_LEAVES_NO_TDX_MEMORY: Always = {
  holds: 'always',
  id: 'balance/failed-init-empties-the-memory-list',
  statement:
    'After a failed initialisation the list of TDX memory is empty, so that memory hot-plug is as without TDX.',
  source: 'init_tdx_module() error path, Linux 6.12; v7 10/20 review, Dave Hansen (L36974333584)',
  after: ['enable'],
  needs: ['done', 'errno'],
  check: (world, record, report) => {
    if (record.outcome !== 'done' || record.errno === 0 || record.statusAfter === 'initialised') return;
    // PAMTs kept because the module can reach them keep the list that they were made for.
    if (world.kernel.tdmrArrayLive) return;
    const left = world.kernel.tdxMemory.length;
    if (left > 0) report(offence(record.statusAfter, `${left} entries are left`));
  },
};

export const NO_COUNT_OUTLIVES_ITS_ARRAY: Always = {
  holds: 'always',
  id: 'balance/no-count-outlives-its-array',
  statement: 'Where the TDMR array is freed its count is 0: nothing can walk what is no longer there.',
  source: 'free_tdmr_list() and paddr_is_tdx_private(), Linux 6.12',
  after: ['enable'],
  needs: ['done', 'traced'],
  check: (world, record, report) => {
    // Only the machine-check helper walks the list later.
    if (record.from === record.to || record.outcome !== 'done') return;
    if (world.kernel.revision.machineCheckAsks === 'never') return;
    const { tdmrArrayLive, tdmrCount, tdmrArray } = world.kernel;
    if (!tdmrArrayLive && tdmrArray !== -1 && tdmrCount > 0)
      report(
        offence(
          record.phaseAfter === 'READY' ? 'READY' : 'not READY',
          `the TDMR array is freed, its count is still ${tdmrCount} and its pointer still set (latent: it takes a module that answers "reserved" for the page)`,
        ),
      );
  },
};
