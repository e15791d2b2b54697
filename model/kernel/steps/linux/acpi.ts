import { EINVAL } from '../../errno.ts';
import { CRASH, DONE, type StepResult, type Step } from '../../flow.ts';
import type { MessageId } from '../../message.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import type { KernelState } from '../../state.ts';

/**
 * ACPI hotplug of CPUs and memory. Source: acpi_processor_add(), acpi_processor_remove(),
 * drivers/acpi/acpi_processor.c, Linux 6.12; what v5 adds to them.
 */

const V5_CPU =
  'acpi_processor_add() and acpi_processor_remove(), v5 02/22 "cc_platform: Add new attribute to prevent ACPI CPU hotplug"';
const V5_MEMORY =
  'acpi_memory_device_add() and acpi_memory_device_remove(), v5 03/22 "cc_platform: Add new attribute to prevent ACPI memory hotplug"';

/** Hot-add on a machine with TDX is a BIOS bug: reported, and the new unit is ignored. */
function ignoreNewUnit(name: string, source: string, id: MessageId): Step {
  return {
    name,
    source,
    run: (kernel, _thread, port) => {
      if (!kernel.platformEnabled) return DONE;
      printk(kernel, port, id);
      return EINVAL;
    },
  };
}

/** Hot-removal on a machine with TDX: the kernel takes it that nothing works any more, and stops. */
function bugOnRemoval(name: string, source: string, id: MessageId): Step {
  return { name, source, run: (kernel, _thread, port) => (kernel.platformEnabled ? bug(kernel, port, id) : DONE) };
}

function bug(kernel: KernelState, port: KernelPort, id: MessageId): StepResult {
  printk(kernel, port, id);
  kernel.crash = 'BUG(): ACPI hot-removal on a machine with TDX';
  return CRASH;
}

export const IGNORE_NEW_CPU: Step = ignoreNewUnit('ignore-new-cpu', V5_CPU, 'v5-acpi-cpu-ignored');
export const IGNORE_NEW_MEMORY: Step = ignoreNewUnit('ignore-new-memory', V5_MEMORY, 'v5-acpi-memory-ignored');
export const BUG_ON_CPU_REMOVAL: Step = bugOnRemoval('bug-on-cpu-removal', V5_CPU, 'v5-acpi-cpu-bug');
/** The posted patch tests the attribute for CPUs here; both are set on a machine with TDX. */
export const BUG_ON_MEMORY_REMOVAL: Step = bugOnRemoval('bug-on-memory-removal', V5_MEMORY, 'v5-acpi-memory-bug');

/** The CPU exists from now on, offline. */
export const ADD_CPU: Step = {
  name: 'add-cpu',
  source: 'acpi_processor_hotadd_init(), drivers/acpi/acpi_processor.c, Linux 6.12',
  run: (kernel, thread) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu !== undefined) cpu.present = true;
    return DONE;
  },
};

/** The CPU, offline by now, is gone. */
export const REMOVE_CPU: Step = {
  name: 'remove-cpu',
  source: 'acpi_processor_remove(), drivers/acpi/acpi_processor.c, Linux 6.12',
  run: (kernel, thread) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu !== undefined) cpu.present = false;
    return DONE;
  },
};
