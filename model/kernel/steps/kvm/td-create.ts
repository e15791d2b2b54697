import { PAGE_4K } from '../../../abi/page.ts';
import { STATUS } from '../../../abi/status.ts';
import { EAGAIN, EINVAL, EIO, ENOMEM, ENOSPC } from '../../errno.ts';
import { AGAIN, BLOCKED, DONE, type StepResult, type Step } from '../../flow.ts';
import { lock, unlock } from '../../lock.ts';
import { printk } from '../../printk.ts';
import { seamcallStatus, TDH_MNG_ADDCX, TDH_MNG_CREATE, TDH_MNG_KEY_CONFIG } from '../../seamcall.ts';
import { allocate, release } from '../../tdx-memory.ts';
import { packageMaskBytes } from '../linux/configure.ts';
import { allocateKeyID, freeKeyID, type KernelTD } from '../../td.ts';
import type { KernelState } from '../../state.ts';
import type { Thread } from '../../thread.ts';

/** A guest is made. Source: __tdx_td_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16. */

const SOURCE = '__tdx_td_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16';

/** The TD a thread is about. */
export function tdOf(kernel: KernelState, thread: Thread): KernelTD | undefined {
  return kernel.tds[thread.td];
}

/** Without an initialised module KVM knows no such kind of VM. */
export const REQUIRE_INITIALISED_MODULE: Step = {
  name: 'require-initialised-module',
  source: 'tdx_bringup(), arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  run: (kernel) => (kernel.status === 'initialised' ? DONE : EINVAL),
};

/** A KeyID of its own, or -ENOSPC. */
export const TDX_GUEST_KEYID_ALLOC: Step = {
  name: 'tdx_guest_keyid_alloc',
  source: SOURCE,
  run: (kernel, thread) => {
    const hkid = allocateKeyID(kernel);
    if (hkid === -1) return ENOSPC;
    thread.td = kernel.tds.length;
    kernel.tds.push({
      hkid,
      tdr: -1,
      tdcs: [],
      added: 0,
      tdvpr: -1,
      vcpuOn: -1,
      mask: -1,
      created: false,
      alive: false,
    });
    return DONE;
  },
};

/** The TDR and as many TDCS pages as the module said. */
export const ALLOCATE_CONTROL_PAGES: Step = {
  name: 'allocate-control-pages',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return EINVAL;
    td.tdr = allocate(kernel, port, 'k', PAGE_4K);
    if (td.tdr === -1) return ENOMEM;
    for (let bytes = 0; bytes < kernel.info.tdcsBaseSize; bytes += PAGE_4K) {
      const page = allocate(kernel, port, 'k', PAGE_4K);
      if (page === -1) return ENOMEM;
      td.tdcs.push(page);
    }
    return DONE;
  },
};

export const ALLOCATE_MASK: Step = {
  name: 'allocate-mask',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return EINVAL;
    td.mask = allocate(kernel, port, 'm', packageMaskBytes(kernel.cpus.length));
    return td.mask === -1 ? ENOMEM : DONE;
  },
};

/** Gives the mask back; an error on its way out leaves the flow here. */
export const FREE_MASK: Step = {
  name: 'free-mask',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td !== undefined) {
      release(kernel, port, 'm', td.mask, packageMaskBytes(kernel.cpus.length));
      td.mask = -1;
    }
    return thread.error;
  },
};

/** Every package that has a CPU needs one online; which of them has none is not said. */
export const CHECK_ALL_PACKAGES_ONLINE: Step = {
  name: 'check-all-packages-online',
  source: SOURCE,
  run: (kernel, _thread, port) => {
    for (const { present, package: pkg } of kernel.cpus) {
      if (!present || kernel.cpus.some((cpu) => cpu.online && cpu.package === pkg)) continue;
      printk(kernel, port, 'kvm-all-packages');
      return EIO;
    }
    return DONE;
  },
};

