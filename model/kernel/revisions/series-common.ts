import { E2BIG } from '../errno.ts';
import { defineFlow, type FlowEntry } from '../flow.ts';
import { reportPAMTStep } from '../steps/linux/configure.ts';
import { FLUSH_ALL_CPUS } from '../steps/linux/kexec.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import * as undo from '../steps/linux/undo.ts';

/** What v5, v7 and v8 share. */

/** TDMRs and reserved areas that run out are an errno and no word, in all of the series. */
const SILENT_E2BIG: tdmr.CapacityPolicy = { errno: E2BIG, aloud: false };

export const COVER_MEMORY_SILENTLY = tdmr.coverMemoryStep('create_tdmrs(), v5 14/22 and v7 12/20', SILENT_E2BIG);
export const FILL_RESERVED_AREAS_SILENTLY = tdmr.fillReservedAreasStep(
  'tdmrs_set_up_rsvd_areas_all(), v5 16/22 and v7 14/20',
  SILENT_E2BIG,
  tdmr.HOLES_OF_MEMORY,
);
export const REPORT_PAMT_PAGES = reportPAMTStep('init_tdx_module(), v5 15/22 and v7 13/20', 'v5-pamt-pages', 4096);
/** The clean-up of the series: PAMTs that were never given to the module go without a flush, the TDMR array goes always. */
export const CLEAN_UP_SERIES: readonly FlowEntry[] = [
  [{ ...undo.SKIP_UNDO, name: 'keep-pamts' }, 'end', 'free-tdmr-array'],
  [{ ...tdmr.FREE_PAMTS, name: 'free-unused-pamts' }],
  [{ ...undo.SKIP_UNDO, name: 'after-unused-pamts' }, 'end', 'free-tdmr-array'],
  [undo.FLUSH_BEFORE_RESET],
  [tdmr.FREE_PAMTS],
  [tdmr.FREE_LOCAL_TDMR_ARRAY],
];

/** Caches are flushed, the module stays open: the next kernel's first SEAMCALL finds it initialised. */
export const KEXEC_SERIES = defineFlow('kexec', [[FLUSH_ALL_CPUS]]);
