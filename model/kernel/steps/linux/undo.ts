import { DONE, JUMP, type Step } from '../../flow.ts';
import { pamtSize } from '../../tdmr.ts';

/** Success jumps over the clean-up labels. */
export const SKIP_UNDO: Step = {
  name: 'skip-undo',
  source: 'init_tdx_module(), Linux 6.12',
  run: () => JUMP,
};

/** Lines the module wrote under its KeyID leave the caches before the kernel uses the memory again. */
export const FLUSH_BEFORE_RESET: Step = {
  name: 'flush-before-reset',
  source: 'init_tdx_module(), label err_reset_pamts, Linux 6.12',
  run: (_kernel, thread, port) => {
    port.wbinvdAll(thread.cpu);
    return DONE;
  },
};

/** MOVDIR64B over every PAMT, in TDMR order. */
export const RESET_PAMTS: Step = {
  name: 'reset-pamts',
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
export const RESET_PAMTS_IF_ERRATUM: Step = {
  name: 'reset-pamts',
  source: 'reset_tdx_pages(), Linux 7.3; recording 7.3-demos, line 61',
  run: (kernel, thread, port) => (kernel.partialWriteErratum ? RESET_PAMTS.run(kernel, thread, port) : DONE),
};
