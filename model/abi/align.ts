/**
 * Rounding of addresses and sizes to a power of two. The remainder of two floating-point numbers, which is what
 * addresses above 2 GiB are, is a long division bit by bit; dividing by a power of two and rounding is exact below 2^53
 * and takes a tenth of the time.
 */

// Captured once: under Jest every mention of a global crosses a VM context.
const floor = Math.floor;
const ceil = Math.ceil;

/** True if `value` (0 to 2^53) is a multiple of `unit`, a power of two. */
export function isAligned(value: number, unit: number): boolean {
  return floor(value / unit) * unit === value;
}

/** The multiple of `unit`, a power of two, at or below `value` (0 to 2^53). */
export function alignDown(value: number, unit: number): number {
  return floor(value / unit) * unit;
}

/** The multiple of `unit`, a power of two, at or above `value` (0 to 2^53). */
export function alignUp(value: number, unit: number): number {
  return ceil(value / unit) * unit;
}
