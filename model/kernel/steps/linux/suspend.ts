import { ENOSYS, EPERM } from '../../errno.ts';
import { AGAIN, CRASH, DONE, type Flow, type StepResult, type Step } from '../../flow.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import type { KernelState } from '../../state.ts';
import { createThread, runThread, type Thread } from '../../thread.ts';

/** Suspend to RAM (ACPI S3) and hibernation (S4), as far as CPUs go: what the machine loses meanwhile is the world's. */

/** Whether there is a way to hibernate at all: built in, and not turned off on the command line. */
export const REQUIRE_HIBERNATION: Step = {
  name: 'require-hibernation',
  source: 'hibernate() and hibernation_available(), kernel/power/hibernate.c, Linux 6.12',
  run: (kernel) => (kernel.facts.hibernation ? DONE : EPERM),
};

/** All CPUs but the first online one go offline, highest id first; one that refuses ends it. */
export const FREEZE_SECONDARY_CPUS: Step = {
  name: 'freeze_secondary_cpus',
  source: 'freeze_secondary_cpus(), kernel/cpu.c, Linux 6.12',
  run: (kernel, thread, port) => {
    const { cpus, frozenCPUs } = kernel;
    if (thread.index === 0) printk(kernel, port, 'pm-disabling-cpus');
    thread.index++;
    for (let id = cpus.length - 1; id >= 0; id--) {
      if (cpus[id]?.online !== true || id === thread.cpu) continue;
      const error = runNested(kernel, thread, port, kernel.revision.cpuOffline, id);
      if (error === CRASH) return CRASH;
      if (error === 0) {
        frozenCPUs.push(id);
        return AGAIN;
      }
      printk(kernel, port, 'pm-cpu-down-failed', id, error);
      printk(kernel, port, 'pm-cpus-not-disabled');
      return error;
    }
    return DONE;
  },
};

/** VMXOFF on the last CPU: by KVM, or by the core on revisions that manage VMX operation. */
export const SYSCORE_SUSPEND: Step = {
  name: 'syscore_suspend',
  source:
    'kvm_suspend(), virt/kvm/kvm_main.c, Linux 6.12; syscore suspend callback, arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3',
  run: (_kernel, thread, port) => {
    port.vmxoff(thread.cpu);
    return DONE;
  },
};

/** S3 is entered through a pointer that TDX may have cleared. By now every other CPU is offline. */
export const ACPI_SUSPEND_ENTER: Step = {
  name: 'acpi_suspend_enter',
  source: 'acpi_suspend_enter(), drivers/acpi/sleep.c, Linux 6.12 (acpi_suspend_lowlevel == NULL: -ENOSYS)',
  run: (kernel) => (kernel.s3Available ? DONE : ENOSYS),
};

/** The CPU that woke up goes back into VMX operation, where the kernel core counts its users. */
export const SYSCORE_RESUME: Step = {
  name: 'syscore_resume',
  source: 'syscore resume callback, arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3',
  confidence: 'unconfirmed',
  run: (kernel, thread, port) => {
    if ((kernel.cpus[thread.cpu]?.vmxReferences ?? 0) > 0) port.vmxon(thread.cpu);
    return DONE;
  },
};

/** The CPUs that went come back, lowest id first, whether or not the machine has slept; one that fails stays away. */
export const THAW_SECONDARY_CPUS: Step = {
  name: 'thaw_secondary_cpus',
  source: 'thaw_secondary_cpus(), kernel/cpu.c, Linux 6.12',
  run: (kernel, thread, port): StepResult => {
    const id = kernel.frozenCPUs.pop();
    if (id === undefined) return DONE;
    if (thread.index === 0) printk(kernel, port, 'pm-enabling-cpus');
    thread.index++;
    const error = runNested(kernel, thread, port, kernel.revision.cpuOnline, id);
    if (error === CRASH) return CRASH;
    if (error === 0 && kernel.cpus[id]?.online === true) printk(kernel, port, 'pm-cpu-up', id);
    else printk(kernel, port, 'pm-cpu-up-failed', id, error);
    return AGAIN;
  },
};

/** A flow of its own within a step: user space and every thread that could be in the way are frozen. */
function runNested(kernel: KernelState, { id, cpu }: Thread, port: KernelPort, flow: Flow, target: number): StepResult {
  const nested = createThread(id, flow, cpu, target);
  return runThread(kernel, nested, port) === 'crashed' ? CRASH : nested.error;
}
