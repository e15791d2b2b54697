import type { Always } from './invariant.ts';
import {
  INIT_EVENTS,
  countedLPsNotInitialised,
  failedSeamcall,
  isOverlapped,
  isRefusedForOfflineCPUs,
  isUndisturbed,
  leafName,
  offence,
  offenceOf,
  statusClass,
} from './look.ts';

/** LPs that must run TDH.SYS.LP.INIT before TDH.SYS.CONFIG. */

export const LP_OFFLINE_LP_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'lp/offline-lp-does-not-cost-tdx',
  severity: 'tdx-lost',
  statement:
    'A counted LP that is offline and has not run TDH.SYS.LP.INIT is brought online for it, or is named before the first SEAMCALL.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022 (nosmt makes TDX fail hard); tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['errno', 'wants-cpus'],
  check: (world, record, report) => {
    if (!isUndisturbed(world) || record.errno === 0) return;
    const root = failedSeamcall(world, record);
    if (root === undefined ? !isRefusedForOfflineCPUs(record) : statusClass(root) !== 'TDX_SYS_CONFIG_NOT_PENDING')
      return;
    for (const lp of countedLPsNotInitialised(world)) {
      const cpu = world.kernel.cpus[lp];
      if (cpu === undefined || cpu.online) continue;
      const held = world.platform.commandLine.nosmt && (world.platform.lps[lp]?.thread ?? 0) > 0;
      const who = `LP ${lp} is offline${held ? ' (nosmt)' : ''} and never ran TDH.SYS.LP.INIT`;
      report(
        root === undefined
          ? offence(held ? 'nosmt' : 'offline', `${who}: the kernel refuses to start, and no line names the LP`)
          : offenceOf(root, `${who}: ${leafName(root.leaf)} is refused`, held ? 'nosmt' : 'offline'),
      );
      return;
    }
  },
};

export const LP_INIT_ONCE: Always = {
  holds: 'always',
  id: 'lp/init-once',
  severity: 'tdx-lost',
  statement: 'The host makes TDH.SYS.LP.INIT succeed at most once per LP and does not call it again there.',
  source: 'tdx_cpu_enable(), Linux 6.12',
  after: INIT_EVENTS,
  needs: ['failed-call', 'wants-order'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined && statusClass(root) === 'TDX_SYS_LP_INIT_DONE')
      report(offenceOf(root, `LP ${root.lp} was initialised before`));
  },
};

export const LP_LATE_LP_IS_NOT_SENT_TO_THE_MODULE: Always = {
  holds: 'always',
  id: 'lp/late-lp-is-not-sent-to-the-module',
  severity: 'part-lost',
  statement: 'An LP that comes up after TDH.SYS.CONFIG is refused by the host, with a reason, and not by the module.',
  source: 'tdh_sys_lp_init.c, TDX module 1.5.01 (state must be SYSINIT_DONE)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'wants-order'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root === undefined || statusClass(root) !== 'TDX_SYS_LP_INIT_NOT_PENDING') return;
    if (root.before === 'CONFIG_DONE' || root.before === 'READY')
      report(offenceOf(root, `LP ${root.lp} came up after TDH.SYS.CONFIG`, ''));
  },
};

export const LP_UNCOUNTED_LP_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'lp/uncounted-lp-does-not-cost-tdx',
  severity: 'tdx-lost',
  statement: 'An LP that MCHECK did not count may be unusable for TDX, but does not make initialisation fail.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022 (a hot-added CPU has no impact on the system that runs)',
  after: ['enable'],
  needs: ['errno'],
  check: (world, record, report) => {
    // Nothing can have been hot-added before boot.
    if (record.errno === 0 || world.kernel.revision.enablesAtBoot) return;
    const root = failedSeamcall(world, record);
    const { lps } = world.platform;
    if (root !== undefined) {
      if (
        lps[root.lp]?.bios === false &&
        root.trap === 'gp' &&
        world.hardware.lps.some(({ seamrrValid }) => seamrrValid)
      )
        report(
          offence(
            '#GP',
            `${leafName(root.leaf)} on LP ${root.lp}, which came after MCHECK, makes initialisation fail`,
            root,
          ),
        );
      return;
    }
    if (!isRefusedForOfflineCPUs(record) || isOverlapped(world, record)) return;
    for (let lp = 0; lp < lps.length; lp += 1) {
      const cpu = world.kernel.cpus[lp];
      if (lps[lp]?.bios === true && cpu?.present === true && !cpu.online) return;
    }
    report(offence('offline', 'the only CPUs that are offline came after MCHECK; initialisation is refused for them'));
  },
};
