import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { ENOMEM, ENOSPC, errnoName } from '../kernel/errno.ts';
import { messageIdNames, messageNames } from '../kernel/message-subject.ts';
import type { Named } from '../kernel/message-text.ts';
import { bootLP } from '../platform/topology.ts';
import { isInstallOpen } from '../seamldr/seamldr.ts';
import type { EventRecord } from '../world/trace.ts';
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
  packagesWithoutCPU,
  statusClass,
} from './look.ts';
import { isNamed } from './walk.ts';

/** What dmesg explains. `-5` alone explains nothing; these rules are about the lines before it. */

const TDH_SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];

/** True if a line that is printed once per boot was printed before. */
function wasSaidOnce({ kernel }: EventRecord, what: Named): boolean {
  for (const id of kernel.printedOnce) if (messageIdNames(id, what)) return true;
  return false;
}

function silentTrap(trap: 'gp' | 'ud', name: string, id: string): Always {
  return {
    holds: 'always',
    id,
    severity: 'misleading',
    statement: `Initialisation that fails on ${name} says so: at least one line gives the leaf or the reason.`,
    source:
      'v11 05/20, Kai Huang and Dave Hansen, 7 Jun 2023; "x86/virt/tdx: accurately distinguishes TDX module loading situations", Jun Miao, 29 Jun 2024 (customer site, SEAMLDR load error)',
    after: INIT_EVENTS,
    needs: ['failed-call', 'trapped', 'errno'],
    check: (world, record, report) => {
      const root = failedSeamcall(world, record);
      if (root?.trap !== trap || record.outcome === 'crashed' || record.errno === 0) return;
      if (!isNamed(record, 'leaf') && !isNamed(record, 'reason') && !wasSaidOnce(record, 'reason'))
        report(
          // The leaf is not part of the bucket: with overlapping threads it may be any.
          offence(
            name,
            `${leafName(root.leaf)} on CPU ${root.lp} ended in ${name}; dmesg has only the final line`,
            root,
          ),
        );
    },
  };
}

export const NAMING_GP_IS_NOT_SILENT = silentTrap('gp', '#GP', 'naming/gp-is-not-silent');
export const NAMING_UD_IS_NOT_SILENT = silentTrap('ud', '#UD', 'naming/ud-is-not-silent');

export const NAMING_FAILURE_NAMES_LEAF_OR_REASON: Always = {
  holds: 'always',
  id: 'naming/failure-names-leaf-or-reason',
  severity: 'misleading',
  statement:
    'An initialisation that has started and fails prints the failing leaf or the reason (-ENOMEM needs no line).',
  source:
    'tdx_enable(), Linux 6.12; "x86/virt/tdx: accurately distinguishes TDX module loading situations", Kai Huang, 19 Jul 2024 (printing the error code does not help the user)',
  after: INIT_EVENTS,
  needs: ['errno', 'done', 'traced'],
  check: (world, record, report) => {
    if (record.errno === 0 || record.outcome !== 'done' || record.from === record.to || record.errno === ENOMEM) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined && (root.trap === 'gp' || root.trap === 'ud')) return;
    if (isNamed(record, 'leaf') || isNamed(record, 'reason')) return;
    if (root !== undefined) {
      const message = `${leafName(root.leaf)} ended in ${statusClass(root)} and dmesg gives neither leaf nor reason`;
      if (root.trap === 'vmfail') {
        if (!wasSaidOnce(record, 'reason')) report(offence('VMfailInvalid', message));
      } else report(offence(wasSaidOnce(record, 'leaf') ? 'printed once' : 'status', message));
    } else
      report(
        offence(
          errnoName(record.errno),
          `${record.kind} failed with ${errnoName(record.errno)} and dmesg gives no reason`,
        ),
      );
  },
};

export const NAMING_VERDICT_CARRIES_ERRNO: Always = {
  holds: 'always',
  id: 'naming/verdict-carries-errno',
  severity: 'misleading',
  statement: 'The final line of a failed initialisation carries the errno the caller gets.',
  source: 'tdx_enable(), Linux 6.12',
  after: ['enable'],
  needs: ['printed'],
  check: (_, record, report) => {
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message !== undefined && messageNames(message, 'verdict') && message.a !== record.errno)
        report(offence(errnoName(record.errno), `dmesg has ${String(message.a)}, the caller gets ${record.errno}`));
    }
  },
};

