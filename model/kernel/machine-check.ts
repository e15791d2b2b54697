import { PHYSICAL_END } from '../abi/size.ts';
import { PAGE_4K } from '../abi/page.ts';
import { highHalf, lowHalf, type U64 } from '../abi/u64.ts';
import type { KernelPort } from './port.ts';
import { seamcallBare, TDH_PHYMEM_PAGE_RDMD } from './seamcall.ts';
import type { KernelState } from './state.ts';
import { pamtSize } from './tdmr.ts';

/** Page types as TDH.PHYMEM.PAGE.RDMD answers them in RCX. Source: arch/x86/virt/vmx/tdx/tdx.h. */
const PT_NDA = 0;
const PT_RSVD = 1;

/** The hint tdx_dump_mce_info() gives the machine-check handler to print. */
export const MACHINE_CHECK_HINT = 'TDX private memory error. Possible kernel bug.';

/**
 * Is this a memory error whose address the kernel may use? `status` and `misc` are IA32_MCi_STATUS and IA32_MCi_MISC.
 * Source: mce_is_memory_error() and mce_usable_address() for Intel, arch/x86/kernel/cpu/mce/core.c.
 */
export function isUsableMemoryError(status: U64, misc: U64): boolean {
  const code = lowHalf(status) & 0xffff;
  const memoryError = (code & 0xef80) === 0x80 || (code & 0xef00) === 0x100 || (code & 0xeffc) === 0xc;
  // ADDRV is bit 58, MISCV bit 59.
  const valid = (highHalf(status) & 0x0c000000) === 0x0c000000;
  const low = lowHalf(misc);
  // Bits 5:0: lowest valid address bit; bits 8:6: 2 = physical address.
  return memoryError && valid && (low & 0x3f) <= 12 && (low & 0x1c0) === 0x80;
}

/** `private`: the hint is printed. `none`: nothing is. `crash`: the helper read memory it had freed. */
export type MachineCheckVerdict = 'private' | 'none' | 'crash';

/** A revision's machine-check helper on `cpu` for a memory error at `address` (bytes, any alignment). */
export type MachineCheck = (kernel: KernelState, port: KernelPort, cpu: number, address: number) => MachineCheckVerdict;

/**
 * Asks the module wherever the platform feature is set.
 * Source: tdx_dump_mce_info(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */
export function tdxDumpMCEInfo(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  address: number,
): MachineCheckVerdict {
  return kernel.platformEnabled ? pageIsPrivate(kernel, port, cpu, address - (address % PAGE_4K), address) : 'none';
}

/** Asks the module only while TDX runs, on a CPU in VMX operation, and without the KeyID that the address may carry. */
export function strictMachineCheck(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  address: number,
): MachineCheckVerdict {
  if (!kernel.platformEnabled || kernel.status !== 'initialised' || kernel.cpus[cpu]?.vmxReferences === 0)
    return 'none';
  // MCI_ADDR_PHYSADDR: what the hardware reports may carry the KeyID of the line.
  const page = (address - (address % PAGE_4K)) % (kernel.facts.addressEnd ?? PHYSICAL_END);
  return pageIsPrivate(kernel, port, cpu, page, address);
}

/**
 * Asks the module whose page it is, once, and takes every status but 0 as "not private". A reserved page may be a PAMT, so
 * the TDMR list is searched, whether or not it still exists.
 * Source: paddr_is_tdx_private() and is_pamt_page(), arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12.
 */
function pageIsPrivate(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  page: number,
  address: number,
): MachineCheckVerdict {
  const status = seamcallBare(kernel, port, cpu, TDH_PHYMEM_PAGE_RDMD, page);
  if (status !== 0) return 'none';
  switch (kernel.registers.rcx) {
    case PT_NDA:
      return 'none';
    case PT_RSVD:
      return searchPAMTs(kernel, address);
    default:
      return 'private';
  }
}

function searchPAMTs(kernel: KernelState, address: number): MachineCheckVerdict {
  if (kernel.tdmrCount === 0) return 'none';
  if (!kernel.tdmrArrayLive) {
    kernel.crash = 'use after free: machine-check code walks the TDMR list that a failed initialisation gave back';
    return 'crash';
  }
  for (const tdmr of kernel.tdmrs)
    if (address >= tdmr.pamtBase && address < tdmr.pamtBase + pamtSize(tdmr)) return 'private';
  return 'none';
}
