import { PAGE_4K } from '../../abi/page.ts';
import { E2BIG } from '../errno.ts';
import { defineFlow, type FlowEntry, goto, label } from '../flow.ts';
import { reportPAMTStep } from '../steps/linux/configure.ts';
import { FLUSH_ALL_CPUS } from '../steps/linux/kexec.ts';
import * as tdmr from '../steps/linux/tdmr.ts';
import { FLUSH_BEFORE_RESET } from '../steps/linux/undo.ts';
import { NO_KVM, ON_DEMAND, PLAIN_SLEEP } from './common.ts';

/** What v5, v7 and v8 share. */

/** TDMRs and reserved areas that run out are an errno and no word, in all of the series. */
const SILENT_E2BIG: tdmr.CapacityPolicy = { errno: E2BIG, aloud: false };

export const CREATE_TDMRS = tdmr.fillOutTDMRs('create_tdmrs', 'create_tdmrs(), v5 14/22 and v7 12/20', SILENT_E2BIG);
export const TDMRS_SET_UP_RSVD_AREAS_ALL = tdmr.populateReservedAreas(
  'tdmrs_set_up_rsvd_areas_all',
  'tdmrs_set_up_rsvd_areas_all(), v5 16/22 and v7 14/20',
  SILENT_E2BIG,
  tdmr.HOLES_OF_MEMORY,
);
export const REPORT_PAMT_PAGES = reportPAMTStep('init_tdx_module(), v5 15/22 and v7 13/20', 'v5-pamt-pages', PAGE_4K);

/**
 * The clean-up of init_tdx_module(): PAMTs that were never given to the module go without a flush, the TDMR array goes
 * always. `err_construct_tdmrs` stands for what construct_tdmrs() itself frees before it returns to out_free_tdmrs.
 * Source: init_tdx_module() and construct_tdmrs(), v5 13/22 and 15/22, v7 11/20 and 13/20, v8 08/16.
 */
export const CLEAN_UP_SERIES: readonly FlowEntry[] = [
  goto('out_free_tdmrs'),
  label('err_construct_tdmrs'),
  [tdmr.TDMRS_FREE_PAMT_ALL],
  goto('out_free_tdmrs'),
  label('out_free_pamts'),
  [FLUSH_BEFORE_RESET],
  [tdmr.TDMRS_FREE_PAMT_ALL],
  label('out_free_tdmrs'),
  [tdmr.FREE_LOCAL_TDMR_LIST],
];

/** One attempt at every SEAMCALL. */
export const ONE_ATTEMPT = {
  attempts: 1,
  transientAttempts: 1,
  repeatsInputs: true,
  marksCacheDirty: false,
} as const;

/** A kernel of the series, but for its steps. */
export const SERIES = {
  ...PLAIN_SLEEP,
  ...NO_KVM,
  ...ON_DEMAND,
  cpuEnable: null,
  // Caches are flushed, the module stays open: the next kernel's first SEAMCALL finds it initialised.
  kexec: defineFlow('kexec', [[FLUSH_ALL_CPUS]]),
  machineCheck: null,
} as const;
