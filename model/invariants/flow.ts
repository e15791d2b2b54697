import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import type { Always } from './invariant.ts';
import {
  INIT_EVENTS,
  failed,
  failedSeamcall,
  isUndisturbed,
  leafName,
  offence,
  offenceOf,
  packagesWithoutCPU,
  statusClass,
} from './look.ts';
import { firstCall, kernelCalls } from './walk.ts';

/** The order of SEAMCALLs in one initialisation, and how often each is made. */

/** The stage of an initialisation that a leaf belongs to, by leaf number; leaves of none count as the first. */
const RANK = new Uint8Array(256);
RANK[LEAF_NUMBER['TDH.SYS.LP.INIT']] = 1;
RANK[LEAF_NUMBER['TDH.SYS.INFO']] = 2;
RANK[LEAF_NUMBER['TDH.SYS.RD']] = 2;
RANK[LEAF_NUMBER['TDH.SYS.RDALL']] = 2;
RANK[LEAF_NUMBER['TDH.SYS.CONFIG']] = 3;
RANK[LEAF_NUMBER['TDH.SYS.KEY.CONFIG']] = 4;
RANK[LEAF_NUMBER['TDH.SYS.TDMR.INIT']] = 5;
RANK[LEAF_NUMBER['TDH.SYS.LP.SHUTDOWN']] = 6;

export const FLOW_LEAF_ORDER: Always = {
  holds: 'always',
  id: 'flow/leaf-order',
  severity: 'tdx-lost',
  statement: 'One initialisation calls INIT, LP.INIT, INFO or RD, CONFIG, KEY.CONFIG and TDMR.INIT in this order.',
  source:
    'TDX Module specification, "Typical Intel TDX Module Platform-Scope Initialization Sequence"; init_tdx_module(), Linux 6.12',
  after: INIT_EVENTS,
  needs: ['called'],
  check: (world, record, report) => {
    let rank = 0;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw) continue;
      const own = typeof entry.leaf === 'number' ? (RANK[entry.leaf] ?? 0) : 0;
      if (own < rank) {
        report(offenceOf(entry, `${leafName(entry.leaf)} comes after a later stage`));
        return;
      }
      rank = own;
    }
  },
};

export const FLOW_NOTHING_FOLLOWS_A_FAILURE: Always = {
  holds: 'always',
  id: 'flow/nothing-follows-a-failure',
  severity: 'tdx-lost',
  statement: 'After a SEAMCALL has failed, the same initialisation calls no other leaf except TDH.SYS.LP.SHUTDOWN.',
  source: 'init_tdx_module(), Linux 6.12; shutdown_tdx_module(), v5 08/22 and v7 06/20',
  after: ['enable'],
  needs: ['failed-call'],
  check: (world, record, report) => {
    let failure = '';
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw) continue;
      const name = leafName(entry.leaf);
      if (failure !== '' && name !== failure && name !== 'TDH.SYS.LP.SHUTDOWN') {
        report(offenceOf(entry, `${name} follows a failed ${failure}`));
        return;
      }
      failure = failed(entry) ? name : '';
    }
  },
};

export const FLOW_KEY_CONFIG_ONCE_PER_PACKAGE: Always = {
  holds: 'always',
  id: 'flow/key-config-once-per-package',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.KEY.CONFIG is called once per package, and never returns TDX_KEY_CONFIGURED.',
  source: 'config_global_keyid(), Linux 6.12; tdh_sys_key_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['leaf-key-config', 'refused'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    for (const call of kernelCalls(world, record, 'TDH.SYS.KEY.CONFIG'))
      if (statusClass(call) === 'TDX_KEY_CONFIGURED') report(offenceOf(call, `asked again on LP ${call.lp}`));
  },
};

