import type { Always } from './invariant.ts';
import {
  failed,
  failedSeamcall,
  INIT_EVENTS,
  isUndisturbed,
  leafName,
  offence,
  offenceOf,
  statusClass,
} from './look.ts';

/** The order of things in one initialisation, and how often. */

const RANK: ReadonlyMap<string, number> = new Map([
  ['TDH.SYS.INIT', 0],
  ['TDH.SYS.LP.INIT', 1],
  ['TDH.SYS.INFO', 2],
  ['TDH.SYS.RD', 2],
  ['TDH.SYS.RDALL', 2],
  ['TDH.SYS.CONFIG', 3],
  ['TDH.SYS.KEY.CONFIG', 4],
  ['TDH.SYS.TDMR.INIT', 5],
  ['TDH.SYS.LP.SHUTDOWN', 6],
]);

export const LEAVES_COME_IN_ORDER: Always = {
  holds: 'always',
  id: 'flow/leaf-order',
  statement: 'Within one initialisation: INIT, LP.INIT, INFO or RD, CONFIG, KEY.CONFIG, TDMR.INIT, in this order.',
  source:
    'TDX module specification, "Typical Intel TDX Module Platform-Scope Initialization Sequence"; init_tdx_module(), Linux 6.12',
  after: INIT_EVENTS,
  check: (world, record, report) => {
    let rank = 0;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw) continue;
      const own = RANK.get(leafName(entry.leaf)) ?? 0;
      if (own < rank) {
        report(offenceOf(entry, `${leafName(entry.leaf)} comes after a later stage`));
        return;
      }
      rank = own;
    }
  },
};

export const NOTHING_FOLLOWS_A_FAILURE: Always = {
  holds: 'always',
  id: 'flow/nothing-follows-a-failure',
  statement: 'After a SEAMCALL failed for good, the same initialisation issues no other leaf but TDH.SYS.LP.SHUTDOWN.',
  source: 'init_tdx_module(), Linux 6.12; shutdown_tdx_module(), v5 and v7',
  after: ['enable'],
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

export const KEY_CONFIG_ONCE_PER_PACKAGE: Always = {
  holds: 'always',
  id: 'flow/key-config-once-per-package',
  statement: 'TDH.SYS.KEY.CONFIG is issued once per package: the module never has to say that it was done.',
  source: 'config_global_keyid(), Linux 6.12; tdh_sys_key_config.c, TDX module 1.5.01',
  after: ['enable'],
  check: (world, record, report) => {
    if (!isUndisturbed(world)) return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind === 'seamcall' && !entry.raw && statusClass(entry) === 'TDX_KEY_CONFIGURED')
        report(offenceOf(entry, `asked again on LP ${entry.lp}`));
    }
  },
};

export const INITIALISED_IS_STABLE: Always = {
  holds: 'always',
  id: 'flow/enable-is-idempotent',
  statement: 'Enabling TDX that is initialised returns 0 and does nothing.',
  source: 'tdx_enable(), Linux 6.12',
  after: ['enable'],
  check: (_, record, report) => {
    if (record.statusBefore !== 'initialised' || record.outcome !== 'done') return;
    if (record.errno !== 0 || record.from !== record.to)
      report(
        offence('initialised', `returned ${record.errno} and left ${record.to - record.from} entries in the trace`),
      );
  },
};

export const AN_UNNAMED_STATE_IS_NOT_RETRIED_BLINDLY: Always = {
  holds: 'always',
  id: 'flow/second-kernel-knows-why',
  statement:
    'An initialisation that meets a module somebody else initialised says so instead of failing on its first leaf.',
  source: 'v5 22/22, "Kexec()": the new kernel fails immediately at the first step',
  after: INIT_EVENTS,
  check: (world, record, report) => {
    if (world.tampered) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined && statusClass(root) === 'TDX_SYS_INIT_NOT_PENDING')
      report(offenceOf(root, 'the module is no longer pending: an earlier kernel left it open'));
  },
};
