import { PAGE_4K } from '../../../abi/page.ts';
import { STATUS } from '../../../abi/status.ts';
import type { U64 } from '../../../abi/u64.ts';
import { EBUSY, EINVAL, EIO, ENOMEM } from '../../errno.ts';
import { DONE, type Step } from '../../flow.ts';
import type { KernelPort } from '../../port.ts';
import { printk } from '../../printk.ts';
import { seamcallStatus, TDH_VP_CREATE, TDH_VP_ENTER, TDH_VP_FLUSH } from '../../seamcall.ts';
import type { KernelState } from '../../state.ts';
import type { KernelTD } from '../../td.ts';
import { allocate, release } from '../../tdx-memory.ts';
import { tdOf } from './td-create.ts';

/** A guest's vCPU and the CPU it runs on. Inferred where the module's answers are concerned: no recording has vCPUs. */

const LOAD = 'tdx_vcpu_load() and tdx_vcpu_run(), arch/x86/kvm/vmx/tdx.c, Linux 6.16';

/** One vCPU a guest, made when it is first to run. */
export const TDX_TD_VCPU_INIT: Step = {
  name: 'tdx_td_vcpu_init',
  source: 'tdx_td_vcpu_init(), arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  confidence: 'inferred',
  run: (kernel, thread, port) => {
    const td = tdOf(kernel, thread);
    if (td === undefined || !td.alive) return EINVAL;
    if (td.tdvpr !== -1) return DONE;
    const page = allocate(kernel, port, 'k', PAGE_4K);
    if (page === -1) return ENOMEM;
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_VP_CREATE, page, td.tdr);
    if (status !== 0) {
      printk(kernel, port, 'kvm-seamcall-failed', TDH_VP_CREATE, status);
      release(kernel, port, 'k', page, PAGE_4K);
      return EIO;
    }
    td.tdvpr = page;
    // Reclaimed with the other pages of the guest.
    td.tdcs.push(page);
    td.added++;
    return DONE;
  },
};

/** How a revision makes a vCPU leave the CPU it last ran on: answers 0 or the module's status. */
export type FlushVCPU = (kernel: KernelState, port: KernelPort, td: KernelTD) => U64;

/**
 * The vCPU leaves the CPU it last ran on, by TDH.VP.FLUSH there, and enters on this one, with no way for a CPU to go
 * offline in between (preemption is off).
 */
export function runVCPU(flush: FlushVCPU): Step {
  return {
    name: 'run-vcpu',
    source: LOAD,
    confidence: 'inferred',
    run: (kernel, thread, port) => {
      const td = tdOf(kernel, thread);
      if (td === undefined || !td.alive) return EINVAL;
      if (td.vcpuOn !== thread.cpu) {
        const flushed = flush(kernel, port, td);
        if (flushed !== 0) {
          printk(kernel, port, 'kvm-seamcall-failed', TDH_VP_FLUSH, flushed);
          return EIO;
        }
      }
      td.vcpuOn = thread.cpu;
      const status = seamcallStatus(kernel, port, thread.cpu, TDH_VP_ENTER, td.tdvpr, 0);
      if (status === 0) return DONE;
      printk(kernel, port, 'kvm-seamcall-failed', TDH_VP_ENTER, status);
      return EIO;
    },
  };
}

/** TDH.VP.FLUSH on the CPU the vCPU is on; whatever the answer, it is on no list any more. Answers 0 or the status. */
export function flushVCPU(kernel: KernelState, port: KernelPort, td: KernelTD): U64 {
  if (td.vcpuOn === -1) return 0;
  const status = seamcallStatus(kernel, port, td.vcpuOn, TDH_VP_FLUSH, td.tdvpr, 0);
  td.vcpuOn = -1;
  return status === STATUS.TDX_VCPU_NOT_ASSOCIATED ? 0 : status;
}

/** The same in the kernel that breaks no invariant: a vCPU that the module holds on to is still on its CPU. */
export function flushOrKeepVCPU(kernel: KernelState, port: KernelPort, td: KernelTD): U64 {
  const { vcpuOn } = td;
  const status = flushVCPU(kernel, port, td);
  if (status !== 0) td.vcpuOn = vcpuOn;
  return status;
}

export const RUN_VCPU: Step = runVCPU(flushVCPU);

/** Every vCPU that last ran on the CPU that goes is flushed there. What the module answers is not looked at. */
export const TDX_DISABLE_VIRTUALIZATION_CPU: Step = {
  name: 'tdx_disable_virtualization_cpu',
  source: 'tdx_disable_virtualization_cpu(), arch/x86/kvm/vmx/tdx.c, Linux 6.16',
  run: (kernel, thread, port) => {
    for (const td of kernel.tds) if (td.vcpuOn === thread.target) flushVCPU(kernel, port, td);
    return DONE;
  },
};

/** The same in the kernel that breaks no invariant: if TDH.VP.FLUSH fails, the CPU stays online. */
export const KEEP_CPU_OF_VCPU: Step = {
  name: 'strict-flush-vcpus-of-cpu',
  source:
    'model/kernel/revisions/strict.ts: the kernel that breaks no rule; TDX Module ABI specification, TDH.VP.FLUSH',
  run: (kernel, thread, port) => {
    for (const td of kernel.tds) {
      if (td.vcpuOn !== thread.target || flushOrKeepVCPU(kernel, port, td) === 0) continue;
      printk(kernel, port, 'cpu-stays-for-vcpu', thread.target, kernel.cpus[thread.target]?.package ?? 0);
      return EBUSY;
    }
    return DONE;
  },
};
