import { ENOSYS, EOPNOTSUPP } from '../../errno.ts';
import { STATUS } from '../../../abi/status.ts';
import { highHalf, isZero } from '../../../abi/u64.ts';
import { AGAIN, DONE, type Step } from '../../flow.ts';
import { printk } from '../../printk.ts';
import { seamcallStatus, TDH_SYS_DISABLE, TDX_SEAMCALL_VMFAILINVALID } from '../../seamcall.ts';
import { flushAndPutVMX } from '../../vmx.ts';
import { TDMRS_RESET_PAMT_ALL } from './undo.ts';

/**
 * What the old kernel does to the module. Source: tdx_shutdown(), tdx_sys_disable(), arch/x86/virt/vmx/tdx/tdx.c, Linux
 * 7.3; stop_this_cpu(), arch/x86/kernel/process.c.
 */

/** Built without kexec: the two exclude each other in Kconfig. */
export const NO_KEXEC: Step = {
  name: 'no-kexec',
  source: 'config INTEL_TDX_HOST depends on !KEXEC_CORE, arch/x86/Kconfig, Linux 6.8 to 6.17',
  run: () => ENOSYS,
};

/** Loading a kernel is refused where partial writes to private memory poison it. */
export const REFUSE_KEXEC_WITH_ERRATUM: Step = {
  name: 'refuse-kexec-with-erratum',
  source: 'machine_kexec_prepare(), arch/x86/kernel/machine_kexec_64.c, Linux 6.18',
  run: (kernel, _thread, port) => {
    if (!kernel.partialWriteErratum) return DONE;
    printk(kernel, port, 'kexec-erratum');
    return EOPNOTSUPP;
  },
};

/** Every CPU flushes its caches as it stops. The module is left as it is. */
export const FLUSH_ALL_CPUS: Step = {
  name: 'flush-all-cpus',
  source:
    'stop_this_cpu(), v5 21/22 "x86/virt/tdx: Support kexec()"; v7 19/20 and v8 15/16 "x86/virt/tdx: Flush cache in kexec() when TDX is enabled"',
  run: (kernel, thread, port) => {
    if (kernel.platformEnabled) port.wbinvdAll(thread.cpu);
    return DONE;
  },
};

/** PAMTs, and nothing else, are taken back from their KeyID for the next kernel. */
export const TDX_RESET_MEMORY: Step = {
  name: 'tdx_reset_memory',
  source:
    'tdx_reset_memory(), v11 18/20 "x86: Handle TDX erratum to reset TDX private memory during kexec() and reboot"',
  run: (kernel, thread, port) =>
    kernel.partialWriteErratum && kernel.status === 'initialised'
      ? TDMRS_RESET_PAMT_ALL.run(kernel, thread, port)
      : DONE,
};

/** A CPU that made a SEAMCALL since its last flush flushes as it stops. */
export const FLUSH_DIRTY_CPUS: Step = {
  name: 'flush-dirty-cpus',
  source: 'stop_this_cpu(), cache_state_incoherent, arch/x86/kernel/process.c, Linux 6.18',
  run: (kernel, _thread, port) => {
    for (const [id, cpu] of kernel.cpus.entries()) {
      if (!cpu.online || !cpu.cacheDirty) continue;
      port.wbinvd(id);
      cpu.cacheDirty = false;
    }
    return DONE;
  },
};

/**
 * Where TDX runs, the module is told to give everything back. One that does not know the leaf refuses, which is told and
 * has no consequence. The callback is registered by an initialisation that succeeds.
 */
export const TDX_SYS_DISABLE: Step = {
  name: 'tdx_sys_disable',
  source: 'tdx_shutdown() and tdx_sys_disable(), arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3.4',
  run: (kernel, thread, port) => {
    if (kernel.status !== 'initialised') return DONE;
    const status = seamcallStatus(kernel, port, thread.cpu, TDH_SYS_DISABLE, 0, 0);
    if (highHalf(status) === SYS_BUSY) return AGAIN;
    if (!isZero(status) && highHalf(status) !== SOFTWARE_ERROR) printk(kernel, port, 'sys-disable-failed', status);
    return DONE;
  },
};

const SYS_BUSY = highHalf(STATUS.TDX_SYS_BUSY);
/** The upper half of what the wrapper makes of #GP, #UD and VMfailInvalid. */
const SOFTWARE_ERROR = highHalf(TDX_SEAMCALL_VMFAILINVALID);

/** Every CPU drops its reference on VMX operation on shutdown. */
export const LEAVE_VMX: Step = {
  name: 'leave-vmx',
  source: 'tdx_shutdown_cpu(), arch/x86/virt/vmx/tdx/tdx.c, Linux 7.3.4',
  run: (kernel, _thread, port) => {
    for (let id = 0; id < kernel.cpus.length; id++)
      while ((kernel.cpus[id]?.vmxReferences ?? 0) > 0) flushAndPutVMX(kernel, port, id);
    return DONE;
  },
};
