/** KeyIDs are 16 bits wide where an operand names one. */
export const KEYID_END = 2 ** 16;
