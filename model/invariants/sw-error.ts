import { highHalf } from '../abi/u64.ts';
import { EACCES, EIO, ENODEV, EOPNOTSUPP, errnoName } from '../kernel/errno.ts';
import type { Always } from './invariant.ts';
import { INIT_EVENTS, failedSeamcall, lastSeamcall, leafName, offence, offenceOf, statusClass } from './look.ts';

/** Faults of the SEAMCALL instruction become status codes, and those become errnos. */

export const SW_ERROR_FAULT_NEVER_CRASHES: Always = {
  holds: 'always',
  id: 'sw-error/fault-never-crashes',
  severity: 'crash',
  statement: '#GP or #UD on SEAMCALL becomes a TDX_SW_ERROR status; the kernel does not oops.',
  source: 'v11 05/20, Kai Huang, 7 Jun 2023',
  after: 'all',
  needs: ['crashed', 'failed-call'],
  check: (world, record, report) => {
    if (record.outcome !== 'crashed') return;
    const root = lastSeamcall(world, record);
    if (root === undefined || (root.trap !== 'gp' && root.trap !== 'ud')) return;
    report(
      offence(
        statusClass(root),
        `${statusClass(root)} on ${leafName(root.leaf)} on CPU ${root.lp} crashed the kernel: ${world.kernel.crash ?? ''}`,
        root,
      ),
    );
  },
};

export const SW_ERROR_CLASS_FF_IS_NEVER_THE_MODULE_S: Always = {
  holds: 'always',
  id: 'sw-error/class-ff-is-never-the-module-s',
  severity: 'misleading',
  statement: 'No status the module returns has bits 47:40 all set: that class is reserved for the host.',
  source: 'arch/x86/include/asm/tdx.h, TDX_SW_ERROR, Linux 6.12',
  after: 'all',
  needs: ['refused'],
  check: (world, record, report) => {
    for (let index = record.from; index < record.to; index += 1) {
      const entry = world.trace[index];
      if (entry?.kind !== 'seamcall' || entry.trap !== 'none' || entry.rax === 0) continue;
      if (((highHalf(entry.rax) >>> 8) & 0xff) === 0xff)
        report(offenceOf(entry, `${leafName(entry.leaf)} returned a status of class 0xff`));
    }
  },
};

const ERRNO_OF_TRAP = { gp: EOPNOTSUPP, ud: EACCES, vmfail: ENODEV, none: EIO } as const;

export const SW_ERROR_ERRNO_SAYS_HOW: Always = {
  holds: 'always',
  id: 'sw-error/errno-says-how',
  severity: 'misleading',
  statement:
    'A call that fails on a SEAMCALL returns -EACCES for #UD, -EOPNOTSUPP for #GP, -ENODEV for VMfailInvalid, -EIO for anything else.',
  source: 'sc_retry_prerr(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12',
  after: INIT_EVENTS,
  needs: ['failed-call', 'errno'],
  check: (world, record, report) => {
    if (record.outcome === 'crashed') return;
    const root = failedSeamcall(world, record);
    if (root === undefined || record.errno === 0) return;
    const expected = ERRNO_OF_TRAP[root.trap];
    if (record.errno !== expected)
      report(
        offence(
          `${root.trap === 'none' ? 'status' : statusClass(root)}: ${errnoName(record.errno)}`,
          `${leafName(root.leaf)} ended in ${statusClass(root)}: ${errnoName(expected)} was expected, ${errnoName(record.errno)} was returned`,
          root,
        ),
      );
  },
};

export const SW_ERROR_FAILURE_IS_NEVER_SUCCESS: Always = {
  holds: 'always',
  id: 'sw-error/failure-is-never-success',
  severity: 'tdx-lost',
  statement: 'An initialisation whose last SEAMCALL failed does not return 0.',
  source: 'tdx_enable() and tdx_cpu_enable(), Linux 6.12',
  after: ['enable', 'cpu-enable'],
  needs: ['failed-call', 'succeeded'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root !== undefined && record.errno === 0 && record.outcome === 'done')
      report(offenceOf(root, `${leafName(root.leaf)} ended in ${statusClass(root)} and the call returned 0`));
  },
};

export const SW_ERROR_NO_CRASH: Always = {
  holds: 'always',
  id: 'sw-error/no-crash',
  severity: 'crash',
  statement: 'No platform, no hot-plug event and no answer of the module crashes the kernel.',
  source: 'v5 02/22, Kai Huang, 27 Jun 2022 (no BUG() on hot-removal); v7 04/20, Thomas Gleixner, 23 Nov 2022',
  after: 'all',
  needs: ['crashed'],
  check: (world, record, report) => {
    // A deadlock has its own rule, and so have faults on SEAMCALL.
    if (record.outcome !== 'crashed' || world.kernel.crash?.startsWith('deadlock') === true) return;
    const root = lastSeamcall(world, record);
    if (root !== undefined && (root.trap === 'gp' || root.trap === 'ud')) return;
    report(offence(record.kind, `${record.kind} crashed the kernel: ${world.kernel.crash ?? ''}`));
  },
};
