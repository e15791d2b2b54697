import { ENOSPC } from '../kernel/errno.ts';
import { mergeCMRs } from '../platform/cmr.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { failedSeamcall, offence, offenceOf, statusClass } from './look.ts';

/** What an awkward but workable memory map may not cost. */

const RESERVED_MAX = 16;
const GIB = 2 ** 30;

/** Stretches of [base, end) outside the union of the CMRs. */
function holesOutsideCMRs(world: World, base: number, end: number): number {
  let holes = 0;
  let covered = base;
  for (const cmr of mergeCMRs(world.platform.cmrs)) {
    const cmrEnd = cmr.base + cmr.size;
    if (cmrEnd <= covered || cmr.base >= end) continue;
    if (cmr.base > covered) holes += 1;
    covered = cmrEnd;
  }
  return covered < end ? holes + 1 : holes;
}

export const MEMORY_OUTSIDE_THE_CMRS_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'memory/outside-cmrs-does-not-cost-tdx',
  statement: 'RAM that is not convertible (hot-added, CXL) does not cost the machine TDX.',
  source: 'v7 10/20 review, Dave Hansen; archive refs 58287725306, 58078908472 (CXL memory onlined as RAM)',
  after: ['enable'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined) return;
    const status = statusClass(root);
    if (status === 'TDX_TDMR_OUTSIDE_CMRS' || status === 'TDX_PAMT_OUTSIDE_CMRS')
      report(offenceOf(root, `${status}: ${root.reason}`));
  },
};

export const RESERVED_AREAS_SUFFICE_WHERE_CMRS_FIT: Always = {
  holds: 'always',
  id: 'memory/reserved-areas-suffice-where-cmrs-fit',
  statement:
    'A TDMR whose holes outside the CMRs, and all PAMTs, fit 16 reserved areas does not fail for want of areas.',
  source:
    'lore 23bb421e9bf5443a823e163fb2d899760d9f14a3.1731498635.git.kai.huang@intel.com; github.com/canonical/tdx/issues/135',
  after: ['enable'],
  check: (world, record, report) => {
    if (record.errno !== ENOSPC || record.outcome !== 'done') return;
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      if (message?.id !== 'reserved-areas-exhausted' || typeof message.a !== 'number' || typeof message.b !== 'number')
        continue;
      const needed = holesOutsideCMRs(world, message.a, message.b) + tdmrsNeeded(world);
      if (needed <= RESERVED_MAX)
        report(
          offence(
            'exhausted',
            `TDMR [0x${message.a.toString(16)}, 0x${message.b.toString(16)}) would need at most ${needed} areas with the holes taken from the CMRs`,
          ),
        );
    }
  },
};

/** One PAMT per TDMR, at most one TDMR per memory block and never more than the GiBs it touches. */
function tdmrsNeeded(world: World): number {
  let count = 0;
  let covered = 0;
  for (const { base, size } of world.kernel.memblock) {
    const end = base + size + ((GIB - ((base + size) % GIB)) % GIB);
    if (end <= covered) continue;
    covered = end;
    count += 1;
  }
  return count;
}
