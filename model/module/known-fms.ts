import type { LoaderTable } from '../platform/hardware.ts';

/** Processor signatures the module knows, newest to oldest. Source: public source of TDX module 1.5.01. */
export const KNOWN_FMS: readonly number[] = [0xd06d0, 0xa06e0, 0xa06d0, 0xa06f0, 0xc06f2, 0x806f8];

/** Package 0's signature with the lowest stepping (bits 3:0) of all packages. */
export function platformFMS(loader: LoaderTable): number {
  const { fms, totPackages } = loader;
  const first = fms[0] ?? 0;
  let stepping = first & 0xf;
  for (let index = 1; index < totPackages; index += 1) {
    const other = (fms[index] ?? first) & 0xf;
    if (other < stepping) stepping = other;
  }
  return ((first & ~0xf) | stepping) >>> 0;
}

/** Index in `KNOWN_FMS` of the part with this family and model, stepping ignored; -1 for a part the module never met. */
export function knownFMSIndex(fms: number): number {
  return KNOWN_FMS.findIndex((known) => known >>> 4 === fms >>> 4);
}
