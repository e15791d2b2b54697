import { alignDown } from '../../abi/align.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import { PAGE_1G, PAGE_4K } from '../../abi/page.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { U64 } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import type { Conditions } from '../conditions.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import type { ModuleState, TDMRState } from '../state.ts';

/**
 * Initialises the next stretch of one TDMR's PAMT and says where to continue; the host calls until RDX reaches the
 * TDMR's end. RDX is rounded down to 1 GiB: 255 of 256 calls answer the same.
 */
export const TDH_SYS_TDMR_INIT = createLeaf({
  name: 'TDH.SYS.TDMR.INIT',
  beforeReady: false,
  source:
    'TDX Module ABI specification, TDH.SYS.TDMR.INIT; tdh_sys_tdmr_init.c, TDX module 1.5.01; recorded cases tdmrinit-*',
  run,
});

const RCX_INVALID = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX), 'RCX is not the base of a TDMR');
const TDMR_LOCKED = refusal(withDetails(STATUS.TDX_OPERAND_BUSY, OPERAND.RCX), 'TDMR lock held');
const ALREADY_INITIALISED = refusal(STATUS.TDX_TDMR_ALREADY_INITIALIZED, 'TDMR is initialised');

function run(
  module: ModuleState,
  _hardware: Hardware,
  _lp: number,
  regs: Registers,
  conditions: Conditions,
): ModuleOutcome {
  regs.rdx = 0;

  // Checks.
  const tdmr = findTDMR(module, regs.rcx);
  if (tdmr === undefined) return refuse(regs, RCX_INVALID);
  if (conditions.tdmrLocks !== 'free') return refuse(regs, TDMR_LOCKED);
  if (tdmr.initialised >= tdmr.size) return refuse(regs, ALREADY_INITIALISED);

  // Effect.
  initialisePAMT(module, tdmr, bytesPerCall(module));
  regs.rdx = nextAddress(tdmr);
  return succeed(regs);
}

/** The TDMR whose base is `value`; anything else, misaligned or hostile values included, is no TDMR's base. */
export function findTDMR(module: ModuleState, value: U64): TDMRState | undefined {
  for (const tdmr of module.tdmrs) if (tdmr.base === value) return tdmr;
  return undefined;
}

/** What RDX says: the next address to initialise, rounded down to 1 GiB. Bytes. */
export function nextAddress(tdmr: TDMRState): number {
  return tdmr.base + alignDown(tdmr.initialised, PAGE_1G);
}

/** Bytes of a TDMR whose PAMT entries one call initialises. */
export function bytesPerCall({ release }: ModuleState): number {
  return release.tdmrInitPages * PAGE_4K;
}

/** Initialises the PAMT entries of the next `bytes` of the TDMR; the caller made sure that so many remain. */
export function initialisePAMT(module: ModuleState, tdmr: TDMRState, bytes: number): void {
  const from = tdmr.initialised;
  tdmr.initialised += bytes;
  if (module.pages.size === 0) return;
  // PAMT entries left over from the life of a module before this one are overwritten.
  for (const address of module.pages.keys()) {
    const offset = address - tdmr.base;
    if (offset >= from && offset < tdmr.initialised) module.pages.delete(address);
  }
}
