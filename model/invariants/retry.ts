import { STATUS } from '../abi/status.ts';
import { ENODEV } from '../kernel/errno.ts';
import { messageNames } from '../kernel/message-subject.ts';
import { INIT_EVENTS, failedSeamcall, leafName, offence, offenceOf, statusClass } from './look.ts';
import type { EventRecord, SeamcallEntry } from '../world/trace.ts';
import type { Always } from './invariant.ts';

/** Transient answers are for trying again. */

const TRANSIENT: ReadonlySet<string> = new Set([
  'TDX_SYS_BUSY',
  'TDX_OPERAND_BUSY',
  'TDX_KEY_GENERATION_FAILED',
  'TDX_RND_NO_ENTROPY',
  'TDX_INTERRUPTED_RESUMABLE',
  'TDX_INTERRUPTED_RESTARTABLE',
]);

/** Calls in all while the module has no entropy. Source: RDRAND_RETRY_LOOPS, Linux 6.12. */
const ENTROPY_ATTEMPTS_MAX = 10;

export const A_TRANSIENT_STATUS_IS_NOT_PERMANENT: Always = {
  holds: 'always',
  id: 'retry/transient-is-not-permanent',
  statement: 'A transient status (busy, no entropy, key generation failed) never bars TDX for the rest of the boot.',
  source:
    'tdh_sys_key_config.c, TDX module 1.5.01 (the undo makes a retry legal); L36109619758 (entropy agreement, Mar 2023)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'errno', 'is-transient'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || !TRANSIENT.has(statusClass(root)) || record.errno === 0) return;
    const { kernel } = world;
    // What an earlier initialisation, or one under way at the same time, has barred is not this event's doing.
    const settled =
      record.kind === 'enable' &&
      record.statusBefore !== record.statusAfter &&
      (record.statusAfter === 'error' || record.statusAfter === 'shutdown');
    const barred = settled || (kernel.sysinitDone && kernel.sysinitError !== 0);
    if (barred)
      report(
        offenceOf(root, `${leafName(root.leaf)} answered ${statusClass(root)} once and TDX is lost until reboot`, ''),
      );
  },
};

export const NO_ENTROPY_IS_RETRIED_TEN_TIMES_AT_MOST: Always = {
  holds: 'always',
  id: 'retry/entropy-at-most-ten',
  statement: 'TDX_RND_NO_ENTROPY is retried at once, ten calls in all at most.',
  source: 'sc_retry(), arch/x86/include/asm/tdx.h, Linux 6.12',
  after: INIT_EVENTS,
  needs: ['refused'],
  check: (world, record, report) => {
    let run = 0;
    let last: SeamcallEntry | undefined;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.raw) continue;
      // Another LP's call is no retry of this one.
      if (entry.leaf !== last?.leaf || entry.lp !== last.lp) run = 0;
      last = entry;
      run = entry.rax === STATUS.TDX_RND_NO_ENTROPY ? run + entry.calls : 0;
      if (run > ENTROPY_ATTEMPTS_MAX) {
        report(offenceOf(entry, `${leafName(entry.leaf)} was tried ${run} times without entropy`));
        return;
      }
    }
  },
};

export const A_RETRY_REPEATS_ITS_INPUTS: Always = {
  holds: 'always',
  id: 'retry/repeats-its-inputs',
  statement: 'A retry after TDX_RND_NO_ENTROPY sends the same inputs again, not the outputs of the refused call.',
  source: 'sc_retry() over __seamcall_ret(), arch/x86/include/asm/tdx.h, Linux 6.12',
  after: INIT_EVENTS,
  needs: ['refused'],
  check: (world, record, report) => {
    for (let index = record.from + 1; index < record.to; index += 1) {
      const entry = world.trace[index];
      const previous = world.trace[index - 1];
      if (entry?.kind !== 'seamcall' || previous?.kind !== 'seamcall' || entry.raw || previous.raw) continue;
      if (previous.rax !== STATUS.TDX_RND_NO_ENTROPY || previous.leaf !== entry.leaf || previous.lp !== entry.lp)
        continue;
      if (entry.inRCX !== previous.inRCX || entry.inRDX !== previous.inRDX || entry.inR8 !== previous.inR8) {
        report(
          offenceOf(entry, `the retry of ${leafName(entry.leaf)} went out with other registers than the first try`),
        );
        return;
      }
    }
  },
};

