import { CONTEXT_HIGH_MASK, RD_ZERO_HIGH_MASK, RD_ZERO_LOW_MASK } from '../../abi/metadata-field.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import { asBigInt, highHalf, lowHalf, u64FromBigInt, u64FromHalves, U64_MAX } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { lookupCode } from '../field-table.ts';
import { CPU_UNKNOWN, LP_NOT_INITIALISED } from '../common-refusals.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { die, refusal, refuse, succeed } from '../outcome.ts';
import { metadataValue } from '../metadata-value.ts';
import type { ModuleState } from '../state.ts';

/**
 * Reads one element of the global metadata and says which one comes next.
 *
 * Element size, inc-size, write mask, context and bit 63 of the id are not looked at; all but the context come back in
 * the next id while it is of the same row.
 */
export const TDH_SYS_RD = createLeaf({
  name: 'TDH.SYS.RD',
  beforeReady: true,
  onlyReads: true,
  source: 'TDX Module ABI specification, TDH.SYS.RD; recorded cases rd-*',
  run,
});

const NO_FIELD_NAMED = refusal(STATUS.TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT, 'RDX: no field named, here is the first');
const RESERVED_BITS_SET = refusal(STATUS.TDX_METADATA_FIELD_ID_INCORRECT, 'RDX: reserved or last-element bits set');
const NO_SUCH_FIELD = refusal(STATUS.TDX_METADATA_FIELD_ID_INCORRECT, 'RDX: no such field');
const ALL_ONES = 0xffffffff;
/** Bits 63:32 of an id without its context. */
const CONTEXT_CLEAR = ~CONTEXT_HIGH_MASK >>> 0;

function run(module: ModuleState, hardware: Hardware, lp: number, regs: Registers): ModuleOutcome {
  const high = (highHalf(regs.rdx) & CONTEXT_CLEAR) >>> 0;
  const low = lowHalf(regs.rdx);
  regs.rdx = U64_MAX;
  regs.r8 = 0;

  // Checks.
  if (module.lps[lp]?.initialised !== true) return refuse(regs, LP_NOT_INITIALISED);
  const { fields } = module.release;
  if (low === ALL_ONES && high === CONTEXT_CLEAR) {
    regs.rdx = fields.firstId;
    return refuse(regs, NO_FIELD_NAMED);
  }
  if ((low & RD_ZERO_LOW_MASK) !== 0 || (high & RD_ZERO_HIGH_MASK) !== 0) return refuse(regs, RESERVED_BITS_SET);
  const id = u64FromHalves(high, low);
  const element = fields.byCode.get(lookupCode(id));
  if (element === undefined) return refuse(regs, NO_SUCH_FIELD);
  const value = metadataValue(module, hardware, element);
  if (value === undefined) return die(module, CPU_UNKNOWN);

  // Effect.
  regs.rdx = element.last ? element.next : u64FromBigInt(asBigInt(id) + 1n);
  regs.r8 = value;
  return succeed(regs);
}
