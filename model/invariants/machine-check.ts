import type { Always } from './invariant.ts';
import { hex, leafName, offence } from './look.ts';
import { firstCall, kernelCalls } from './walk.ts';

/** The machine check handler, which reads the type of a page from the module. */

export const MACHINE_CHECK_ADDRESS_IS_MASKED: Always = {
  holds: 'always',
  id: 'machine-check/address-is-masked',
  severity: 'misleading',
  statement: 'The address given to TDH.PHYMEM.PAGE.RDMD carries no KeyID bits.',
  source:
    '"x86/mce: Fix missing address mask in recovery for errors in TDX/SEAM non-root mode", Adrian Hunter, 12 Aug 2025 (MCI_ADDR_PHYSADDR); tdx_dump_mce_info(), Linux 6.12',
  after: ['machine-check'],
  needs: ['leaf-rdmd'],
  check: (world, record, report) => {
    const keyidUnit = 2 ** (52 - world.hardware.keyidBits);
    for (const call of kernelCalls(world, record, 'TDH.PHYMEM.PAGE.RDMD')) {
      const { inRCX } = call;
      if (typeof inRCX === 'bigint' || inRCX >= keyidUnit)
        report(offence('', `RCX of TDH.PHYMEM.PAGE.RDMD is ${hex(inRCX)}`, call));
    }
  },
};

export const MACHINE_CHECK_ASKS_ONLY_WHEN_TDX_RUNS: Always = {
  holds: 'always',
  id: 'machine-check/asks-only-when-tdx-runs',
  severity: 'crash',
  statement: 'After a failed initialisation the kernel makes no SEAMCALL, not even in the machine check handler.',
  source: 'tdx_dump_mce_info() and paddr_is_tdx_private(), Linux 6.12 (gated on the platform feature alone)',
  after: ['machine-check'],
  needs: ['called'],
  check: (world, record, report) => {
    if (record.statusBefore !== 'error' && record.statusBefore !== 'shutdown') return;
    const call = firstCall(world, record);
    if (call !== undefined)
      report(
        offence(record.statusBefore, `${leafName(call.leaf)} on LP ${call.lp} after initialisation had failed`, call),
      );
  },
};
