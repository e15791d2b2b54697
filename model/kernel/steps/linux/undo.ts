import { DONE, type Step } from '../../flow.ts';
import { pamtSize } from '../../tdmr.ts';

/**
 * What a failure leads to once the module has the PAMTs. Source: init_tdx_module(), label err_reset_pamts,
 * arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */

/** Lines the module wrote under its KeyID leave the caches before the kernel uses the memory again. */
export const FLUSH_BEFORE_RESET: Step = {
  name: 'wbinvd_on_all_cpus',
  source: 'init_tdx_module(), label err_reset_pamts, Linux 6.12',
  run: (_kernel, thread, port) => {
    port.wbinvdAll(thread.cpu);
    return DONE;
  },
};

/** MOVDIR64B over every PAMT, in TDMR order. */
export const TDMRS_RESET_PAMT_ALL: Step = {
  name: 'tdmrs_reset_pamt_all',
  source: 'tdmrs_reset_pamt_all(), Linux 6.12',
  run: (kernel, thread, port) => {
    for (const tdmr of kernel.tdmrs) {
      const bytes = pamtSize(tdmr);
      if (bytes !== 0) port.movdir64b(thread.cpu, tdmr.pamtBase, bytes);
    }
    return DONE;
  },
};

/** The same, but only on machines where a partial write to private memory would poison it. */
export const TDMRS_QUIRK_RESET_PAMT_ALL: Step = {
  name: 'tdmrs_quirk_reset_pamt_all',
  source: 'tdmrs_quirk_reset_pamt_all() and tdx_quirk_reset_paddr(), Linux 7.3; recording 7.3-demos, line 61',
  run: (kernel, thread, port) => (kernel.partialWriteErratum ? TDMRS_RESET_PAMT_ALL.run(kernel, thread, port) : DONE),
};
