import type { Flaw } from './flaw.ts';
import { NO_CMR_TABLE } from './not-applicable.ts';

/** Flaws about memory: the table of CMRs, TDMRs, PAMTs, the list of TDX memory. */
export const FLAWS_OF_MEMORY: readonly Flaw[] = [
  {
    number: 6,
    name: 'CMR[0] is judged apart',
    statement: 'The first CMR has checks of its own; a table refused there is not even printed.',
    source: 'v7 09/20, Dave Hansen, 23 Nov 2022',
    shownBy: ['cmr/refused-table-is-shown'],
    notApplicable: { '6.12': NO_CMR_TABLE, '6.12-cmr': NO_CMR_TABLE, '6.17': NO_CMR_TABLE, '7.3': NO_CMR_TABLE },
    said: ['v7'],
    differences: {},
  },
  {
    number: 7,
    name: 'R9 is no count',
    statement:
      'TDH.SYS.INFO answers R9 = 32 whatever the number of CMRs; a kernel that takes it for a count handles the empty tail.',
    source: 'v7 09/20, Kai Huang, 23 Nov 2022; tdh_sys_info.c, TDX module 1.5.01',
    shownBy: ['cmr/no-empty-entry-is-shown'],
    notApplicable: { '6.12': NO_CMR_TABLE, '6.12-cmr': NO_CMR_TABLE, '6.17': NO_CMR_TABLE, '7.3': NO_CMR_TABLE },
    said: ['v5', 'v7', 'v8', 'v11'],
    differences: {
      v8: 'the page counts every revision that receives R9; this one stops at the first empty entry, so nothing comes of it',
      v11: 'the page counts every revision that receives R9; this one stops at the first empty entry, so nothing comes of it',
    },
  },
  {
    number: 8,
    name: 'a hole in the table',
    statement:
      'What stands behind an empty entry is dropped, or the whole table is refused, although the module honours it.',
    source: 'v7 09/20, Dave Hansen, 23 Nov 2022',
    shownBy: ['cmr/no-entry-is-dropped', 'cmr/convertible-memory-is-not-refused|hole in the table'],
    notApplicable: { '6.12': NO_CMR_TABLE, '6.12-cmr': NO_CMR_TABLE, '6.17': NO_CMR_TABLE, '7.3': NO_CMR_TABLE },
    said: ['v5', 'v7', 'v8', 'v11'],
    differences: {},
  },
  {
    number: 9,
    name: 'a region across two CMRs',
    statement: 'Memory covered by two CMRs that touch fails a test CMR by CMR, although the module merges them.',
    source: 'v7 10/20 review, Dave Hansen (L36974333584); tdh_sys_config.c, TDX module 1.5.01',
    shownBy: ['cmr/convertible-memory-is-not-refused|touching CMRs', 'metamorphic/splitting-a-cmr'],
    notApplicable: {},
    said: ['v7'],
    differences: { v5: 'v5 11/22 has the same test, CMR by CMR; the review came to it in v7 only' },
  },
  {
    number: 10,
    name: 'the memory list leaks',
    statement:
      'A failure half way leaves entries in the list of TDX memory, and a list that is not empty vetoes memory hot-plug.',
    source: 'v7 10/20 review, Dave Hansen (L36974333584)',
    shownBy: ['balance/failed-init-empties-the-memory-list'],
    notApplicable: { v5: 'it keeps no list' },
    said: ['v7'],
    differences: {},
  },
  {
    number: 22,
    name: 'PAMTs come late',
    statement:
      'A 256th of memory in physically contiguous pieces is allocated long after boot; once it cannot be had, TDX is gone.',
    source: 'v8 00/16, Kai Huang, 9 Dec 2022 (L12756538532)',
    shownBy: ['once/allocation-failure-is-not-permanent|kind c'],
    notApplicable: {},
    said: ['v5', 'v7', 'v8', 'v11', '6.12', '6.12-cmr', '6.17'],
    differences: { '7.3': 'allocating at boot makes the failure rarer, not less final' },
  },
  {
    number: 23,
    name: 'reserved areas run out',
    statement:
      'Holes are those of the memory map, which firmware may cut finer than 16 areas describe, although the CMRs have hardly any.',
    source: 'github.com/canonical/tdx/issues/135 and /415; L20781303087',
    shownBy: ['memory/reserved-areas-suffice-where-cmrs-fit'],
    notApplicable: {},
    said: ['6.12', '6.17', '7.3'],
    differences: {
      v5: 'the page has field reports only; the algorithm is the same and says even less',
      v7: 'the page has field reports only; the algorithm is the same and says even less',
      v8: 'the page has field reports only; the algorithm is the same and says even less',
      v11: 'the page has field reports only; the algorithm is the same and says even less',
    },
  },
  {
    number: 24,
    name: 'holes from CMRs hide memory',
    statement:
      'With reserved areas taken from the CMRs, memory outside them is hidden from the module and not from the page allocator.',
    source: 'lore 23bb421e9bf5443a823e163fb2d899760d9f14a3; L42973239033, Dave Hansen, Dec 2024',
    shownBy: ['memory/page-allocator-gives-tdx-memory|outside the CMRs', 'tdmr/covers-tdx-memory'],
    notApplicable: {},
    said: ['6.12-cmr'],
    differences: {},
  },
  {
    number: 25,
    name: 'empty CMRs at the tail of TDH.SYS.RD',
    statement: 'NUM_CMRS may be 32 with an empty tail; taken at its word it makes areas of nothing.',
    source: 'L20781303087, Adrian Hunter; "Trim away tail null CMRs", Oct 2024',
    shownBy: ['tdmr/reserved-areas', 'tdmr/module-finds-no-fault|TDH.SYS.CONFIG|TDX_INVALID_RESERVED_IN_TDMR'],
    notApplicable: {
      v5: 'it reads no CMRs with TDH.SYS.RD',
      v7: 'it reads no CMRs with TDH.SYS.RD',
      v8: 'it reads no CMRs with TDH.SYS.RD',
      v11: 'it reads no CMRs with TDH.SYS.RD',
      '6.12': 'it reads no CMRs with TDH.SYS.RD',
      '6.17': 'it reads no CMRs with TDH.SYS.RD',
      '7.3': 'it reads no CMRs with TDH.SYS.RD',
    },
    said: [],
    differences: {},
  },
  {
    number: 26,
    name: 'RAM that is not convertible costs TDX',
    statement:
      'All of memblock is handed over, or all of it is demanded to be convertible: one hot-added region outside the CMRs, and there is no TDX.',
    source: 'v7 10/20 review, Dave Hansen; build_tdx_memlist(), Linux 6.12',
    shownBy: ['memory/outside-cmrs-does-not-cost-tdx'],
    notApplicable: {},
    said: ['6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v5: 'its own check refuses the region by name, and TDX is lost just the same',
      v7: 'as v5',
      v8: "found with somebody else running TDH.SYS.INIT and TDH.SYS.LP.INIT first, as its author's own test tree did",
      v11: 'the page begins at 6.8; v11 hands over all of memblock as well',
    },
  },
  {
    number: 42,
    name: 'PAMTs are freed under a READY module',
    statement:
      'Whatever fails after the last TDH.SYS.KEY.CONFIG frees or rewrites PAMTs that the module still points at.',
    source: 'init_tdx_module() error path, Linux 6.12; tdh_sys_tdmr_init.c, TDX module 1.5.01',
    shownBy: ['pamt/not-freed-while-ready', 'pamt/not-written-while-ready'],
    notApplicable: {},
    said: ['v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v5: 'the page begins at 6.8; the clean-up of the series does the same',
      v7: 'the page begins at 6.8; the clean-up of the series does the same',
      v8: 'the page begins at 6.8; the clean-up of the series does the same',
    },
  },
  {
    number: 60,
    name: 'a memory list made at boot',
    statement: 'The list of TDX memory is made at boot and memory changes before it is used.',
    source: 'v7 00/20 changelog (L41052547417); v6 only',
    shownBy: ['memory/page-allocator-gives-tdx-memory|inside a CMR'],
    notApplicable: { v5: 'it keeps no list' },
    said: [],
    differences: {},
  },
  {
    number: 69,
    name: 'who broke the table?',
    statement:
      'A buffer that is broken after TDH.SYS.INFO has filled it decides about TDX, although the module has its own.',
    source: 'v7 09/20, Dave Hansen, 23 Nov 2022; v8 06/16 (all checks dropped)',
    shownBy: ['cmr/broken-copy-does-not-cost-tdx'],
    notApplicable: { '6.12': NO_CMR_TABLE, '6.12-cmr': NO_CMR_TABLE, '6.17': NO_CMR_TABLE, '7.3': NO_CMR_TABLE },
    said: ['v5', 'v7'],
    differences: {},
  },
  {
    number: 70,
    name: 'how firmware cuts memory decides',
    statement:
      'One list entry per memblock entry, nothing merged: the same memory described as two blocks has another outcome.',
    source: 'build_tdx_memlist() and fill_out_tdmrs(), Linux 6.12',
    shownBy: ['metamorphic/splitting-a-memory-block'],
    notApplicable: {},
    said: ['v5', 'v7', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'],
    differences: {
      v8: "found with somebody else running TDH.SYS.INIT and TDH.SYS.LP.INIT first, as its author's own test tree did",
    },
  },
];
