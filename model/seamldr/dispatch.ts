import { PHYSICAL_END } from '../abi/size.ts';
import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import { install } from './install.ts';
import type { SEAMLDRState } from './seamldr.ts';
import { shutDown } from './shut-down.ts';
import { SEAMLDR_LEAF, SEAMLDR_STATUS } from './status.ts';

/**
 * A call that entered the P-SEAMLDR: reads and writes the register file. INFO and SEAMINFO check their buffer but
 * write nothing: their contents are build facts that nothing here reads. A raw INSTALL never carries a parameter page the
 * loader would accept; `lateLoad` does.
 *
 * Source: Intel P-SEAMLDR 1.5, pseamldr_dispatcher.
 */
export function callSEAMLDR(state: SEAMLDRState, hardware: Hardware, lp: number, regs: Registers): void {
  switch (regs.rax) {
    case SEAMLDR_LEAF.INFO:
      regs.rax = bufferStatus(hardware, regs.rcx, 256);
      return;
    case SEAMLDR_LEAF.INSTALL:
      regs.rax = install(state, hardware, lp, false);
      regs.rdx = 0;
      return;
    case SEAMLDR_LEAF.SHUTDOWN:
      regs.rax = shutDown(state, hardware, lp);
      return;
    case SEAMLDR_LEAF.SEAMINFO:
      regs.rax = bufferStatus(hardware, regs.rcx, 2048);
      return;
    default:
      regs.rax = SEAMLDR_STATUS.EBADPARAM;
  }
}

/** Aligned, no KeyID above MKTME's, outside the SEAMRR. */
function bufferStatus(hardware: Hardware, address: U64, alignment: number): U64 {
  if (typeof address !== 'number' || address >= PHYSICAL_END) return SEAMLDR_STATUS.EBADPARAM;
  const keyidUnit = PHYSICAL_END / 2 ** hardware.keyidBits;
  const plain = address % keyidUnit;
  const keyid = (address - plain) / keyidUnit;
  const { base, mask } = hardware.seamrr;
  const seamrrEnd = typeof mask === 'number' && typeof base === 'number' ? base + PHYSICAL_END - mask : base;
  const inSEAMRR = plain < seamrrEnd && base < plain + alignment;
  return address % alignment !== 0 || keyid > hardware.mktmeKeyids || inSEAMRR
    ? SEAMLDR_STATUS.EBADPARAM
    : SEAMLDR_STATUS.SUCCESS;
}
