import { PAGE_4K } from '../../abi/page.ts';
import { CONTEXT_HIGH_MASK, elementSize } from '../../abi/metadata-field.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import type { U64 } from '../../abi/u64.ts';
import { highHalf, lowHalf, u64FromHalves, U64_MAX } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { writeWord } from '../../platform/memory.ts';
import { sharedAddress } from '../address.ts';
import type { FieldElement } from '../field-table.ts';
import { lookupCode } from '../field-table.ts';
import { CPU_UNKNOWN, LP_NOT_INITIALISED } from '../common-refusals.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { die, refusal, refuse, succeed } from '../outcome.ts';
import { metadataValue } from '../metadata-value.ts';
import type { ModuleState } from '../state.ts';

/**
 * Writes the global metadata, from a field on, as a list of sequences into one page; everything fits, so R8 comes back
 * as all ones.
 */
export const TDH_SYS_RDALL = createLeaf({
  name: 'TDH.SYS.RDALL',
  beforeReady: true,
  source: 'TDX Module ABI specification, TDH.SYS.RDALL; recorded cases rdall-*',
  run,
});

const ALL_ONES = 0xffffffff;
const CONTEXT_CLEAR = ~CONTEXT_HIGH_MASK;

const RDX_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RDX),
  'RDX: not 4 KiB aligned, private, or in SEAMRR',
);
const R8_INVALID = refusal(
  STATUS.TDX_METADATA_FIELD_ID_INCORRECT,
  'R8: no such field, not its first element, or another element size',
);

function run(module: ModuleState, hardware: Hardware, lp: number, regs: Registers): ModuleOutcome {
  const asked = regs.r8;
  regs.r8 = U64_MAX;

  // Checks.
  if (module.lps[lp]?.initialised !== true) return refuse(regs, LP_NOT_INITIALISED);
  const page = sharedAddress(module, regs.rdx, PAGE_4K);
  if (page < 0) return refuse(regs, RDX_INVALID);
  const { elements, byCode } = module.release.fields;
  let first = elements[0];
  const high = (highHalf(asked) & CONTEXT_CLEAR) >>> 0;
  if (lowHalf(asked) !== ALL_ONES || high !== CONTEXT_CLEAR >>> 0) {
    const id = u64FromHalves(high, lowHalf(asked));
    first = byCode.get(lookupCode(id));
    if (first === undefined || first.element !== 0 || elementSize(first.id) !== elementSize(id)) {
      return refuse(regs, R8_INVALID);
    }
  }

  // Effect.
  const words = first === undefined ? undefined : listFrom(module, hardware, elements, elements.indexOf(first));
  if (words === undefined) return die(module, CPU_UNKNOWN);
  for (let index = 0; index < words.length; index += 1) writeWord(hardware.memory, page + index * 8, words[index] ?? 0);
  return succeed(regs);
}

/** The list as words: its header, then for each sequence a header and the values. `undefined`: a value kills the module. */
function listFrom(
  module: ModuleState,
  hardware: Hardware,
  elements: readonly FieldElement[],
  from: number,
): U64[] | undefined {
  const words: U64[] = [0];
  let sequences = 0;
  for (let start = from; start < elements.length; ) {
    const end = sequenceEnd(elements, start);
    const first = elements[start];
    if (first === undefined) break;
    words.push(sequenceHeader(first, (end - start) / first.field.elements));
    for (let index = start; index < end; index += 1) {
      const element = elements[index];
      if (element === undefined) break;
      const value = metadataValue(module, hardware, element);
      if (value === undefined) return undefined;
      words.push(value);
    }
    sequences += 1;
    start = end;
  }
  words[0] = words.length * 8 + sequences * 0x10000;
  return words;
}

/** Index behind the last element that shares a sequence with `start`: same class, shape and size, codes without a gap. */
function sequenceEnd(elements: readonly FieldElement[], start: number): number {
  const first = elements[start];
  if (first === undefined) return start;
  let end = start + 1;
  for (; end < elements.length; end += 1) {
    const element = elements[end];
    if (
      element === undefined ||
      element.field.elements !== first.field.elements ||
      element.field.bits !== first.field.bits
    )
      break;
    if (lookupCode(element.id) !== lookupCode(first.id) + (end - start)) break;
  }
  return end;
}

/** The first field's id with last element (bits 37:34) and last field (bits 46:38) filled in. */
function sequenceHeader(first: FieldElement, fields: number): U64 {
  const high = highHalf(first.id) | ((first.field.elements - 1) << 2) | ((fields - 1) << 6);
  return u64FromHalves(high >>> 0, lowHalf(first.id));
}
