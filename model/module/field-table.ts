import type { MetadataField } from '../abi/metadata-field.ts';
import { classCode, fieldCode } from '../abi/metadata-field.ts';
import type { U64 } from '../abi/u64.ts';
import { asBigInt, u64FromBigInt, U64_MAX } from '../abi/u64.ts';

/** One element of the metadata: what TDH.SYS.RD reads in one call. */
export interface FieldElement {
  readonly field: MetadataField;
  /** Index of the field within its row, and of the element within the field. */
  readonly index: number;
  readonly element: number;
  /** The id as the table has it. */
  readonly id: U64;
  /** The id the table gives for what follows; all ones behind the last. */
  readonly next: U64;
  /** True for the last element of its row: then `next` is the next row's id, whatever the host's id looked like. */
  readonly last: boolean;
}

export interface FieldTable {
  readonly elements: readonly FieldElement[];
  /** By class code * 2^24 + field code. */
  readonly byCode: ReadonlyMap<number, FieldElement>;
  /** The position in `elements` of an id exactly as the table has it, -1 for others. */
  readonly positionOf: (id: U64) => number;
  readonly firstId: U64;
}

/** Lays out the rows element by element. */
export function createFieldTable(fields: readonly MetadataField[]): FieldTable {
  const elements: FieldElement[] = [];
  for (const [row, field] of fields.entries()) {
    const count = field.fields * field.elements;
    const first = asBigInt(field.id);
    for (let offset = 0; offset < count; offset += 1) {
      const last = offset === count - 1;
      elements.push({
        field,
        index: (offset - (offset % field.elements)) / field.elements,
        element: offset % field.elements,
        id: u64FromBigInt(first + BigInt(offset)),
        next: last ? (fields[row + 1]?.id ?? U64_MAX) : u64FromBigInt(first + BigInt(offset + 1)),
        last,
      });
    }
  }
  return {
    elements,
    byCode: new Map(elements.map((element) => [lookupCode(element.id), element])),
    positionOf: positionFinder(elements),
    firstId: fields[0]?.id ?? U64_MAX,
  };
}

/**
 * Hosts read fields in the same order again and again, and a look-up by bigint costs as much as all the rest of
 * TDH.SYS.RD: so what followed an element last time is tried first. Only the time this takes depends on what was asked
 * before, never the answer.
 */
function positionFinder(elements: readonly FieldElement[]): (id: U64) => number {
  const positions = new Map(elements.map(({ id }, position) => [id, position]));
  const follower = new Int32Array(elements.length + 1);
  let last = elements.length;
  return (id) => {
    const guess = follower[last] as number;
    if (elements[guess]?.id !== id) {
      const position = positions.get(id);
      if (position === undefined) return -1;
      follower[last] = position;
    }
    last = follower[last] as number;
    return last;
  };
}

/** Class and field code of an id: all the module looks at to find a field. */
export function lookupCode(id: U64): number {
  return classCode(id) * 0x1000000 + fieldCode(id);
}
