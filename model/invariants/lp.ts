import { isUndisturbed, failedSeamcall, leafName, offenceOf, statusClass, INIT_EVENTS } from './look.ts';
import type { Always } from './invariant.ts';
import type { World } from '../world/world.ts';

/** Which LPs must have run what before the module goes on. */

/** LPs that MCHECK counted and that the module has not seen TDH.SYS.LP.INIT on. */
export function countedLPsNotInitialised(world: World): number[] {
  const missing: number[] = [];
  for (let lp = 0; lp < world.platform.lps.length; lp += 1)
    if (world.platform.lps[lp]?.bios === true && world.module.lps[lp]?.initialised !== true) missing.push(lp);
  return missing;
}

/** Packages that MCHECK counted and in which no CPU is online. */
export function packagesWithoutCPU(world: World): number[] {
  const dark: number[] = [];
  for (const pkg of world.mcheck.table.packages) {
    let online = false;
    for (const cpu of world.kernel.cpus) if (cpu.online && cpu.package === pkg) online = true;
    if (!online) dark.push(pkg);
  }
  return dark;
}

export const AN_OFFLINE_LP_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'lp/offline-lp-does-not-cost-tdx',
  statement:
    'The host does not run into TDH.SYS.CONFIG while a counted LP that is offline has not run TDH.SYS.LP.INIT.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022 (nosmt makes TDX fail hard); tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || statusClass(root) !== 'TDX_SYS_CONFIG_NOT_PENDING' || !isUndisturbed(world)) return;
    for (const lp of countedLPsNotInitialised(world)) {
      const cpu = world.kernel.cpus[lp];
      if (cpu === undefined || cpu.online) continue;
      const held = world.platform.commandLine.nosmt && (world.platform.lps[lp]?.thread ?? 0) > 0;
      report(
        offenceOf(
          root,
          `LP ${lp} is offline${held ? ' (nosmt)' : ''} and never ran TDH.SYS.LP.INIT: ${leafName(root.leaf)} is refused`,
          held ? 'nosmt' : 'offline',
        ),
      );
      return;
    }
  },
};

export const LP_INIT_ONCE_PER_LP: Always = {
  holds: 'always',
  id: 'lp/init-once',
  statement: 'The host runs TDH.SYS.LP.INIT successfully at most once per LP and never asks again.',
  source: 'tdx_cpu_enable(), Linux 6.12',
  after: INIT_EVENTS,
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined && statusClass(root) === 'TDX_SYS_LP_INIT_DONE')
      report(offenceOf(root, `LP ${root.lp} was initialised before`));
  },
};

export const NO_LP_INIT_AFTER_CONFIG: Always = {
  holds: 'always',
  id: 'lp/late-lp-is-not-sent-to-the-module',
  statement: 'An LP that comes up after TDH.SYS.CONFIG is refused by the host with a reason, not by the module.',
  source: 'tdh_sys_lp_init.c, TDX module 1.5.01 (state must be SYSINIT_DONE)',
  after: INIT_EVENTS,
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root === undefined || statusClass(root) !== 'TDX_SYS_LP_INIT_NOT_PENDING') return;
    if (root.before === 'CONFIG_DONE' || root.before === 'READY')
      report(offenceOf(root, `LP ${root.lp} came up after TDH.SYS.CONFIG`));
  },
};