export const FLOW_ENABLE_IS_IDEMPOTENT: Always = {
  holds: 'always',
  id: 'flow/enable-is-idempotent',
  severity: 'tdx-lost',
  statement: 'Enabling TDX again after it is initialised returns 0 and does nothing.',
  source: 'tdx_enable(), Linux 6.12',
  after: ['enable'],
  needs: ['was-initialised', 'done'],
  check: (_, record, report) => {
    if (record.statusBefore !== 'initialised' || record.outcome !== 'done') return;
    if (record.errno !== 0 || record.from !== record.to)
      report(
        offence('initialised', `returned ${record.errno} and left ${record.to - record.from} entries in the trace`),
      );
  },
};

export const FLOW_SECOND_KERNEL_KNOWS_WHY: Always = {
  holds: 'always',
  id: 'flow/second-kernel-knows-why',
  severity: 'tdx-lost',
  statement:
    'If an earlier kernel has initialised the module, the next kernel reports that instead of failing on its first leaf.',
  source: 'v5 22/22, "Kexec()" (the new kernel fails immediately at the first step)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'wants-order'],
  check: (world, record, report) => {
    if (world.tampered) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined && statusClass(root) === 'TDX_SYS_INIT_NOT_PENDING')
      report(offenceOf(root, 'the module is no longer pending: an earlier kernel left it open', ''));
  },
};

export const FLOW_MODULE_IS_INITIALISED_BEFORE_USE: Always = {
  holds: 'always',
  id: 'flow/module-is-initialised-before-use',
  severity: 'tdx-lost',
  statement:
    'A kernel without an entry point that prepares CPUs calls TDH.SYS.INIT and TDH.SYS.LP.INIT itself: no leaf is refused because they are missing.',
  source: 'v8 00/16, Kai Huang, 9 Dec 2022 (both leaves dropped, as a coming module was to do without)',
  after: ['enable'],
  needs: ['failed-call', 'wants-order'],
  check: (world, record, report) => {
    const { cpuEnable } = world.kernel.revision;
    const root = failedSeamcall(world, record);
    if (cpuEnable !== null || root === undefined || statusClass(root) !== 'TDX_SYS_LP_INIT_NOT_DONE') return;
    if (firstCall(world, record, 'TDH.SYS.LP.INIT') !== undefined) return;
    report(offence('', `${leafName(root.leaf)} is the first leaf of all, and TDH.SYS.LP.INIT has not run`, root));
  },
};

export const FLOW_EVERY_PACKAGE_IS_LOOKED_AT_FIRST: Always = {
  holds: 'always',
  id: 'flow/every-package-is-looked-at-first',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.CONFIG is not called while a package that MCHECK counted has no online CPU.',
  source: 'v8 13/16, Dave Hansen, 10 Jan 2023 (the caller "guarantees" it, and the only caller does not look)',
  after: ['enable'],
  needs: ['errno', 'leaf-config'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    // A kernel that brings offline CPUs up for it has checked.
    if (record.errno === 0 || firstCall(world, record, 'TDH.SYS.CONFIG') === undefined) return;
    const [dark] = packagesWithoutCPU(world);
    const root = failedSeamcall(world, record);
    const status = root === undefined ? '' : statusClass(root);
    if (dark !== undefined && (status === 'TDX_SYS_NOT_READY' || status === 'TDX_SYS_CONFIG_NOT_PENDING'))
      report(offence('', `TDH.SYS.CONFIG is issued although package ${dark} has no online CPU; then ${status}`, root));
  },
};

export const FLOW_NO_USELESS_SHUTDOWN: Always = {
  holds: 'always',
  id: 'flow/no-useless-shutdown',
  severity: 'tdx-lost',
  statement:
    'A failed initialisation does not call TDH.SYS.LP.SHUTDOWN, which reclaims nothing and prevents the next attempt.',
  source: 'v7 06/20, Sean Christopherson, 22 Nov 2022',
  after: ['enable'],
  needs: ['called'],
  check: (world, record, report) => {
    if (firstCall(world, record, 'TDH.SYS.LP.SHUTDOWN') !== undefined)
      report(offence('', 'the module is shut down on every CPU, for good'));
  },
};