/** KVM's own mutex around leaves that would otherwise find the module's global lock or KeyID table busy. */
export const LOCK_KVM: Step = {
  name: 'lock-kvm',
  source: 'tdx_lock, arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  run: (kernel, thread) => (lock(kernel, thread, 'kvm') ? DONE : BLOCKED),
};

/** Drops it; an error on its way out leaves the flow here. */
export const UNLOCK_KVM: Step = {
  name: 'unlock-kvm',
  source: 'tdx_lock, arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  run: (kernel, thread) => {
    unlock(kernel, thread, 'kvm');
    return thread.error;
  },
};

/** TDH.MNG.CREATE: no entropy may be tried again by the user, anything else is the end. */
export const MNG_CREATE: Step = {
  name: 'tdh_mng_create',
  source: SOURCE,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return EINVAL;
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_MNG_CREATE, td.tdr, td.hkid);
    if (status === STATUS.TDX_RND_NO_ENTROPY) return EAGAIN;
    if (status !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_CREATE, status);
      return EIO;
    }
    td.created = true;
    return DONE;
  },
};

/** TDH.MNG.KEY.CONFIG on the first online CPU of each package. */
export const MNG_KEY_CONFIG_PACKAGES: Step = {
  name: 'tdx_do_tdh_mng_key_config',
  source: `tdx_do_tdh_mng_key_config() and ${SOURCE}`,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    const { cpus } = kernel;
    while (thread.index < cpus.length) {
      const cpu = thread.index++;
      const state = cpus[cpu];
      if (td === undefined || state === undefined || !state.online || isNotFirst(kernel, cpu)) continue;
      const status = seamcallStatus(kernel, port, cpu, TDH_MNG_KEY_CONFIG, td.tdr, 0);
      if (status === 0) return AGAIN;
      printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_KEY_CONFIG, status);
      return EIO;
    }
    return DONE;
  },
};

/** Another online CPU of the same package has a lower id. */
export function isNotFirst({ cpus }: KernelState, cpu: number): boolean {
  for (let id = 0; id < cpu; id++)
    if (cpus[id]?.online === true && cpus[id]?.package === cpus[cpu]?.package) return true;
  return false;
}

/** TDH.MNG.ADDCX, page by page. */
export const ADD_TDCS_PAGES: Step = {
  name: 'tdh_mng_addcx',
  source: SOURCE,
  run: (kernel, thread, port): StepResult => {
    const td = tdOf(kernel, thread);
    const page = td?.tdcs[td.added];
    if (td === undefined || page === undefined) {
      if (td !== undefined) td.alive = true;
      return DONE;
    }
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_MNG_ADDCX, page, td.tdr);
    if (status === STATUS.TDX_RND_NO_ENTROPY) return EAGAIN;
    if (status !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_ADDCX, status);
      return EIO;
    }
    td.added++;
    return AGAIN;
  },
};

/** Before the module had anything: pages and KeyID simply go back. */
export const GIVE_BACK_UNUSED: Step = {
  name: 'give-back-unused',
  source: `${SOURCE}, labels free_packages to free_hkid`,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return DONE;
    for (const page of td.tdcs) release(kernel, port, 'k', page, PAGE_4K);
    td.tdcs.length = 0;
    if (td.tdr !== -1) release(kernel, port, 'k', td.tdr, PAGE_4K);
    td.tdr = -1;
    freeKeyID(kernel, td.hkid);
    td.hkid = -1;
    return DONE;
  },
};

/** TDCS pages that the module did not get yet. */
export const GIVE_BACK_UNADDED_TDCS: Step = {
  name: 'give-back-unadded-tdcs',
  source: `${SOURCE}, label teardown`,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return DONE;
    for (let at = td.added; at < td.tdcs.length; at++) release(kernel, port, 'k', td.tdcs[at] ?? -1, PAGE_4K);
    td.tdcs.length = td.added;
    return DONE;
  },
};
