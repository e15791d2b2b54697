import { EFAULT, EINVAL, ENODEV } from '../../errno.ts';
import { DONE, JUMP, type StepResult, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import { printk } from '../../printk.ts';

/**
 * How an attempt begins and ends in the 2022 and 2023 patch series. Source: __tdx_init(), v5 06/22; __tdx_enable(), v7
 * 06/20, v8 04/16, v11 07/20.
 */

/** Wraps a step of a revision that turns every error into -EFAULT. */
export function asFault(step: Step): Step {
  return {
    ...step,
    run: (kernel, thread, port): StepResult => {
      const outcome = step.run(kernel, thread, port);
      return outcome < 0 ? EFAULT : outcome;
    },
  };
}

/** A module that is shut down stays so: -EFAULT; one that was not there stays away: -ENODEV. */
export const CHECK_MODULE_STATUS_SHUTDOWN: Step = {
  name: 'check-module-status',
  source: 'tdx_init(), v5 06/22 "x86/virt/tdx: Add skeleton to initialize TDX on demand"; tdx_enable(), v7 04/20',
  run: (kernel) => {
    switch (kernel.status) {
      case 'uninitialised':
        return DONE;
      case 'initialised':
        return JUMP;
      case 'none':
        return ENODEV;
      default:
        return EFAULT;
    }
  },
};

/** How a revision that shuts the module down on failure takes the end of an attempt; jumps where no shutdown is due. */
export function settleWithShutdown(source: string, shutDown: MessageId, remembersAbsence: boolean): Step {
  return {
    name: 'settle-module-status',
    source,
    run: (kernel, thread, port) => {
      if (thread.error === 0) {
        printk(kernel, port, 'v5-initialised');
        kernel.status = 'initialised';
        return JUMP;
      }
      if (thread.error === ENODEV) {
        printk(kernel, port, 'v5-not-loaded');
        if (remembersAbsence) kernel.status = 'none';
        return JUMP;
      }
      printk(kernel, port, shutDown);
      return DONE;
    },
  };
}

export const MARK_SHUT_DOWN: Step = {
  name: 'mark-shut-down',
  source: '__tdx_init(), v5 06/22; __tdx_enable(), v7 06/20',
  run: (kernel, thread) => {
    kernel.status = 'shutdown';
    thread.error = EFAULT;
    return DONE;
  },
};

/** Prints the real error and returns one for all: -EINVAL. */
export function settleAsInvalid(source: string, initialised: MessageId, failed: MessageId): Step {
  return {
    name: 'settle-module-status',
    source,
    run: (kernel, thread, port) => {
      if (thread.error === 0) {
        printk(kernel, port, initialised);
        kernel.status = 'initialised';
        return DONE;
      }
      printk(kernel, port, failed, thread.error);
      kernel.status = 'error';
      thread.error = EINVAL;
      return DONE;
    },
  };
}

/** -EINVAL without the platform's TDX; v8 says so, once. */
export function requirePlatform(source: string, id: MessageId | null): Step {
  return {
    name: 'require-platform-feature',
    source,
    run: (kernel, _thread, port) => {
      if (kernel.platformEnabled) return DONE;
      if (id !== null) printk(kernel, port, id);
      return EINVAL;
    },
  };
}
