import { EBUSY, EINVAL, EIO } from '../../errno.ts';
import { AGAIN, DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcallStatus, TDH_MNG_KEY_CONFIG } from '../../seamcall.ts';
import type { KernelCPU, KernelState } from '../../state.ts';
import { vpflushdone, writeBackCaches } from '../kvm/td-destroy.ts';
import { tdOf } from '../kvm/td-create.ts';

/** Guests of the `strict` kernel: only CPUs that the module knows and that are in VMX operation count. */

const SOURCE =
  'model/kernel/revisions/strict.ts: the kernel that breaks no rule; v8 13/16, Kai Huang and Dave Hansen, 10 Jan 2023';

function isUsable({ online, lpInitialised, vmxReferences }: KernelCPU): boolean {
  return online && lpInitialised && vmxReferences > 0;
}

/** The lowest usable CPU of a package, or -1. */
function usableCPU({ cpus }: KernelState, pkg: number): number {
  for (let id = 0; id < cpus.length; id++) {
    const cpu = cpus[id];
    if (cpu?.package === pkg && isUsable(cpu)) return id;
  }
  return -1;
}

/** Moves to a CPU where SEAMCALLs are possible, unless they are here. */
export const MOVE_TO_USABLE_CPU: Step = {
  name: 'strict-move-to-usable-cpu',
  source: SOURCE,
  run: (kernel, thread) => {
    const here = kernel.cpus[thread.cpu];
    const id = here !== undefined && isUsable(here) ? thread.cpu : kernel.cpus.findIndex(isUsable);
    if (id !== -1) thread.cpu = id;
    return DONE;
  },
};

/** Every package that was there at boot needs a CPU to program the key on; all that have none are named. */
export const CHECK_PACKAGES_FOR_TD: Step = {
  name: 'strict-check-packages-for-td',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    let error = DONE;
    const { cpus } = kernel;
    for (const [id, { package: pkg, atBoot }] of cpus.entries()) {
      const isFirst = atBoot && cpus.findIndex((cpu) => cpu.atBoot && cpu.package === pkg) === id;
      if (!isFirst || usableCPU(kernel, pkg) !== -1) continue;
      printk(kernel, port, 'td-package-without-cpu', pkg);
      error = EINVAL;
    }
    return error;
  },
};

/** TDH.MNG.KEY.CONFIG on a usable CPU of each package. */
export const KEY_CONFIG_FOR_TD: Step = {
  name: 'strict-mng-key-config',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    while (thread.index < kernel.cpus.length) {
      const id = thread.index++;
      if (td === undefined || usableCPU(kernel, kernel.cpus[id]?.package ?? -1) !== id) continue;
      const status = seamcallStatus(kernel, port, id, TDH_MNG_KEY_CONFIG, td.tdr, 0);
      if (status === 0) return AGAIN;
      printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_KEY_CONFIG, status);
      return EIO;
    }
    return DONE;
  },
};

/** TDH.MNG.VPFLUSHDONE; a KeyID that is lost is named, whatever the reason. */
export const VPFLUSHDONE_ALOUD: Step = vpflushdone(SOURCE, 0);

/** TDH.PHYMEM.CACHE.WB on a usable CPU of each package. */
export const WRITE_BACK_USABLE: Step = writeBackCaches(
  'strict-write-back-caches',
  SOURCE,
  (kernel, id) => usableCPU(kernel, kernel.cpus[id]?.package ?? -1) === id,
);

/** While a guest has a KeyID, the last usable CPU of a package stays, and the line says which package. */
export const KEEP_LAST_USABLE_CPU: Step = {
  name: 'strict-keep-last-usable-cpu',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const leaving = kernel.cpus[thread.target];
    if (leaving === undefined || kernel.guestKeyids.length === 0 || !isUsable(leaving)) return DONE;
    for (const cpu of kernel.cpus) if (cpu !== leaving && cpu.package === leaving.package && isUsable(cpu)) return DONE;
    printk(kernel, port, 'cpu-stays-for-tds', thread.target, leaving.package);
    return EBUSY;
  },
};
