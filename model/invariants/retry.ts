import { STATUS } from '../abi/status.ts';
import { TRANSIENT_STATUSES } from '../abi/transient-status.ts';
import type { SeamcallEntry } from '../world/trace.ts';
import type { Always } from './invariant.ts';
import { INIT_EVENTS, failedSeamcall, leafName, offenceOf, statusClass } from './look.ts';

/** Statuses that allow another try. */

/** Calls in all while the module has no entropy. Source: RDRAND_RETRY_LOOPS, Linux 6.12. */
const ENTROPY_ATTEMPTS_MAX = 10;

export const RETRY_TRANSIENT_IS_NOT_PERMANENT: Always = {
  holds: 'always',
  id: 'retry/transient-is-not-permanent',
  severity: 'tdx-lost',
  statement:
    'A transient status (busy, no entropy, key generation failed) does not disable TDX for the rest of the boot.',
  source:
    'tdh_sys_key_config.c, TDX module 1.5.01 (the undo makes a retry legal); v10 05/16, Dave Hansen, 23 Mar 2023 (no entropy gets a status of its own)',
  after: INIT_EVENTS,
  needs: ['failed-call', 'errno', 'is-recoverable'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (
      root === undefined ||
      !(TRANSIENT_STATUSES as readonly string[]).includes(statusClass(root)) ||
      record.errno === 0
    )
      return;
    const { kernel } = world;
    // TDX may already be disabled by an earlier initialisation, or by one that runs at the same time.
    const settled =
      record.kind === 'enable' &&
      record.statusBefore !== record.statusAfter &&
      (record.statusAfter === 'error' || record.statusAfter === 'shutdown');
    const barred = settled || (kernel.sysinitDone && kernel.sysinitError !== 0);
    if (barred)
      report(
        offenceOf(
          root,
          `${leafName(root.leaf)} returned ${statusClass(root)} once and TDX is disabled until reboot`,
          '',
        ),
      );
  },
};

export const RETRY_ENTROPY_AT_MOST_TEN: Always = {
  holds: 'always',
  id: 'retry/entropy-at-most-ten',
  severity: 'cosmetic',
  statement: 'After TDX_RND_NO_ENTROPY the call is repeated at once, up to ten calls in all.',
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

export const RETRY_REPEATS_ITS_INPUTS: Always = {
  holds: 'always',
  id: 'retry/repeats-its-inputs',
  severity: 'tdx-lost',
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
        report(offenceOf(entry, `the retry of ${leafName(entry.leaf)} has other registers than the first try`));
        return;
      }
    }
  },
};
