import type { MetadataField } from '../abi/metadata-field.ts';
import { classCode, fieldCode } from '../abi/metadata-field.ts';
import type { U64 } from '../abi/u64.ts';
import { asBigInt, lowHalf, u64FromBigInt, U64_MAX } from '../abi/u64.ts';
import { cpuidConfigLeaf, cpuidConfigValue } from './cpuid-config.ts';

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
  /** What every read answers, cut to the element size; `undefined`: the module works it out (metadata-value.ts). */
  readonly value: U64 | undefined;
  /** True for the last element of its row: then `next` is the next row's id, whatever the host's id looked like. */
  readonly last: boolean;
}

export interface FieldTable {
  readonly elements: readonly FieldElement[];
  /** By class code * 2^24 + field code. */
  readonly byCode: ReadonlyMap<number, FieldElement>;
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
      const element = offset % field.elements;
      const index = (offset - element) / field.elements;
      const value = constantValue(field, index, element);
      elements.push({
        field,
        index,
        element,
        value: value === undefined ? undefined : cutToField(value, field.bits),
        id: u64FromBigInt(first + BigInt(offset)),
        next: last ? (fields[row + 1]?.id ?? U64_MAX) : u64FromBigInt(first + BigInt(offset + 1)),
        last,
      });
    }
  }
  return {
    elements,
    byCode: new Map(elements.map((element) => [lookupCode(element.id), element])),
    firstId: fields[0]?.id ?? U64_MAX,
  };
}

/** What every read of a field answers, by the build alone; `undefined` where the machine has a say. */
function constantValue({ name, value }: MetadataField, index: number, element: number): U64 | undefined {
  switch (name) {
    case 'CPUID_CONFIG_LEAVES':
      return cpuidConfigLeaf(index) ?? U64_MAX;
    case 'CPUID_CONFIG_VALUES':
      return cpuidConfigValue(index, element);
    default:
      return value;
  }
}

/** A value cut to the element size the table gives the field. */
export function cutToField(value: U64, bits: 8 | 16 | 32 | 64): U64 {
  return bits === 64 ? value : bits === 32 ? lowHalf(value) : lowHalf(value) & (bits === 16 ? 0xffff : 0xff);
}

/** Class and field code of an id: all the module looks at to find a field. */
export function lookupCode(id: U64): number {
  return classCode(id) * 0x1000000 + fieldCode(id);
}
