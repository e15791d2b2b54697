import { PAGE_4K } from '../../../abi/page.ts';
import { STATUS } from '../../../abi/status.ts';
import type { U64 } from '../../../abi/u64.ts';
import { EINVAL } from '../../errno.ts';
import { AGAIN, DONE, JUMP, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import {
  seamcallStatus,
  TDH_MNG_KEY_FREEID,
  TDH_MNG_VPFLUSHDONE,
  TDH_PHYMEM_CACHE_WB,
  TDH_PHYMEM_PAGE_RECLAIM,
  TDH_PHYMEM_PAGE_WBINVD,
  TDH_VP_FLUSH,
} from '../../seamcall.ts';
import type { KernelState } from '../../state.ts';
import { freeKeyID } from '../../td.ts';
import { release } from '../../tdx-memory.ts';
import { isNotFirst, tdOf } from './td-create.ts';
import { flushVCPU, type FlushVCPU } from './td-run.ts';

/**
 * A guest is taken down. Source: tdx_mmu_release_hkid(), tdx_reclaim_td_control_pages(), arch/x86/kvm/vmx/tdx.c, Linux
 * 6.16.
 */

const HKID = 'tdx_mmu_release_hkid(), arch/x86/kvm/vmx/tdx.c, Linux 6.16';
const PAGES = 'tdx_reclaim_td_control_pages(), arch/x86/kvm/vmx/tdx.c, Linux 6.16';
/** Calls of TDH.PHYMEM.CACHE.WB before the kernel gives up. Source: TDX_SEAMCALL_RETRIES, Linux 6.16. */
const WRITE_BACK_ATTEMPTS = 10000;

/** A TD that is not there, or on its way out, cannot be destroyed. */
export const REQUIRE_TD: Step = {
  name: 'require-td',
  source: 'kvm_destroy_vm(), virt/kvm/kvm_main.c, Linux 6.12 (the file descriptor of a VM is closed once)',
  run: (kernel, thread) => {
    const td = tdOf(kernel, thread);
    if (td === undefined || !td.alive) return EINVAL;
    td.alive = false;
    return DONE;
  },
};

/** The vCPU leaves the CPU it last ran on; a refusal shows at TDH.MNG.VPFLUSHDONE. */
export function flushVCPUOfTD(flush: FlushVCPU): Step {
  return {
    name: 'tdx_flush_vp_on_cpu',
    source: `tdx_flush_vp_on_cpu() and ${HKID}`,
    run: (kernel, thread, port) => {
      const td = tdOf(kernel, thread);
      const status = td === undefined ? 0 : flush(kernel, port, td);
      if (status !== 0) printk(kernel, port, 'kvm-seamcall-failed', TDH_VP_FLUSH, status);
      return DONE;
    },
  };
}

export const TDX_FLUSH_VP_ON_CPU: Step = flushVCPUOfTD(flushVCPU);

/** TDH.MNG.VPFLUSHDONE; when it fails the KeyID is not returned, now or later. `silent`: with this status not a word is said. */
export function vpflushdone(source: string, silent: U64): Step {
  return {
    name: 'tdh_mng_vpflushdone',
    source,
    run: (kernel, thread, port) => {
      const td = tdOf(kernel, thread);
      if (td === undefined) return JUMP;
      const status = seamcallStatus(kernel, port, thread.cpu, TDH_MNG_VPFLUSHDONE, td.tdr, 0);
      if (status === 0) return DONE;
      if (status !== silent) {
        printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_VPFLUSHDONE, status);
        printk(kernel, port, 'kvm-vpflushdone-leaked', td.hkid);
      }
      return JUMP;
    },
  };
}

export const VPFLUSHDONE: Step = vpflushdone(HKID, STATUS.TDX_FLUSHVP_NOT_DONE);

/** TDH.PHYMEM.CACHE.WB on the CPUs that `runsOn` says, resumed while interrupts stop it. A failure shows at FREEID. */
export function writeBackCaches(
  name: string,
  source: string,
  runsOn: (kernel: KernelState, cpu: number) => boolean,
): Step {
  return {
    name,
    source,
    run: (kernel, thread, port) => {
      while (thread.index < kernel.cpus.length) {
        const cpu = thread.index++;
        if (!runsOn(kernel, cpu)) continue;
        let status: U64 = 0;
        for (let attempt = 0; attempt < WRITE_BACK_ATTEMPTS; attempt++) {
          status = seamcallStatus(kernel, port, cpu, TDH_PHYMEM_CACHE_WB, status === 0 ? 0 : 1, 0);
          if (status !== STATUS.TDX_INTERRUPTED_RESUMABLE) break;
        }
        if (status !== 0 && status !== STATUS.TDX_NO_HKID_READY_TO_WBCACHE)
          printk(kernel, port, 'kvm-seamcall-failed', TDH_PHYMEM_CACHE_WB, status);
        return AGAIN;
      }
      return DONE;
    },
  };
}

/** One online CPU of each package: the first. */
export const WRITE_BACK_CACHES: Step = writeBackCaches(
  'write-back-caches',
  `smp_func_do_phymem_cache_wb() and ${HKID}`,
  (kernel, cpu) => kernel.cpus[cpu]?.online === true && !isNotFirst(kernel, cpu),
);

/** TDH.MNG.KEY.FREEID: only then may the KeyID be used again; when it fails the KeyID is lost until the next boot. */
export const FREE_KEYID: Step = {
  name: 'tdh_mng_key_freeid',
  source: HKID,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined) return DONE;
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_MNG_KEY_FREEID, td.tdr, 0);
    if (status !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_MNG_KEY_FREEID, status);
      printk(kernel, port, 'kvm-hkid-leaked', td.hkid);
      return DONE;
    }
    freeKeyID(kernel, td.hkid);
    td.hkid = -1;
    return DONE;
  },
};

/**
 * TDCS pages, then the TDR, back from the module: reclaimed, written back, wiped, freed. While the KeyID is still
 * assigned nothing is touched; a page that does not come back stays lost.
 */
export const TDX_RECLAIM_TD_CONTROL_PAGES: Step = {
  name: 'tdx_reclaim_td_control_pages',
  source: PAGES,
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined || td.hkid !== -1) return DONE;
    const page = td.tdcs[thread.index];
    if (page === undefined && td.tdr === -1) return DONE;
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_PHYMEM_PAGE_RECLAIM, page ?? td.tdr, 0);
    if (status !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_PHYMEM_PAGE_RECLAIM, status);
      if (page === undefined) return DONE;
      thread.index++;
      return AGAIN;
    }
    if (page !== undefined) {
      port.movdir64b(thread.cpu, page, PAGE_4K);
      release(kernel, port, 'k', page, PAGE_4K);
      td.tdcs[thread.index] = -1;
      thread.index++;
      return AGAIN;
    }
    // The module wrote the TDR under its own KeyID, so that is the KeyID to write it back with.
    const keyed = td.tdr + kernel.globalKeyID * (kernel.facts.addressEnd ?? 2 ** 46);
    const flushed = seamcallStatus(kernel, port, thread.cpu, TDH_PHYMEM_PAGE_WBINVD, keyed, 0);
    if (flushed !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_PHYMEM_PAGE_WBINVD, flushed);
      return DONE;
    }
    port.movdir64b(thread.cpu, td.tdr, PAGE_4K);
    release(kernel, port, 'k', td.tdr, PAGE_4K);
    td.tdr = -1;
    td.tdcs.length = 0;
    return DONE;
  },
};
