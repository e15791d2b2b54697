import { CONTEXT_HIGH_MASK, RD_ZERO_HIGH_MASK, RD_ZERO_LOW_MASK } from '../../abi/metadata-field.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS } from '../../abi/status.ts';
import type { U64 } from '../../abi/u64.ts';
import { asBigInt, highHalf, lowHalf, u64FromBigInt, u64FromHalves, U64_MAX } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { lookupCode } from '../field-table.ts';
import type { ModuleOutcome } from '../leaf.ts';
import { createLeaf, die, refuse, succeed } from '../leaf.ts';
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

const ALL_ONES = 0xffffffff;
const CONTEXT_CLEAR = ~CONTEXT_HIGH_MASK;

function run(module: ModuleState, hardware: Hardware, lp: number, regs: Registers): ModuleOutcome {
  const asked = regs.rdx;
  regs.rdx = U64_MAX;
  regs.r8 = 0;

  // Checks.
  if (module.lps[lp]?.initialised !== true)
    return refuse(module, regs, STATUS.TDX_SYS_LP_INIT_NOT_DONE, 'this LP is not initialised');
  const { fields } = module.release;
  const position = fields.positionOf(asked);
  let element = position === -1 ? undefined : fields.elements[position];
  let next: U64;
  if (element !== undefined) {
    ({ next } = element);
  } else {
    const high = (highHalf(asked) & CONTEXT_CLEAR) >>> 0;
    const low = lowHalf(asked);
    if (low === ALL_ONES && high === CONTEXT_CLEAR >>> 0) {
      regs.rdx = fields.firstId;
      return refuse(
        module,
        regs,
        STATUS.TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT,
        'RDX: no field named, here is the first',
      );
    }
    if ((low & RD_ZERO_LOW_MASK) !== 0 || (high & RD_ZERO_HIGH_MASK) !== 0) {
      return refuse(module, regs, STATUS.TDX_METADATA_FIELD_ID_INCORRECT, 'RDX: reserved or last-element bits set');
    }
    const id = u64FromHalves(high, low);
    element = fields.byCode.get(lookupCode(id));
    if (element === undefined)
      return refuse(module, regs, STATUS.TDX_METADATA_FIELD_ID_INCORRECT, 'RDX: no such field');
    next = element.last ? element.next : u64FromBigInt(asBigInt(id) + 1n);
  }
  const value = metadataValue(module, hardware, element);
  if (value === undefined) return die(module, 'CPU family and model unknown to the module');

  // Effect.
  regs.rdx = next;
  regs.r8 = value;
  return succeed(module, regs);
}

/**
 * What calls of this leaf for fields number `values.length` to `count` - 1 would do one after another, up to the first that
 * would not succeed or whose id is not one the table has: R8 of each is added to `values`. Returns RDX after the last.
 */
export function readFields(
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  fields: readonly U64[],
  count: number,
  values: U64[],
): U64 {
  let rdx: U64 = 0;
  if (module.lps[lp]?.initialised !== true) return rdx;
  const elements = module.release.fields.elementsOf(fields);
  for (let at = values.length; at < count; at += 1) {
    const element = elements[at];
    const value = element === undefined ? undefined : metadataValue(module, hardware, element);
    if (element === undefined || value === undefined) return rdx;
    rdx = element.next;
    values.push(value);
  }
  module.lastReason = 'success';
  return rdx;
}
