import { PHYSICAL_END } from '../../model/abi/size.ts';
import { UserError } from '../user-error.ts';

/** Hexadecimal text, or a plain number of bytes. */
export type WrittenAddress = string | number;

/** Reads one address or size; `place` is its name in messages. Throws a UserError beyond 52 bits. */
export function readAddress(written: WrittenAddress, name: string, place: string): number {
  const value = typeof written === 'number' ? written : Number(BigInt(written));
  if (value > PHYSICAL_END)
    throw new UserError(`${name}: ${place} is ${written}, beyond the 52-bit physical address space`);
  return value;
}
