import { EBUSY } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import type { KernelState } from '../../state.ts';
import { isConfigured } from './lp.ts';

/** Sleep states of the `strict` kernel: refused by name before a CPU goes, or TDX is over and said to be. */

const SOURCE =
  'model/kernel/revisions/strict.ts: the kernel that breaks no rule; Documentation/arch/x86/tdx.rst, Linux 6.12 ("TDX cannot survive from S3")';

/** The module has memory of ours. */
function isInUse(kernel: KernelState): boolean {
  return isConfigured(kernel) || kernel.status === 'initialised';
}

/** While the module has memory of ours, S3 would leave it with poison: refused. */
export const REFUSE_S3: Step = {
  name: 'strict-refuse-s3',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    if (!isInUse(kernel)) return DONE;
    printk(kernel, port, 's3-refused');
    return EBUSY;
  },
};

/** The machine has been in S3, or it would have been refused: there is no TDX until it is reset, and nothing of before counts. */
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
