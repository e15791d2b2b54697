import { EBUSY } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import type { KernelState } from '../../state.ts';
import { isConfigured } from './lp.ts';

/** Sleep states of the `strict` kernel: refused by name before a CPU goes, or TDX is over and said to be. */

const SOURCE =
  'model/kernel/revisions/strict.ts: the kernel that breaks no rule; Documentation/arch/x86/tdx.rst, Linux 6.12 ("TDX cannot survive from S3")';

/** The module holds memory of the kernel. */
function isInUse(kernel: KernelState): boolean {
  return isConfigured(kernel) || kernel.status === 'initialised';
}

/** S3 is refused while the module holds memory of the kernel: it would come back poisoned. */
export const REFUSE_S3: Step = {
  name: 'strict-refuse-s3',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (!isInUse(kernel)) return DONE;
    printk(kernel, port, 's3-refused');
    return EBUSY;
  },
};

/**
 * Resuming from S3: TDX stays unavailable until reset, and all earlier TDX state is discarded. Had S3 been refused, TDX
 * would be in use, and nothing happens here.
 */
export const FORGET_TDX: Step = {
  name: 'strict-forget-tdx',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (!kernel.platformEnabled || isInUse(kernel)) return DONE;
    kernel.platformEnabled = false;
    kernel.sysinitDone = false;
    for (const cpu of kernel.cpus) cpu.lpInitialised = false;
    printk(kernel, port, 'tdx-lost-to-s3');
    return DONE;
  },
};
