/** A stretch of physical addresses: [base, base + size). Bytes; both below 2^52 in anything legal. */
export interface AddressRange {
  readonly base: number;
  readonly size: number;
}
