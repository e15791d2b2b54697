import { EINVAL, ENODEV } from '../../errno.ts';
import { AGAIN, CRASH, DONE, JUMP, type Step } from '../../flow.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import { seamcall, TDH_SYS_INIT, TDH_SYS_KEY_CONFIG, TDH_SYS_LP_INIT } from '../../seamcall.ts';
import type { KernelCPU, KernelState } from '../../state.ts';
import { flushAndPutVMX, getVMX } from '../../vmx.ts';

/** CPUs as the `strict` kernel brings them up: only success is remembered, and what is in the way is named. */

const SOURCE =
  'model/kernel/revisions/strict.ts: the kernel that breaks no rule; v8 13/16, Dave Hansen, 10 Jan 2023; v7 04/20, Thomas Gleixner, 23 Nov 2022';

/** The module has the TDMRs: no LP can join any more, and their PAMTs are its own. */
export function isConfigured(kernel: KernelState): boolean {
  return kernel.tdmrArrayLive;
}

/** VMX operation, TDH.SYS.INIT if it has not succeeded yet, TDH.SYS.LP.INIT. Answers 0, an errno or CRASH. */
function bringUp(kernel: KernelState, port: KernelPort, id: number): number {
  const cpu = kernel.cpus[id];
  if (cpu === undefined || cpu.lpInitialised) return DONE;
  const vmx = getVMX(kernel, port, id);
  if (vmx !== 0) {
    printk(kernel, port, 'lp-not-in-vmx', id, cpu.package);
    return vmx;
  }
  let error = 0;
  if (!kernel.sysinitDone) {
    error = seamcall(kernel, port, id, TDH_SYS_INIT, 0, 0, 0);
    if (error === 0) kernel.sysinitDone = true;
  }
  if (error === 0) error = seamcall(kernel, port, id, TDH_SYS_LP_INIT, 0, 0, 0);
  if (error === 0) cpu.lpInitialised = true;
  else if (error !== CRASH) flushAndPutVMX(kernel, port, id);
  return error;
}

/** Runs `work` on a CPU that may be offline: brought up for the purpose and taken down again. */
function onCPU(kernel: KernelState, port: KernelPort, id: number, work: () => number): number {
  const cpu = kernel.cpus[id];
  if (cpu === undefined) return ENODEV;
  if (cpu.online) return work();
  cpu.online = true;
  const error = work();
  cpu.online = false;
  while (cpu.vmxReferences > 0) flushAndPutVMX(kernel, port, id);
  return error;
}

/** One CPU on request; one that comes too late, or that MCHECK never counted, is refused by name. */
export const BRING_UP_TARGET: Step = {
  name: 'strict-bring-up-target',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu === undefined || cpu.lpInitialised) return DONE;
    if (isConfigured(kernel) || !cpu.atBoot) {
      printk(kernel, port, 'lp-too-late', thread.target, cpu.package);
      return EINVAL;
    }
    return bringUp(kernel, port, thread.target);
  },
};

export const SKIP_IF_INITIALISED: Step = {
  name: 'strict-skip-if-initialised',
  source: SOURCE,
  run: (kernel) => (kernel.status === 'initialised' ? JUMP : DONE),
};

/** TDH.SYS.LP.INIT on every CPU that was there at boot, whether online or not: the module waits for all that MCHECK counted. */
export const BRING_UP_EVERY_LP: Step = {
  name: 'strict-bring-up-every-lp',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const id = thread.index;
    const cpu = kernel.cpus[id];
    if (cpu === undefined) return DONE;
    if (cpu.atBoot && !cpu.lpInitialised) {
      if (!cpu.online && (!cpu.present || !cpu.bootable)) {
        printk(kernel, port, 'lp-held-offline', id, cpu.package);
        return EINVAL;
      }
      const error = onCPU(kernel, port, id, () => bringUp(kernel, port, id));
      if (error !== 0) return error;
    }
    thread.index++;
    return AGAIN;
  },
};

/** The CPU of a package to run something on: an online one if there is one, else one that can be brought up; -1 if none can. */
function cpuOfPackage(cpus: readonly KernelCPU[], pkg: number): number {
  let offline = -1;
  for (let id = 0; id < cpus.length; id++) {
    const cpu = cpus[id] as KernelCPU;
    if (cpu.package !== pkg || !cpu.lpInitialised) continue;
    if (cpu.online) return id;
    if (offline === -1 && cpu.present && cpu.bootable) offline = id;
  }
  return offline;
}

/** Every package that was there at boot must still have a CPU to program its key on. Nothing has been handed over yet. */
export const CHECK_PACKAGES: Step = {
  name: 'strict-check-packages',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    for (const cpu of kernel.cpus) {
      if (!cpu.atBoot || cpuOfPackage(kernel.cpus, cpu.package) !== -1) continue;
      printk(kernel, port, 'package-without-cpu', cpu.package);
      return EINVAL;
    }
    return DONE;
  },
};

/** TDH.SYS.KEY.CONFIG once per package, going on where an earlier attempt stopped. */
export const KEY_CONFIG_EVERY_PACKAGE: Step = {
  name: 'strict-key-config',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.index];
    if (cpu === undefined) return DONE;
    thread.index++;
    if (!cpu.atBoot || kernel.packagesDone.includes(cpu.package)) return AGAIN;
    const id = cpuOfPackage(kernel.cpus, cpu.package);
    if (id === -1) {
      printk(kernel, port, 'package-without-cpu', cpu.package);
      return EINVAL;
    }
    const error = onCPU(kernel, port, id, () => keyConfig(kernel, port, id));
    if (error !== 0) return error;
    kernel.packagesDone.push(cpu.package);
    return AGAIN;
  },
};

function keyConfig(kernel: KernelState, port: KernelPort, id: number): number {
  const vmx = getVMX(kernel, port, id);
  if (vmx !== 0) {
    printk(kernel, port, 'lp-not-in-vmx', id, kernel.cpus[id]?.package ?? 0);
    return vmx;
  }
  const error = seamcall(kernel, port, id, TDH_SYS_KEY_CONFIG, 0, 0, 0);
  if (error !== CRASH) flushAndPutVMX(kernel, port, id);
  return error;
}

/** A CPU that has been initialised stays in VMX operation while it is online; one that has not is named if it is too late. */
export const KEEP_VMX: Step = {
  name: 'strict-keep-vmx',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.target];
    if (cpu === undefined) return DONE;
    if (cpu.lpInitialised) getVMX(kernel, port, thread.target);
    else if (isConfigured(kernel)) printk(kernel, port, 'lp-too-late', thread.target, cpu.package);
    return DONE;
  },
};

export const LEAVE_VMX: Step = {
  name: 'strict-leave-vmx',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const cpu = kernel.cpus[thread.target];
    while (cpu !== undefined && cpu.vmxReferences > 0) flushAndPutVMX(kernel, port, thread.target);
    return DONE;
  },
};
