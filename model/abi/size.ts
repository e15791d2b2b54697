/** Sizes in bytes. */
export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** One past the last physical address there can be: 52 bits, KeyID bits included. */
export const PHYSICAL_END = 2 ** 52;