export const NAMING_PACKAGE_WITHOUT_CPU_IS_NAMED: Always = {
  holds: 'always',
  id: 'naming/package-without-cpu-is-named',
  severity: 'misleading',
  statement: 'If initialisation fails because a package has no online CPU, a line names that package.',
  source:
    'v8 13/16, Dave Hansen and Kai Huang, 10 Jan 2023 ("failed to configure module, no online CPUs in package 12")',
  after: ['enable'],
  needs: ['errno', 'done', 'wants-cpus'],
  check: (world, record, report) => {
    if (record.errno === 0 || record.outcome !== 'done' || !isUndisturbed(world)) return;
    // Which CPUs were online is known only for an initialisation that overlapped with nothing.
    if (isOverlapped(world, record)) return;
    const root = failedSeamcall(world, record);
    if (root !== undefined) {
      const status = statusClass(root);
      if (status !== 'TDX_SYS_CONFIG_NOT_PENDING' && status !== 'TDX_SYS_NOT_READY') return;
      // A module without TDH.SYS.RD returns TDX_SYS_NOT_READY too; that is not about packages.
      if (root.condition !== null || root.leaf === TDH_SYS_RD) return;
    } else if (!isNamed(record, 'lp') && !isRefusedForOfflineCPUs(record)) return;
    for (const pkg of packagesWithoutCPU(world)) {
      if (isNamed(record, 'package', pkg)) continue;
      const message = `package ${pkg} has no online CPU, ${record.kind} failed with ${errnoName(record.errno)}, and no line names the package`;
      report(root === undefined ? offence('no SEAMCALL', message) : offenceOf(root, message));
      return;
    }
  },
};

export const NAMING_LP_THAT_BLOCKS_INIT_IS_NAMED: Always = {
  holds: 'always',
  id: 'naming/lp-that-blocks-init-is-named',
  severity: 'misleading',
  statement: 'If initialisation fails because a counted LP never ran TDH.SYS.LP.INIT, a line names that LP.',
  source: 'v7 04/20, Thomas Gleixner, 23 Nov 2022 (nosmt); tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['errno', 'done', 'wants-cpus'],
  check: (world, record, report) => {
    if (record.errno === 0 || record.outcome !== 'done' || !isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root === undefined) {
      if (isRefusedForOfflineCPUs(record) && !isNamed(record, 'lp'))
        report(offence('no SEAMCALL', 'some CPU is offline, and no line names one'));
      return;
    }
    if (statusClass(root) !== 'TDX_SYS_CONFIG_NOT_PENDING' || root.condition !== null) return;
    const missing = countedLPsNotInitialised(world);
    if (missing.length > 0 && !missing.some((lp) => isNamed(record, 'lp', lp)))
      report(
        offenceOf(
          root,
          `${missing.length === 1 ? 'LP' : 'LPs'} ${missing.join(', ')} never ran TDH.SYS.LP.INIT, and no line names ${missing.length === 1 ? 'it' : 'one'}`,
        ),
      );
  },
};

export const NAMING_MEMORY_OUTSIDE_CMRS_IS_NAMED: Always = {
  holds: 'always',
  id: 'naming/memory-outside-cmrs-is-named',
  severity: 'misleading',
  statement: 'If initialisation fails because memory lies outside the CMRs, a line names the region.',
  source:
    'v7 10/20, Dave Hansen, 22 Nov 2022; "tdx, memory hotplug: Check whole hot-adding memory range for TDX", Huang Ying, 30 Sep 2024 (CXL hot-add rejected without a word)',
  after: ['enable'],
  needs: ['done', 'failed-call', 'wants-memory'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || record.outcome !== 'done') return;
    const status = statusClass(root);
    if ((status === 'TDX_TDMR_OUTSIDE_CMRS' || status === 'TDX_PAMT_OUTSIDE_CMRS') && !isNamed(record, 'region'))
      report(offenceOf(root, `${status}, and no line names the region`));
  },
};

export const NAMING_REFUSED_MEMORY_ADD_IS_EXPLAINED: Always = {
  holds: 'always',
  id: 'naming/refused-memory-add-is-explained',
  severity: 'misleading',
  statement: 'If memory is refused because of TDX, a line names the range.',
  source:
    '"tdx, memory hotplug: Check whole hot-adding memory range for TDX", Huang Ying, 30 Sep 2024 ("Reject hot-adding memory range")',
  after: ['memory-add'],
  needs: ['said-no'],
  check: (world, record, report) => {
    if (record.outcome !== 'refused' || isNamed(record, 'region')) return;
    // An initialisation in progress has fixed the list of TDX memory before it sets its status: the same refusal.
    const status = isOverlapped(world, record) ? 'initialised' : record.statusAfter;
    report(offence(`TDX ${status}`, 'the range is refused and dmesg gives no reason'));
  },
};

