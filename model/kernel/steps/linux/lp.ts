import { ENODEV } from '../../errno.ts';
import { CRASH, DONE, JUMP, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcall, TDH_SYS_INIT, TDH_SYS_LP_INIT } from '../../seamcall.ts';

/** Per-CPU bring-up. Source: tdx_cpu_enable(), try_init_module_global(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12. */

/** A CPU that was brought up once is left alone, whatever became of its VMX operation since. */
export const SKIP_IF_LP_INITIALISED: Step = {
  name: 'skip-if-lp-initialised',
  source: 'tdx_cpu_enable(), Linux 6.12; recording 6.12-demos, line 21',
  run: (kernel, thread) => (kernel.cpus[thread.target]?.lpInitialised === true ? JUMP : DONE),
};

/** TDH.SYS.INIT once for the whole boot; its result, good or bad, is remembered for every later caller. */
export const SYS_INIT_ONCE: Step = {
  name: 'sys-init-once',
  source: 'try_init_module_global(), Linux 6.12; recording 6.12-demos, lines 3, 5 and 7',
  run: (kernel, thread, port) => {
    if (!kernel.sysinitDone) {
      const error = seamcall(kernel, port, thread.target, TDH_SYS_INIT, 0, 0, 0);
      if (error === CRASH) return CRASH;
      if (error === ENODEV) printk(kernel, port, 'module-not-loaded');
      kernel.sysinitDone = true;
      kernel.sysinitError = error;
    }
    return kernel.sysinitError;
  },
};

/** TDH.SYS.LP.INIT on the target CPU itself. A failure is not remembered: the next call tries again. */
export const LP_INIT: Step = {
  name: 'lp-init',
  source: 'tdx_cpu_enable(), Linux 6.12; recording 6.12-demos, line 4',
  run: (kernel, thread, port) => {
    const error = seamcall(kernel, port, thread.target, TDH_SYS_LP_INIT, 0, 0, 0);
    if (error !== 0) return error;
    const cpu = kernel.cpus[thread.target];
    if (cpu !== undefined) cpu.lpInitialised = true;
    return DONE;
  },
};
