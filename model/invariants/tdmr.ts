import { isAligned } from '../abi/align.ts';
import { isConvertible } from '../platform/cmr.ts';
import type { TDMR } from '../kernel/tdmr.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always } from './invariant.ts';
import { failedSeamcall, leafName, offence, offenceOf, statusClass } from './look.ts';

/** The TDMRs the host hands over. Bytes. */

const GIB = 2 ** 30;
const PAGE = 4096;
const FIRST_PFN = 256;
const TDMR_MAX = 64;
const RESERVED_MAX = 16;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** True once, when an initialisation has just succeeded. */
function justInitialised(record: EventRecord): boolean {
  return record.statusAfter === 'initialised' && record.statusBefore !== 'initialised';
}

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

export const THE_MODULE_FINDS_NO_FAULT_WITH_THE_TDMRS: Always = {
  holds: 'always',
  id: 'tdmr/module-finds-no-fault',
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

export const TDMRS_ARE_WELL_FORMED: Always = {
  holds: 'always',
  id: 'tdmr/geometry',
  statement: 'TDMRs are 1 to 64, multiples of 1 GiB, not empty, ascending and disjoint.',
  source: 'TDX module ABI, TDMR_INFO; tdh_sys_config.c, TDX module 1.5.01',
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

export const RESERVED_AREAS_ARE_WELL_FORMED: Always = {
  holds: 'always',
  id: 'tdmr/reserved-areas',
  statement: 'Reserved areas are 4 KiB aligned, not empty, ascending, disjoint, inside their TDMR and at most 16.',
  source: 'TDX module ABI, TDMR_INFO; tdh_sys_config.c, TDX module 1.5.01',
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
        if (!isAligned(offset, PAGE) || !isAligned(size, PAGE)) fault = 'is not made of whole pages';
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

/** The first address of [base, end) that is in no TDMR or in a reserved area that is not a PAMT; `end` if there is none. */
function firstUncovered(world: World, base: number, end: number): number {
  let at = base;
  while (at < end) {
    const next = coveredTo(world, at, end);
    if (next === at) return at;
    at = next;
  }
  return end;
}

/** How far from `at` memory is usable without a gap: to the end of a TDMR, of a stretch between reserved areas, or of a PAMT. */
function coveredTo(world: World, at: number, end: number): number {
  const { tdmrs, tdmrCount } = world.kernel;
  for (let index = 0; index < tdmrCount; index += 1) {
    const owner = tdmrs[index] as TDMR;
    const pamtEnd = owner.pamtBase + owner.pamt4K + owner.pamt2M + owner.pamt1G;
    if (owner.pamtBase <= at && at < pamtEnd) return pamtEnd < end ? pamtEnd : end;
  }
  for (let index = 0; index < tdmrCount; index += 1) {
    const tdmr = tdmrs[index] as TDMR;
    if (at < tdmr.base || at >= tdmr.base + tdmr.size) continue;
    let stop = tdmr.base + tdmr.size;
    for (const { offset, size } of tdmr.reserved) {
      const start = tdmr.base + offset;
      if (start <= at && at < start + size) return at;
      if (start > at && start < stop) stop = start;
    }
    return stop < end ? stop : end;
  }
  return at;
}

export const TDMRS_COVER_TDX_MEMORY: Always = {
  holds: 'always',
  id: 'tdmr/covers-tdx-memory',
  statement: "After success every page of the kernel's TDX memory is usable through a TDMR, or holds a PAMT.",
  source: 'construct_tdmrs(), Linux 6.12',
  after: ['enable'],
  needs: ['became-initialised'],
  check: (world, record, report) => {
    if (!justInitialised(record)) return;
    for (const { startPfn, endPfn } of world.kernel.tdxMemory) {
      const gap = firstUncovered(world, startPfn * PAGE, endPfn * PAGE);
      if (gap < endPfn * PAGE) {
        report(
          offence('reserved', `${hex(gap)} is TDX memory by the kernel's list and reserved or outside for the module`),
        );
        return;
      }
    }
  },
};

export const ALLOCATOR_MEMORY_IS_TDX_MEMORY: Always = {
  holds: 'always',
  id: 'memory/page-allocator-gives-tdx-memory',
  statement: 'Once TDX is initialised every page the page allocator can give out is usable as TDX memory.',
  source: 'v5 22/22 ("all pages managed by the page allocator are TDX memory"), Kai Huang, 22 Jun 2022',
  after: ['enable', 'memory-add'],
  needs: ['is-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || record.outcome === 'crashed') return;
    for (const { start: from, end } of world.allocator.spans) {
      // The first MiB is reserved at boot: the allocator never gives it out.
      const start = from < FIRST_PFN ? FIRST_PFN : from;
      if (start >= end) continue;
      const gap = firstUncovered(world, start * PAGE, end * PAGE);
      if (gap < end * PAGE) {
        const where = isConvertible(world.platform.cmrs, gap, gap + PAGE) ? 'inside a CMR' : 'outside the CMRs';
        report(offence(where, `${hex(gap)} can be allocated and is ${where}, but no TDMR makes it usable`));
        return;
      }
    }
  },
};

export const TDMRS_LIE_IN_THE_CMRS: Always = {
  holds: 'always',
  id: 'tdmr/inside-cmrs',
  statement: 'Every part of a TDMR that is not reserved lies in the union of the CMRs once the module has accepted it.',
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
