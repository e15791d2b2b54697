import { EINVAL } from '../../errno.ts';
import { DONE, JUMP, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';

/**
 * How an attempt begins and ends. Source: tdx_enable(), __tdx_enable(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12 and
 * 7.3.
 */

/** One attempt per boot: an initialised module answers 0 at once, a failed one -EINVAL without a word. */
export const CHECK_MODULE_STATUS: Step = {
  name: 'check-module-status',
  source: 'tdx_enable(), Linux 6.12',
  run: (kernel) => {
    switch (kernel.status) {
      case 'uninitialised':
        return DONE;
      case 'initialised':
        return JUMP;
      default:
        return EINVAL;
    }
  },
};

/** Records and prints how the attempt ended. */
export const SETTLE_MODULE_STATUS: Step = {
  name: 'settle-module-status',
  source: '__tdx_enable(), Linux 6.12',
  run: (kernel, thread, port) => {
    if (thread.error === 0) {
      printk(kernel, port, 'module-initialised');
      kernel.status = 'initialised';
    } else {
      printk(kernel, port, 'module-initialisation-failed', thread.error);
      kernel.status = 'error';
    }
    return DONE;
  },
};

/** The same in 7.3's words; there is no state that would bar a second attempt. */
export const REPORT_MODULE_STATUS: Step = {
  name: 'report-module-status',
  source: 'tdx_enable(), Linux 7.3; recording 7.3-demos, line 10',
  run: (kernel, thread, port) => {
    if (thread.error === 0) {
      printk(kernel, port, 'tdx-module-initialised');
      kernel.status = 'initialised';
      return JUMP;
    }
    printk(kernel, port, 'tdx-module-initialisation-failed', thread.error);
    kernel.status = 'error';
    return DONE;
  },
};
