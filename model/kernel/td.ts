import type { KernelState } from './state.ts';

/** One guest TD as KVM knows it. Addresses are bytes; -1 = not allocated, or given back. */
export interface KernelTD {
  /** KeyID; -1 once it was returned to the pool. */
  hkid: number;
  /** The TDR page. */
  tdr: number;
  /** TDCS pages, -1 where one was given back; the first `added` of them belong to the module. */
  readonly tdcs: number[];
  added: number;
  /** The TDVPR page of its vCPU, which is among `tdcs` too; guests here have one. */
  tdvpr: number;
  /** CPU whose list of vCPUs it is on: that on which it last ran. */
  vcpuOn: number;
  /** The cpumask of packages during creation. */
  mask: number;
  /** The module has the TDR: TDH.MNG.CREATE succeeded. */
  created: boolean;
  /** Creation went all the way, and destruction has not begun. */
  alive: boolean;
}

/**
 * Takes the lowest free guest KeyID; -1 if there is none. The first TDX KeyID is the module's own.
 * Source: tdx_guest_keyid_alloc(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.16.
 */
export function allocateKeyID(kernel: KernelState): number {
  const end = kernel.keyidStart + kernel.keyidCount;
  for (let keyid = kernel.globalKeyID + 1; keyid < end; keyid++) {
    if (kernel.guestKeyids.includes(keyid)) continue;
    kernel.guestKeyids.push(keyid);
    return keyid;
  }
  return -1;
}

/** Returns a guest KeyID to the pool. Source: tdx_guest_keyid_free(), Linux 6.16. */
export function freeKeyID(kernel: KernelState, keyid: number): void {
  const at = kernel.guestKeyids.indexOf(keyid);
  if (at !== -1) kernel.guestKeyids.splice(at, 1);
}
