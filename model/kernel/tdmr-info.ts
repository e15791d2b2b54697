import { alignUp } from '../abi/align.ts';
import type { KernelPort } from './port.ts';
import type { TDMR } from './tdmr.ts';

/** TDMR_INFO without reserved areas, as the C structure is padded: its 64 bytes of fields are aligned to 512. */
const TDMR_INFO_SIZE = 512;
const TDMR_INFO_ALIGNMENT = 512;
const RESERVED_AREA_SIZE = 16;

/** Bytes from one slot of the TDMR array to the next: areas are added on top of the padded structure. Source: tdmr_size_single(), Linux 6.12. */
export function tdmrStride(maxReserved: number): number {
  return alignUp(TDMR_INFO_SIZE + RESERVED_AREA_SIZE * maxReserved, TDMR_INFO_ALIGNMENT);
}

/** Bytes of the array of TDMR_INFO addresses: a power of two, so that kmalloc aligns it to 512. Source: config_tdx_module(), Linux 6.12. */
export function addressArraySize(count: number): number {
  let size = TDMR_INFO_ALIGNMENT;
  while (size < count * 8) size *= 2;
  return size;
}

/** Stores one TDMR_INFO at `address`, a zeroed slot. Source: struct tdmr_info, arch/x86/virt/vmx/tdx/tdx.h. */
export function writeTDMRInfo(port: KernelPort, address: number, tdmr: TDMR): void {
  const base4K = tdmr.pamtBase;
  const base2M = base4K + tdmr.pamt4K;
  const base1G = base2M + tdmr.pamt2M;
  const words = [tdmr.base, tdmr.size, base1G, tdmr.pamt1G, base2M, tdmr.pamt2M, base4K, tdmr.pamt4K];
  for (const { offset, size } of tdmr.reserved) words.push(offset, size);
  let at = address;
  for (const word of words) {
    port.writeWord(at, word);
    at += 8;
  }
}
