import { EOPNOTSUPP } from './errno.ts';
import type { KernelPort } from './port.ts';
import type { KernelState } from './state.ts';

/**
 * Takes a reference on VMX operation of a CPU; the first one executes VMXON.
 * @returns 0, or -EOPNOTSUPP if the CPU cannot enter VMX operation.
 * Source: x86_virt_get_ref(), Linux 7.3; recording 7.3-demos, lines 58 and 59.
 */
export function getVMX(kernel: KernelState, port: KernelPort, cpu: number): number {
  const state = kernel.cpus[cpu];
  if (state === undefined || (state.vmxReferences === 0 && !port.vmxon(cpu))) return EOPNOTSUPP;
  state.vmxReferences++;
  return 0;
}

/** Drops a reference; the last one leaves VMX operation. */
export function putVMX(kernel: KernelState, port: KernelPort, cpu: number): void {
  const state = kernel.cpus[cpu];
  if (state === undefined || state.vmxReferences === 0) return;
  state.vmxReferences--;
  if (state.vmxReferences === 0) port.vmxoff(cpu);
}

/**
 * The same on a CPU that is done with TDX: where it has dirty private lines it flushes its caches first. One that never
 * came up drops its reference without.
 * Source: tdx_offline_cpu(), Linux 7.3; recording linux-7.3, LP.INIT refused on the second CPU: one WBINVD, the first's.
 */
export function flushAndPutVMX(kernel: KernelState, port: KernelPort, cpu: number): void {
  flushCaches(kernel, port, cpu);
  putVMX(kernel, port, cpu);
}

/** WBINVD on a CPU that may have dirty private lines. Source: tdx_cpu_flush_cache(), Linux 7.3. */
export function flushCaches(kernel: KernelState, port: KernelPort, cpu: number): void {
  const state = kernel.cpus[cpu];
  if (state?.cacheDirty !== true) return;
  port.wbinvd(cpu);
  state.cacheDirty = false;
}
