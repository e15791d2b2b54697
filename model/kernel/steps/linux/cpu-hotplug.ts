import { EBUSY } from '../../errno.ts';
import { DONE, JUMP, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import { printk } from '../../printk.ts';

/** CPUs come online and go offline. Source: _cpu_up(), _cpu_down(), kernel/cpu.c, Linux 6.12. */

/** Nothing to do when the CPU already is where it shall go. */
export const SKIP_IF_ONLINE: Step = {
  name: 'skip-if-online',
  source: 'cpu_up(), kernel/cpu.c, Linux 6.12',
  run: (kernel, thread) => (kernel.cpus[thread.target]?.online === false ? DONE : JUMP),
};

export const SKIP_IF_OFFLINE: Step = {
  name: 'skip-if-offline',
  source: 'cpu_down(), kernel/cpu.c, Linux 6.12',
  run: (kernel, thread) => (kernel.cpus[thread.target]?.online === true ? DONE : JUMP),
};

export const BRING_CPU_UP: Step = {
  name: 'bring-cpu-up',
  source: '_cpu_up(), kernel/cpu.c, Linux 6.12',
  run: (kernel, thread) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu !== undefined) cpu.online = true;
    return DONE;
  },
};

/** The CPU leaves VMX operation on its way down, and needs a VMXON to come back there. */
export const TAKE_CPU_DOWN: Step = {
  name: 'take-cpu-down',
  source: '_cpu_down(), kernel/cpu.c, Linux 6.12; kvm_offline_cpu(), virt/kvm/kvm_main.c, Linux 6.12',
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu === undefined) return DONE;
    cpu.online = false;
    cpu.vmxReferences = 0;
    port.vmxoff(thread.target);
    return DONE;
  },
};

/** Takes the line the revision prints; while a guest has a KeyID, every package keeps a CPU that can flush for it. */
function keepLastCPUOfPackage(source: string, id: MessageId): Step {
  return {
    name: 'keep-last-cpu-of-package',
    source,
    run: (kernel, thread, port) => {
      const leaving = kernel.cpus[thread.target];
      if (leaving === undefined || kernel.guestKeyids.length === 0) return DONE;
      for (const cpu of kernel.cpus) if (cpu !== leaving && cpu.online && cpu.package === leaving.package) return DONE;
      printk(kernel, port, id);
      return EBUSY;
    },
  };
}

export const KEEP_LAST_CPU_OF_PACKAGE_KVM: Step = keepLastCPUOfPackage(
  'tdx_offline_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  'kvm-last-cpu-of-package',
);

export const KEEP_LAST_CPU_OF_PACKAGE: Step = keepLastCPUOfPackage(
  'tdx_offline_cpu(), arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3',
  'last-cpu-of-package',
);
