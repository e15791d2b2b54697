import { GIB } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { ENOSPC } from '../kernel/errno.ts';
import { messageNames, thingNamed } from '../kernel/message-subject.ts';
import type { Message } from '../kernel/message.ts';
import { isConvertible, mergeCMRs } from '../platform/cmr.ts';
import type { EventRecord } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Always, Report } from './invariant.ts';
import { failedSeamcall, hex, leafName, offence, offenceOf, statusClass } from './look.ts';
import { firstUncovered } from './usable-memory.ts';

/** Memory maps that are awkward and still workable. Bytes. */

const RESERVED_MAX = 16;
/** The first MiB is reserved at boot: the page allocator never gives it out. */
const FIRST_PFN = 256;

/** The region outside the CMRs that a kernel with its own check refused; empty if it refused none. */
function refusedRegion(world: World, record: EventRecord): string {
  for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
    const message = record.kernel.dmesg[index];
    if (message?.id !== 'v5-not-convertible' && message?.id !== 'v7-not-convertible') continue;
    const { a, b } = message;
    if (typeof a === 'number' && typeof b === 'number' && !isConvertible(world.platform.cmrs, a, b))
      return `[${hex(a)}, ${hex(b)})`;
  }
  return '';
}

export const MEMORY_OUTSIDE_CMRS_DOES_NOT_COST_TDX: Always = {
  holds: 'always',
  id: 'memory/outside-cmrs-does-not-cost-tdx',
  severity: 'tdx-lost',
  statement: 'RAM that is not convertible (hot-added, CXL) does not make initialisation fail.',
  source:
    'v7 10/20, Dave Hansen, 22 Nov 2022; provisioning script of a host, public GitHub (archived copy, no public address): CXL memory is kept from being onlined as RAM',
  after: ['enable'],
  needs: ['errno', 'wants-memory'],
  check: (world, record, report) => {
    const root = failedSeamcall(world, record);
    if (root === undefined) {
      const region = refusedRegion(world, record);
      if (region !== '')
        report(
          offence("the kernel's own check", `${region} is not convertible, and initialisation fails because of it`),
        );
      return;
    }
    const status = statusClass(root);
    if (status === 'TDX_TDMR_OUTSIDE_CMRS' || status === 'TDX_PAMT_OUTSIDE_CMRS')
      report(offenceOf(root, `${status}: ${root.reason}`));
  },
};

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

/** The TDMR that a line reports as out of reserved areas; other implementations may word the line differently. */
function exhaustedRange(message: Message): { readonly base: number; readonly end: number } | null {
  const { id, a, b } = message;
  if (id === 'reserved-areas-exhausted') return { base: Number(a), end: Number(b) };
  if (id !== 'verbatim' || !messageNames(message, 'reason')) return null;
  const { value, end } = thingNamed(message, 'region') ?? {};
  return value === undefined || end === undefined ? null : { base: value, end };
}

function judge(world: World, base: number, end: number, report: Report): void {
  const needed = holesOutsideCMRs(world, base, end) + tdmrsNeeded(world);
  if (needed <= RESERVED_MAX)
    report(
      offence(
        'exhausted',
        `TDMR [${hex(base)}, ${hex(end)}) ran out of ${RESERVED_MAX} reserved areas; with holes taken from the CMRs it needs at most ${needed}`,
      ),
    );
}

/**
 * True if a kernel that prints nothing about it ran out of reserved areas: all PAMTs were allocated, and the next step
 * that leaves a trace, the array for TDH.SYS.CONFIG, was not reached.
 */
function ranOutSilently(world: World, record: EventRecord): boolean {
  for (let index = record.to - 1; index >= record.from; index -= 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'alloc') return entry.what === 'c' && entry.address !== -1;
    if (entry?.kind === 'seamcall' && leafName(entry.leaf) !== 'TDH.SYS.LP.SHUTDOWN') return false;
  }
  return false;
}

/** End of the highest memory, on a GiB. */
function topOfMemory({ kernel }: World): number {
  let top = 0;
  for (const { base, size } of kernel.memblock) if (base + size > top) top = base + size;
  return top + ((GIB - (top % GIB)) % GIB);
}

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

export const MEMORY_RESERVED_AREAS_SUFFICE_WHERE_CMRS_FIT: Always = {
  holds: 'always',
  id: 'memory/reserved-areas-suffice-where-cmrs-fit',
  severity: 'tdx-lost',
  statement:
    'Initialisation does not run out of reserved areas if 16 of them hold all PAMTs and the holes of the TDMR outside the CMRs.',
  source:
    '"x86/virt/tdx: Reduce TDMR\'s reserved areas by using CMRs to find memory holes", Kai Huang, 13 Nov 2024; github.com/canonical/tdx/issues/135',
  after: ['enable'],
  needs: ['errno', 'done', 'printed'],
  check: (world, record, report) => {
    if (record.errno === 0 || record.outcome !== 'done') return;
    if (record.errno !== ENOSPC) {
      // The trace does not show which TDMR it was: check whether all of memory as one TDMR would fit.
      if (ranOutSilently(world, record)) judge(world, 0, topOfMemory(world), report);
      return;
    }
    for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1) {
      const message = record.kernel.dmesg[index];
      const range = message === undefined ? null : exhaustedRange(message);
      if (range !== null) judge(world, range.base, range.end, report);
    }
  },
};

export const MEMORY_PAGE_ALLOCATOR_GIVES_TDX_MEMORY: Always = {
  holds: 'always',
  id: 'memory/page-allocator-gives-tdx-memory',
  severity: 'part-lost',
  statement: 'Once TDX is initialised every page the page allocator can give out is usable as TDX memory.',
  source: 'v5 22/22 ("all pages managed by the page allocator are TDX memory")',
  after: ['enable', 'memory-add'],
  needs: ['is-initialised'],
  check: (world, record, report) => {
    if (record.statusAfter !== 'initialised' || record.outcome === 'crashed') return;
    for (const { start: from, end } of world.allocator.spans) {
      const start = from < FIRST_PFN ? FIRST_PFN : from;
      if (start >= end) continue;
      const gap = firstUncovered(world, start * PAGE_4K, end * PAGE_4K);
      if (gap < end * PAGE_4K) {
        const where = isConvertible(world.platform.cmrs, gap, gap + PAGE_4K) ? 'inside a CMR' : 'outside the CMRs';
        report(offence(where, `${hex(gap)} can be allocated and is ${where}, but no TDMR makes it usable`));
        return;
      }
    }
  },
};
