import { ENODEV } from '../kernel/errno.ts';
import { messageNames } from '../kernel/message-subject.ts';
import type { EventRecord } from '../world/trace.ts';
import type { Always } from './invariant.ts';
import { INIT_EVENTS, failedSeamcall, leafName, offence, offenceOf, statusClass } from './look.ts';

/** Single failures, which must not disable TDX for the rest of the boot. */

export const ONCE_MISTIMED_FIRST_CALL_DOES_NOT_POISON: Always = {
  holds: 'always',
  id: 'once/mistimed-first-call-does-not-poison',
  severity: 'tdx-lost',
  statement: 'If TDH.SYS.INIT fails outside VMX operation, or before the module is loaded, it is called again later.',
  source: 'v11 07/20, David Hildenbrand, 19 Jun 2023; try_init_module_global(), Linux 6.12 (the result is cached)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'trapped'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || (root.trap !== 'ud' && root.trap !== 'vmfail')) return;
    if (world.kernel.sysinitDone && world.kernel.sysinitError !== 0 && leafName(root.leaf) === 'TDH.SYS.INIT')
      report(
        offenceOf(
          root,
          `the first ${leafName(root.leaf)} ended in ${statusClass(root)} on CPU ${root.lp}; the kernel keeps ${world.kernel.sysinitError} and returns it for every CPU`,
          '',
        ),
      );
  },
};

/** True if a line explains the refusal. Any line of a modelled kernel does; a line of another implementation must give a reason. */
function saysWhy({ kernel, dmesgFrom, dmesgTo }: EventRecord): boolean {
  for (let index = dmesgFrom; index < dmesgTo; index += 1) {
    const message = kernel.dmesg[index];
    if (message !== undefined && (message.id !== 'verbatim' || messageNames(message, 'reason'))) return true;
  }
  return false;
}

export const ONCE_ONE_FAILURE_DOES_NOT_BAR_TDX: Always = {
  holds: 'always',
  id: 'once/one-failure-does-not-bar-tdx',
  severity: 'tdx-lost',
  statement: 'After a failed initialisation the next attempt does some work, or prints why it does not.',
  source: 'tdx_enable(), Linux 6.12 (TDX_MODULE_ERROR: -EINVAL, silently)',
  after: ['enable'],
  needs: ['done', 'errno'],
  check: (_, record, report) => {
    if (record.outcome !== 'done' || record.errno === 0 || record.from !== record.to || saysWhy(record)) return;
    if (record.statusBefore === 'error' || record.statusBefore === 'shutdown')
      report(offence(record.statusBefore, `the attempt returns ${record.errno} without doing or printing anything`));
  },
};

export const ONCE_ALLOCATION_FAILURE_IS_NOT_PERMANENT: Always = {
  holds: 'always',
  id: 'once/allocation-failure-is-not-permanent',
  severity: 'tdx-lost',
  statement: 'One failed allocation does not disable TDX for the rest of the boot.',
  source: 'init_tdx_module(), Linux 6.12 (any error ends in TDX_MODULE_ERROR)',
  after: ['enable'],
  needs: ['failed-allocation'],
  check: (world, record, report) => {
    if (world.kernel.status !== 'error' && world.kernel.status !== 'shutdown') return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'alloc' || !entry.injected) continue;
      report(
        offence(
          `kind ${entry.what}`,
          `an allocation of ${entry.bytes} bytes failed once and TDX is disabled until reboot`,
          entry,
        ),
      );
      return;
    }
  },
};

export const ONCE_ABSENCE_IS_REMEMBERED: Always = {
  holds: 'always',
  id: 'once/absence-is-remembered',
  severity: 'misleading',
  statement: 'A kernel that treats failures as final does not look for an absent module again.',
  source: 'v5 06/22, Chao Gao, 24 Jun 2022 (the status is not set to TDX_MODULE_NONE)',
  after: ['enable'],
  needs: ['errno', 'failed-call'],
  check: (world, record, report) => {
    const { failureIsFinal, enablesAtBoot } = world.kernel.revision;
    if (!failureIsFinal || enablesAtBoot || record.errno !== ENODEV || record.statusAfter !== 'uninitialised') return;
    const root = failedSeamcall(world, record);
    if (root?.trap === 'vmfail')
      report(
        offence('', 'no module answers, the status stays "unknown", and every caller tries and prints again', root),
      );
  },
};
