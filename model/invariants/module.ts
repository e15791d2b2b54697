import { GIB } from '../abi/size.ts';
import { isAligned } from '../abi/align.ts';
import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { highHalf } from '../abi/u64.ts';
import type { SeamcallEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { hex, leafName, offence, offenceOf, statusClass } from './look.ts';
import { justInitialised } from './walk.ts';

/** What the module owes its callers. The model of Intel's module keeps these; other implementations may not. */

const BEFORE_READY: ReadonlySet<string> = new Set([
  'TDH.SYS.KEY.CONFIG',
  'TDH.SYS.INFO',
  'TDH.SYS.INIT',
  'TDH.SYS.RD',
  'TDH.SYS.LP.INIT',
  'TDH.SYS.RDALL',
  'TDH.SYS.LP.SHUTDOWN',
  'TDH.SYS.CONFIG',
  'TDH.SYS.UPDATE',
]);

interface CallRule extends Omit<Always, 'holds' | 'after' | 'check'> {
  /** The only leaf it is about, called by its plain number; missing: all. */
  readonly leaf?: number;
  readonly breaks: (world: World, entry: SeamcallEntry) => string | null;
}

/** A rule about every call that reached the module, the kernel's and raw ones. */
function afterEachCall(rule: CallRule): Always {
  const { breaks, leaf = -1, ...rest } = rule;
  return {
    ...rest,
    holds: 'always',
    after: 'all',
    check: (world, record, report) => {
      for (let index = record.from; index < record.to; index += 1) {
        const entry = world.trace[index];
        if (entry?.kind !== 'seamcall' || (leaf !== -1 && entry.leaf !== leaf) || entry.trap !== 'none') continue;
        // Bit 63 of RAX is a call to the P-SEAMLDR.
        if (typeof entry.leaf === 'bigint' && highHalf(entry.leaf) >= 0x80000000) continue;
        const message = breaks(world, entry);
        if (message !== null) report(offenceOf(entry, message));
      }
    },
  };
}

const isPlain = (entry: SeamcallEntry): boolean => typeof entry.leaf === 'number' && entry.leaf < 0x10000;

export const MODULE_REFUSED_CALL_CHANGES_NOTHING = afterEachCall({
  id: 'module/refused-call-changes-nothing',
  severity: 'tdx-lost',
  statement: 'A refused SEAMCALL changes neither the module nor memory (the exceptions are listed in refusal.ts).',
  source: 'recordings of TDX module 1.5.01: every leaf file of model/module/leaves names its exceptions',
  needs: ['changed'],
  breaks: (_, entry) =>
    entry.changed ? `${leafName(entry.leaf)} was refused with ${statusClass(entry)} and changed something` : null,
});

export const MODULE_NOT_READY_GATE = afterEachCall({
  id: 'module/not-ready-gate',
  severity: 'tdx-lost',
  statement:
    'Before READY every leaf outside the initialisation set returns TDX_SYS_NOT_READY; after shutdown all but LP.SHUTDOWN return TDX_SYS_SHUTDOWN.',
  source: 'tdx_vmm_dispatcher.c, TDX module 1.5.01',
  needs: ['gated'],
  breaks: (world, entry) => {
    if (!isPlain(entry) || !world.release.checksRAXFormat) return null;
    const name = leafName(entry.leaf);
    const status = statusClass(entry);
    if (entry.before === 'SHUTDOWN')
      return name === 'TDH.SYS.LP.SHUTDOWN' || status === 'TDX_SYS_SHUTDOWN'
        ? null
        : `${name} answered ${status} after shutdown`;
    if (entry.before !== 'PENDING' && entry.before !== 'SYSINIT_DONE' && entry.before !== 'CONFIG_DONE') return null;
    return BEFORE_READY.has(name) || status === 'TDX_SYS_NOT_READY'
      ? null
      : `${name} answered ${status} in ${entry.before}`;
  },
});

export const MODULE_SYS_INFO_R9_IS_32 = afterEachCall({
  id: 'module/sys-info-r9-is-32',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.INFO returns R9 = 32 whatever the number of CMRs: R9 is not a count.',
  source: 'tdh_sys_info.c, TDX module 1.5.01; v7 09/20, Kai Huang, 23 Nov 2022 (R9 trusted as a count)',
  leaf: LEAF_NUMBER['TDH.SYS.INFO'],
  needs: ['leaf-info'],
  breaks: (_, entry) => (entry.rax === 0 && entry.r9 !== 32 ? `R9 = ${String(entry.r9)}` : null),
});

export const MODULE_CONFIG_WAITS_FOR_EVERY_LP = afterEachCall({
  id: 'module/config-waits-for-every-lp',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.CONFIG succeeds only when as many LPs as MCHECK counted have run TDH.SYS.LP.INIT.',
  source: 'tdh_sys_config.c, TDX module 1.5.01',
  leaf: LEAF_NUMBER['TDH.SYS.CONFIG'],
  needs: ['leaf-config'],
  breaks: (world, entry) => {
    if (entry.rax !== 0 || world.release.configWaitsFor !== 'every-lp') return null;
    return world.module.initialisedLPs < world.hardware.loader.totLPs
      ? `${world.module.initialisedLPs} of ${world.hardware.loader.totLPs} LPs`
      : null;
  },
});

export const MODULE_READY_MEANS_EVERY_PACKAGE = afterEachCall({
  id: 'module/ready-means-every-package',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.KEY.CONFIG makes the module READY exactly when it has succeeded on every package MCHECK counted.',
  source: 'tdh_sys_key_config.c, TDX module 1.5.01',
  leaf: LEAF_NUMBER['TDH.SYS.KEY.CONFIG'],
  needs: ['leaf-key-config'],
  breaks: (world, entry) => {
    if (entry.rax !== 0 || entry.after === entry.before || entry.after !== 'READY') return null;
    let count = 0;
    for (let rest = world.module.packagesConfigured; rest > 0; rest = (rest - (rest % 2)) / 2) count += rest % 2;
    return count >= world.hardware.loader.totPackages
      ? null
      : `READY with ${count} of ${world.hardware.loader.totPackages} packages`;
  },
});

export const MODULE_TDMR_INIT_PROGRESS = afterEachCall({
  id: 'module/tdmr-init-progress',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.TDMR.INIT returns a 1 GiB aligned next address between the base and the end of its TDMR.',
  source: 'tdh_sys_tdmr_init.c, TDX module 1.5.01',
  leaf: LEAF_NUMBER['TDH.SYS.TDMR.INIT'],
  needs: ['leaf-tdmr-init'],
  breaks: (world, entry) => {
    if (entry.rax !== 0) return null;
    const tdmr = world.module.tdmrs.find(({ base }) => base === entry.inRCX);
    if (tdmr === undefined) return 'succeeded on an address that is no TDMR base';
    const next = entry.rdx;
    const inside =
      typeof next === 'number' && next >= tdmr.base && next <= tdmr.base + tdmr.size && isAligned(next, GIB);
    return inside ? null : `RDX = ${hex(entry.rdx)}`;
  },
});

export const MODULE_LP_INIT_WINDOW = afterEachCall({
  id: 'module/lp-init-window',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.LP.INIT succeeds only between TDH.SYS.INIT and TDH.SYS.CONFIG.',
  source: 'tdh_sys_lp_init.c, TDX module 1.5.01',
  leaf: LEAF_NUMBER['TDH.SYS.LP.INIT'],
  needs: ['leaf-lp-init'],
  breaks: (_, entry) => (entry.rax === 0 && entry.before !== 'SYSINIT_DONE' ? `succeeded in ${entry.before}` : null),
});

export const MODULE_INIT_ONCE = afterEachCall({
  id: 'module/init-once',
  severity: 'tdx-lost',
  statement: 'TDH.SYS.INIT succeeds at most once in the life of a module.',
  source: 'tdh_sys_init.c, TDX module 1.5.01',
  leaf: LEAF_NUMBER['TDH.SYS.INIT'],
  needs: ['leaf-init'],
  breaks: (_, entry) => (entry.rax === 0 && entry.before !== 'PENDING' ? `succeeded in ${entry.before}` : null),
});

export const MODULE_RBP_CLOBBER_IS_NOTICED: Always = {
  holds: 'always',
  id: 'module/rbp-clobber-is-noticed',
  severity: 'crash',
  statement: 'A kernel that keeps its frame pointer in RBP does not use a module whose calls may change RBP.',
  source:
    'check_features(), Linux 6.17 (NO_RBP_MOD); "x86/kvm/tdx: Save %rbp in TDX_MODULE_CALL", Jürgen Groß, 24 May 2024',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (world.release.clobbersRBP && justInitialised(record))
      report(offence('', 'TDX is initialised on a module that may change RBP at every call'));
  },
};
