import { EBUSY, EPERM } from '../../kernel/errno.ts';
import type { Thread } from '../../kernel/thread.ts';
import { isHotAddable, mayComeOnline } from '../../platform/topology.ts';
import { firstOnline, startThread } from '../kernel-thread.ts';
import type { EventRecord, Outcome } from '../trace.ts';
import type { World } from '../world.ts';

/** VMXON or VMXOFF; where the kernel manages VMX operation itself, only whether its VMXON will succeed. */
export function setVMX(world: World, lp: number, on: boolean): Outcome {
  const cpu = world.kernel.cpus[lp];
  const processor = world.hardware.lps[lp];
  if (cpu === undefined || processor === undefined || !cpu.present) return 'ignored';
  if (world.kernel.revision.vmxGet !== null) {
    if (world.mayEnterVMX[lp] === on) return 'ignored';
    world.mayEnterVMX[lp] = on;
    return 'done';
  }
  if (!cpu.online || processor.vmx === on) return 'ignored';
  processor.vmx = on;
  return 'done';
}

export function onlineCPU(world: World, record: EventRecord, lp: number): Outcome | Thread {
  const { kernel, platform } = world;
  const cpu = kernel.cpus[lp];
  const processor = platform.lps[lp];
  if (cpu === undefined || processor === undefined || !cpu.present || cpu.online) return 'ignored';
  if (!mayComeOnline(isHotAddable(processor) ? { ...processor, bios: true } : processor, platform.commandLine)) {
    record.errno = EPERM;
    return 'refused';
  }
  return startThread(world, kernel.revision.cpuOnline, firstOnline(world), lp);
}

/** The boot CPU stays: Linux has not let it go offline since 6.5. */
export function offlineCPU(world: World, record: EventRecord, lp: number): Outcome | Thread {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || !cpu.online) return 'ignored';
  if (lp === world.bootLP) {
    record.errno = EBUSY;
    return 'refused';
  }
  return startThread(world, world.kernel.revision.cpuOffline, firstOnline(world), lp);
}

export function addCPU(world: World, lp: number): Outcome | Thread {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || cpu.present) return 'ignored';
  return startThread(world, world.kernel.revision.acpiCPUAdd, firstOnline(world), lp);
}

export function removeCPU(world: World, lp: number): Outcome | Thread {
  const cpu = world.kernel.cpus[lp];
  if (cpu === undefined || !cpu.present || lp === world.bootLP) return 'ignored';
  return startThread(world, world.kernel.revision.acpiCPURemove, firstOnline(world), lp);
}