export const NAMING_MODULE_NOT_LOADED_IS_TRUE: Always = {
  holds: 'always',
  id: 'naming/module-not-loaded-is-true',
  severity: 'misleading',
  statement: '"Module not loaded" is printed only if no module is loaded.',
  source:
    'seamcall(), v7 05/20 (#GP becomes -ENODEV and so "not loaded"); try_init_module_global(), Linux 6.12 (VMfailInvalid means absent, busy or dead)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'printed'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || !isNamed(record, 'absence')) return;
    if (root.trap === 'gp')
      report(offence('#GP', 'SEAM is off on that CPU; the line says that the module is not loaded'));
    else if (root.before === 'DEAD')
      report(offence('dead', 'the module has shut itself down; the line says that it is not loaded'));
    else if (isInstallOpen(world.seamldr))
      report(
        offence('INSTALL session', 'the loader is in the middle of INSTALL; the line says that no module is loaded'),
      );
  },
};

export const NAMING_OLD_MODULE_IS_CALLED_OLD: Always = {
  holds: 'always',
  id: 'naming/old-module-is-called-old',
  severity: 'misleading',
  statement: 'If initialisation fails because the module lacks a leaf or field the kernel reads, a line says so.',
  source: 'github.com/canonical/tdx/issues/83 and /331 (module 1.0 under a kernel that needs TDH.SYS.RD)',
  after: ['enable'],
  needs: ['errno', 'failed-call'],
  check: (world, record, report) => {
    if (record.errno === 0 || record.outcome !== 'done' || !isUndisturbed(world)) return;
    const root = failedSeamcall(world, record);
    if (root?.leaf !== TDH_SYS_RD || root.trap !== 'none' || isNamed(record, 'reason')) return;
    if (world.release.absentLeaves.some(({ number }) => number === TDH_SYS_RD))
      report(
        offence(
          'no TDH.SYS.RD',
          `TDH.SYS.RD ended in ${statusClass(root)}: the module is too old, and no line reports that`,
        ),
      );
    else if (statusClass(root) === 'TDX_METADATA_FIELD_ID_INCORRECT')
      report(
        offence('no such field', 'the module does not have a field that the kernel reads, and no line reports that'),
      );
  },
};

export const NAMING_REFUSED_TD_NAMES_THE_PACKAGE: Always = {
  holds: 'always',
  id: 'naming/refused-td-names-the-package',
  severity: 'misleading',
  statement: 'If a TD is refused because a package has no online CPU, a line names that package.',
  source:
    'v8 13/16, Kai Huang, 10 Jan 2023 (KVM: no TD without a CPU in every package); v8 13/16, Dave Hansen, 10 Jan 2023 ("no online CPUs in package 12")',
  after: ['td-create'],
  needs: ['said-no'],
  check: (world, record, report) => {
    if (record.outcome !== 'refused' || !isUndisturbed(world) || isOverlapped(world, record)) return;
    // Out of memory, out of KeyIDs and a refused SEAMCALL are other reasons.
    if (record.errno === ENOMEM || record.errno === ENOSPC || failedSeamcall(world, record) !== undefined) return;
    for (const pkg of packagesWithoutCPU(world)) {
      if (isNamed(record, 'package', pkg)) continue;
      report(offence('', `package ${pkg} has no online CPU, and no line names it`));
      return;
    }
  },
};

export const NAMING_CPU_THAT_STAYS_NAMES_THE_PACKAGE: Always = {
  holds: 'always',
  id: 'naming/cpu-that-stays-names-the-package',
  severity: 'misleading',
  statement: 'If a CPU may not go offline because of a guest, a line names its package.',
  source:
    'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16 (the line names no package); v8 13/16, Dave Hansen, 10 Jan 2023',
  after: ['cpu-offline', 'acpi-cpu-remove'],
  needs: ['said-no'],
  check: (world, record, report) => {
    const { event } = record;
    if (record.outcome !== 'refused' || !('lp' in event) || event.lp === bootLP(world.platform.lps)) return;
    const pkg = world.kernel.cpus[event.lp]?.package ?? -1;
    if (world.kernel.guestKeyids.length > 0 && !isNamed(record, 'package', pkg))
      report(offence('', `LP ${event.lp} stays online, and no line names package ${pkg}`));
  },
};
