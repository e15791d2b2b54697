import { OPERAND } from '../abi/operand-id.ts';
import { PAGE_1G, PAGE_TYPE } from '../abi/page.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { isPageAddress } from './address.ts';
import type { Conditions } from './conditions.ts';
import { type Refusal, refusal } from './outcome.ts';
import type { ModuleState, PageEntry, TDMRState } from './state.ts';

/** The TDMR that covers the page, if the page's whole 1 GiB block is initialised. */
export function coveringTDMR(module: ModuleState, address: number): TDMRState | undefined {
  for (const tdmr of module.tdmrs) {
    const offset = address - tdmr.base;
    if (offset < 0 || offset >= tdmr.size) continue;
    return offset < tdmr.initialised - (tdmr.initialised % PAGE_1G) ? tdmr : undefined;
  }
  return undefined;
}

/** Type of a page that lies in `tdmr`: what was recorded for it, else RSVD in a reserved area and NDA outside. */
export function pageType(module: ModuleState, tdmr: TDMRState, address: number): number {
  const entry = module.pages.size === 0 ? undefined : module.pages.get(address);
  if (entry !== undefined) return entry.type;
  return isReserved(tdmr, address) ? PAGE_TYPE.RSVD : PAGE_TYPE.NDA;
}

/** Last owner of a page: a TDR address, or 0. */
export function pageOwner(module: ModuleState, address: number): number {
  return module.pages.get(address)?.owner ?? 0;
}

function isReserved(tdmr: TDMRState, address: number): boolean {
  const offset = address - tdmr.base;
  for (const area of tdmr.reserved) if (offset >= area.base && offset < area.base + area.size) return true;
  return false;
}

/**
 * Marks a page in its PAMT entry. Entries that say nothing new are not kept, so that a page used and given back leaves
 * no trace but its former owner.
 */
export function setPage(module: ModuleState, address: number, entry: PageEntry): void {
  if (entry.type === PAGE_TYPE.NDA && entry.owner === 0) module.pages.delete(address);
  else module.pages.set(address, entry);
}

/** What a page operand is refused for, one set per operand register. */
export interface PageOperand {
  readonly invalid: Refusal;
  readonly range: Refusal;
  readonly busy: Refusal;
  readonly metadata: Refusal;
}

export const PAGE_IN_RCX = pageOperand(OPERAND.RCX);
export const PAGE_IN_RDX = pageOperand(OPERAND.RDX);

function pageOperand(operand: number): PageOperand {
  return {
    invalid: refusal(
      withDetails(STATUS.TDX_OPERAND_INVALID, operand),
      'page operand: not 4 KiB aligned, or KeyID bits set',
    ),
    range: refusal(
      withDetails(STATUS.TDX_OPERAND_ADDR_RANGE_ERROR, operand),
      'page operand: in no TDMR, or its 1 GiB block is not initialised',
    ),
    busy: refusal(withDetails(STATUS.TDX_OPERAND_BUSY, operand), 'page operand: PAMT entry locked'),
    metadata: refusal(
      withDetails(STATUS.TDX_PAGE_METADATA_INCORRECT, operand),
      'page operand: not of the type the leaf needs',
    ),
  };
}

/**
 * Format, coverage and PAMT lock of a page operand, in the module's order; `null` if all is well.
 * Source: recorded cases rdmd-rcx*, life-bad-pa*, life-pamt-lock-*.
 */
export function checkPage(
  module: ModuleState,
  value: U64,
  operand: PageOperand,
  access: 'exclusive' | 'shared',
  conditions: Conditions,
): Refusal | null {
  if (!isPageAddress(module, value)) return operand.invalid;
  if (coveringTDMR(module, value) === undefined) return operand.range;
  return isPageLocked(value, access, conditions) ? operand.busy : null;
}

/** True if another call holds the page's PAMT entry in a way that excludes this one. */
export function isPageLocked(address: number, access: 'exclusive' | 'shared', conditions: Conditions): boolean {
  if (conditions.pamtLock === 'free' || conditions.pamtAddress !== address) return false;
  return access === 'exclusive' || conditions.pamtLock === 'exclusive';
}

/** `checkPage` and then the page's type. A TDR, for instance, is `checkPageOfType(..., PAGE_TYPE.TDR, ...)`. */
export function checkPageOfType(
  module: ModuleState,
  value: U64,
  type: number,
  operand: PageOperand,
  access: 'exclusive' | 'shared',
  conditions: Conditions,
): Refusal | null {
  const failure = checkPage(module, value, operand, access, conditions);
  if (failure !== null) return failure;
  const address = value as number;
  const tdmr = coveringTDMR(module, address) as TDMRState;
  return pageType(module, tdmr, address) === type ? null : operand.metadata;
}
