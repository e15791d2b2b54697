import { EFAULT, EINVAL } from '../../errno.ts';
import { AGAIN, CRASH, DONE, JUMP, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcall, seamcallReturning, TDH_SYS_INIT, TDH_SYS_LP_INIT, TDH_SYS_LP_SHUTDOWN } from '../../seamcall.ts';

/**
 * Bring-up of CPUs in the 2022 and 2023 patch series. Source: tdx_module_init_cpus(), v5 10/22; tdx_cpu_enable(), v11
 * 07/20.
 */

/** Every present CPU must be online: with `nosmt`, or one CPU offline, there is no TDX. */
export const CHECK_ALL_CPUS_ONLINE: Step = {
  name: 'check-all-cpus-online',
  source: '__tdx_init(), v5 06/22 "x86/virt/tdx: Add skeleton to initialize TDX on demand"; __tdx_enable(), v7 04/20',
  run: (kernel, _thread, port) => {
    for (const { present, online } of kernel.cpus) {
      if (!present || online) continue;
      printk(kernel, port, 'v5-offline-cpus');
      return EINVAL;
    }
    return DONE;
  },
};

/** TDH.SYS.INIT, which also detects whether a module is loaded. */
export const SYS_INIT: Step = {
  name: 'sys-init',
  source:
    'tdx_module_init_global(), v5 09/22 "x86/virt/tdx: Detect TDX module by doing module global initialization"; init_tdx_module(), v7 07/20',
  run: (kernel, thread, port) => seamcall(kernel, port, thread.cpu, TDH_SYS_INIT, 0, 0, 0),
};

/** TDH.SYS.LP.INIT on all online CPUs at once; all of them make the call, whatever the others got. */
export const TDX_MODULE_INIT_CPUS: Step = {
  name: 'tdx_module_init_cpus',
  source:
    'tdx_module_init_cpus(), v5 10/22 and v7 08/20 "x86/virt/tdx: Do logical-cpu scope TDX module initialization"',
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.index];
    if (cpu === undefined) {
      const failed = thread.failed !== -1;
      thread.failed = -1;
      return failed ? EFAULT : DONE;
    }
    if (cpu.online) {
      const error = seamcallReturning(kernel, port, thread.index, TDH_SYS_LP_INIT, 0, 0, 0);
      if (error === CRASH) return CRASH;
      if (error === 0) cpu.lpInitialised = true;
      else thread.failed = thread.index;
    }
    thread.index++;
    return AGAIN;
  },
};

/** TDH.SYS.LP.SHUTDOWN on all online CPUs; the answers are ignored. */
export const SHUTDOWN_TDX_MODULE: Step = {
  name: 'shutdown_tdx_module',
  source: 'shutdown_tdx_module(), v5 08/22 and v7 06/20 "x86/virt/tdx: Shut down TDX module in case of error"',
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.index];
    if (cpu === undefined) return DONE;
    if (cpu.online && seamcallReturning(kernel, port, thread.index, TDH_SYS_LP_SHUTDOWN, 0, 0, 0) === CRASH)
      return CRASH;
    thread.index++;
    return AGAIN;
  },
};

/** A CPU whose bring-up was tried is left alone: 0 if it succeeded, -EINVAL for ever if it failed. */
export const SKIP_IF_LP_TRIED: Step = {
  name: 'skip-if-lp-tried',
  source: 'tdx_cpu_enable(), v11 07/20 "x86/virt/tdx: Add skeleton to enable TDX on demand"',
  run: (kernel, thread) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu === undefined || cpu.lpFailed) return EINVAL;
    return cpu.lpInitialised ? JUMP : DONE;
  },
};

/** TDH.SYS.INIT once; a failure is -EINVAL for everybody after the first. */
export const SYS_INIT_REMEMBERING_FAILURE: Step = {
  name: 'sys-init-once',
  source: 'try_init_module_global(), v11 07/20',
  run: (kernel, thread, port) => {
    if (kernel.sysinitDone) return kernel.sysinitError === 0 ? DONE : EINVAL;
    const error = seamcall(kernel, port, thread.target, TDH_SYS_INIT, 0, 0, 0);
    if (error === CRASH) return CRASH;
    kernel.sysinitDone = true;
    kernel.sysinitError = error;
    return error;
  },
};

export const LP_INIT_ONCE: Step = {
  name: 'lp-init',
  source: 'tdx_cpu_enable(), v11 07/20',
  run: (kernel, thread, port) => {
    const error = seamcall(kernel, port, thread.target, TDH_SYS_LP_INIT, 0, 0, 0);
    const cpu = kernel.cpus[thread.target];
    if (error === 0 && cpu !== undefined) cpu.lpInitialised = true;
    return error;
  },
};

/** Whatever failed on the way, this CPU counts as tried. */
export const MARK_LP_FAILED: Step = {
  name: 'mark-lp-failed',
  source: 'tdx_cpu_enable(), v11 07/20',
  run: (kernel, thread) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu !== undefined) cpu.lpFailed = true;
    return DONE;
  },
};
