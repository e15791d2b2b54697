import { GIB } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import type { TDMR } from '../kernel/tdmr.ts';
import { isConvertible } from '../platform/cmr.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { failedSeamcall, hex, leafName, offence, offenceOf, statusClass } from './look.ts';
import { firstUncovered } from './usable-memory.ts';
import { justInitialised } from './walk.ts';

/** The TDMRs that the host passes to the module. Bytes. */

const TDMR_MAX = 64;
const RESERVED_MAX = 16;

/** The kernel's TDMRs in use. */
function tdmrsInUse(world: World): readonly TDMR[] {
  return world.kernel.tdmrs.slice(0, world.kernel.tdmrCount);
}

const HOST_MISTAKES: ReadonlySet<string> = new Set([
  'TDX_INVALID_TDMR',
  'TDX_NON_ORDERED_TDMR',
  'TDX_INVALID_PAMT',
  'TDX_PAMT_OVERLAP',
  'TDX_INVALID_RESERVED_IN_TDMR',
  'TDX_NON_ORDERED_RESERVED_IN_TDMR',
]);

export const TDMR_MODULE_FINDS_NO_FAULT: Always = {
  holds: 'always',
  id: 'tdmr/module-finds-no-fault',
  severity: 'tdx-lost',
  statement: "TDH.SYS.CONFIG never refuses the host's TDMRs for their geometry.",
  source: 'tdh_sys_config.c, TDX module 1.5.01; construct_tdmrs(), Linux 6.12',
  after: ['enable'],
  needs: ['failed-call', 'wants-memory'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root !== undefined && leafName(root.leaf) === 'TDH.SYS.CONFIG' && HOST_MISTAKES.has(statusClass(root)))
      report(offenceOf(root, `${statusClass(root)}: ${root.reason}`));
  },
};

export const TDMR_GEOMETRY: Always = {
  holds: 'always',
  id: 'tdmr/geometry',
  severity: 'tdx-lost',
  statement:
    'There are 1 to 64 TDMRs; their bases and sizes are multiples of 1 GiB; none is empty; they ascend and are disjoint.',
  source: 'TDX Module ABI specification, TDMR_INFO; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    const { tdmrCount } = world.kernel;
    if (tdmrCount < 1 || tdmrCount > TDMR_MAX) report(offence('count', `${tdmrCount} TDMRs`));
    let end = 0;
    for (const tdmr of tdmrsInUse(world)) {
      if (!isAligned(tdmr.base, GIB) || !isAligned(tdmr.size, GIB) || tdmr.size === 0 || tdmr.base < end)
        report(offence('geometry', `TDMR [${hex(tdmr.base)}, ${hex(tdmr.base + tdmr.size)})`));
      end = tdmr.base + tdmr.size;
    }
  },
};

export const TDMR_RESERVED_AREAS: Always = {
  holds: 'always',
  id: 'tdmr/reserved-areas',
  severity: 'tdx-lost',
  statement: 'Reserved areas are 4 KiB aligned, not empty, ascending, disjoint, inside their TDMR and at most 16.',
  source: 'TDX Module ABI specification, TDMR_INFO; tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    for (const tdmr of tdmrsInUse(world)) {
      let end = 0;
      const { base, reserved } = tdmr;
      let wrong =
        reserved.length > RESERVED_MAX ? `it has ${reserved.length}, at most ${RESERVED_MAX} are allowed` : '';
      for (const { offset, size } of reserved) {
        let fault = '';
        if (!isAligned(offset, PAGE_4K) || !isAligned(size, PAGE_4K)) fault = 'is not made of whole pages';
        else if (size === 0) fault = 'is empty';
        else if (offset < end) fault = 'begins below the end of the one before';
        else if (offset + size > tdmr.size) fault = 'ends outside the TDMR';
        if (fault !== '') wrong = `[${hex(base + offset)}, ${hex(base + offset + size)}) ${fault}`;
        end = offset + size;
      }
      if (wrong !== '') report(offence('reserved', `reserved areas of the TDMR at ${hex(base)}: ${wrong}`));
    }
  },
};

export const TDMR_COVERS_TDX_MEMORY: Always = {
  holds: 'always',
  id: 'tdmr/covers-tdx-memory',
  severity: 'part-lost',
  statement:
    "After a successful initialisation every page of the kernel's TDX memory is usable through a TDMR or holds a PAMT.",
  source: 'construct_tdmrs(), Linux 6.12',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    for (const { startPfn, endPfn } of world.kernel.tdxMemory) {
      const gap = firstUncovered(world, startPfn * PAGE_4K, endPfn * PAGE_4K);
      if (gap < endPfn * PAGE_4K) {
        report(
          offence(
            'reserved',
            `${hex(gap)} is in the kernel's list of TDX memory, and reserved or in no TDMR for the module`,
          ),
        );
        return;
      }
    }
  },
};

export const TDMR_INSIDE_CMRS: Always = {
  holds: 'always',
  id: 'tdmr/inside-cmrs',
  severity: 'tdx-lost',
  statement:
    'Once the module has accepted a TDMR, every part of it that is not reserved lies in the union of the CMRs.',
  source: 'tdh_sys_config.c, TDX module 1.5.01',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    const { cmrs } = world.platform;
    for (const tdmr of tdmrsInUse(world)) {
      let start = tdmr.base;
      for (const { offset, size } of [...tdmr.reserved, { offset: tdmr.size, size: 0 }]) {
        if (!isConvertible(cmrs, start, tdmr.base + offset))
          report(offence('usable', `[${hex(start)}, ${hex(tdmr.base + offset)}) is usable and not convertible`));
        start = tdmr.base + offset + size;
      }
    }
  },
};
