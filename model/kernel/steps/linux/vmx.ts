import { DONE, JUMP, type Step } from '../../flow.ts';
import { flushAndPutVMX, flushCaches, getVMX, putVMX } from '../../vmx.ts';

/**
 * The core brings CPUs into VMX operation itself. Source: tdx_online_cpu(), tdx_offline_cpu(),
 * arch/x86/virt/vmx/tdx/tdx.c; x86_virt_get_ref(), arch/x86/virt/hw.c, Linux 7.3.
 */

const SOURCE =
  'tdx_online_cpu() and tdx_offline_cpu(), the virt/tdx:online cpuhp callbacks, Linux 7.3; recording linux-7.3';

/** Before the first CPU of a walk over all online ones. */
export const START_BEFORE_FIRST_CPU: Step = {
  name: 'start-before-first-cpu',
  source: SOURCE,
  run: (_kernel, thread) => {
    thread.target = -1;
    return DONE;
  },
};

/** Goes to the next online CPU, or leaves the loop. */
export const NEXT_ONLINE_CPU: Step = {
  name: 'next-online-cpu',
  source: SOURCE,
  run: (kernel, thread) => {
    const { cpus } = kernel;
    for (let id = thread.target + 1; id < cpus.length; id++) {
      if (cpus[id]?.online !== true) continue;
      thread.target = id;
      return DONE;
    }
    return JUMP;
  },
};

export const X86_VIRT_GET_REF: Step = {
  name: 'x86_virt_get_ref',
  source: SOURCE,
  run: (kernel, thread, port) => getVMX(kernel, port, thread.target),
};

export const X86_VIRT_PUT_REF: Step = {
  name: 'x86_virt_put_ref',
  source: SOURCE,
  run: (kernel, thread, port) => {
    putVMX(kernel, port, thread.target);
    return DONE;
  },
};

/** The CPU is about to go offline. */
export const TDX_CPU_FLUSH_CACHE: Step = {
  name: 'tdx_cpu_flush_cache',
  source: SOURCE,
  run: (kernel, thread, port) => {
    flushCaches(kernel, port, thread.target);
    return DONE;
  },
};

/** A CPU failed: those brought up before it are taken back, lowest id first. */
export const CPUHP_ROLLBACK_INSTALL: Step = {
  name: 'cpuhp_rollback_install',
  source: 'cpuhp_rollback_install(), kernel/cpu.c, Linux 7.3',
  run: (kernel, thread, port) => {
    for (let id = 0; id < thread.target; id++) if (kernel.cpus[id]?.online === true) flushAndPutVMX(kernel, port, id);
    return DONE;
  },
};

/** From now on a CPU that comes online is brought up for TDX, or stays offline. */
export const INSTALL_ONLINE_CALLBACK: Step = {
  name: 'install-online-callback',
  source: SOURCE,
  run: (kernel) => {
    kernel.onlineCallback = true;
    return DONE;
  },
};

/** The callback goes, and with it the references of all online CPUs. */
export const CPUHP_REMOVE_STATE: Step = {
  name: 'cpuhp_remove_state',
  source: 'cpuhp_remove_state(), kernel/cpu.c, Linux 7.3',
  run: (kernel, _thread, port) => {
    kernel.onlineCallback = false;
    for (let id = 0; id < kernel.cpus.length; id++)
      if (kernel.cpus[id]?.online === true) flushAndPutVMX(kernel, port, id);
    return DONE;
  },
};

export const SKIP_WITHOUT_CALLBACK: Step = {
  name: 'skip-without-callback',
  source: SOURCE,
  run: (kernel) => (kernel.onlineCallback ? DONE : JUMP),
};