export const A_MISTIMED_FIRST_CALL_DOES_NOT_POISON_THE_BOOT: Always = {
  holds: 'always',
  id: 'once/mistimed-first-call-does-not-poison',
  statement:
    'TDH.SYS.INIT called outside VMX operation, or before the module is loaded, is tried again when that has changed.',
  source: 'v12 review, David Hildenbrand (L10316635977); try_init_module_global(), Linux 6.12 (the result is cached)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'trapped'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined || (root.trap !== 'ud' && root.trap !== 'vmfail')) return;
    if (world.kernel.sysinitDone && world.kernel.sysinitError !== 0 && leafName(root.leaf) === 'TDH.SYS.INIT')
      report(
        offenceOf(
          root,
          `the first ${leafName(root.leaf)} ended in ${statusClass(root)} on CPU ${root.lp}; every CPU gets ${world.kernel.sysinitError} from now on`,
          '',
        ),
      );
  },
};

/** A line of a kernel that we know does, where it answers at once; one of somebody else's has to give the reason. */
function saysWhy({ kernel, dmesgFrom, dmesgTo }: EventRecord): boolean {
  for (let index = dmesgFrom; index < dmesgTo; index += 1) {
    const message = kernel.dmesg[index];
    if (message !== undefined && (message.id !== 'verbatim' || messageNames(message, 'reason'))) return true;
  }
  return false;
}

export const ONE_FAILURE_DOES_NOT_BAR_TDX: Always = {
  holds: 'always',
  id: 'once/one-failure-does-not-bar-tdx',
  statement:
    'After a failed initialisation the next attempt is an attempt: it does something, or says why it does not.',
  source: 'tdx_enable(), Linux 6.12 (TDX_MODULE_ERROR: -EINVAL, silently)',
  after: ['enable'],
  needs: ['done', 'errno'],
  check: (_, record, report) => {
    if (record.outcome !== 'done' || record.errno === 0 || record.from !== record.to || saysWhy(record)) return;
    if (record.statusBefore === 'error' || record.statusBefore === 'shutdown')
      report(offence(record.statusBefore, `the attempt returns ${record.errno} without doing or saying anything`));
  },
};

export const AN_ALLOCATION_FAILURE_IS_NOT_PERMANENT: Always = {
  holds: 'always',
  id: 'once/allocation-failure-is-not-permanent',
  statement: 'Memory that could not be allocated once does not bar TDX for the rest of the boot.',
  source: 'init_tdx_module(), Linux 6.12 (any error ends in TDX_MODULE_ERROR)',
  after: ['enable'],
  needs: ['failed-allocation'],
  check: (world, record, report) => {
    if (world.kernel.status !== 'error' && world.kernel.status !== 'shutdown') return;
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'alloc' || !entry.injected) continue;
      report(
        offence(`kind ${entry.what}`, `an allocation of ${entry.bytes} bytes failed once and TDX is lost until reboot`),
      );
      return;
    }
  },
};

export const ABSENCE_IS_REMEMBERED: Always = {
  holds: 'always',
  id: 'once/absence-is-remembered',
  statement: 'A kernel whose failures are final does not ask again for a module that was not there.',
  source: 'v5 07/22 review, Chao Gao (L14245730965: the status is not set to TDX_MODULE_NONE)',
  after: ['enable'],
  needs: ['errno', 'failed-call'],
  check: (world, record, report) => {
    const { failureIsFinal, enablesAtBoot } = world.kernel.revision;
    if (!failureIsFinal || enablesAtBoot || record.errno !== ENODEV || record.statusAfter !== 'uninitialised') return;
    const root = failedSeamcall(world, record);
    if (root?.trap === 'vmfail')
      report(offence('', 'no module answers, the status stays "unknown", and every caller asks and prints again'));
  },
};
