import { EINVAL } from '../errno.ts';
import { DONE, JUMP, type Step } from '../flow.ts';
import { printk } from '../printk.ts';

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
