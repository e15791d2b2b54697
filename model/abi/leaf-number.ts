/** SEAMCALL leaf numbers: RAX bits 15:0 (TDX Module ABI specification, "Host-Side (SEAMCALL) Interface Functions"). */
export const LEAF_NUMBER = {
  'TDH.VP.ENTER': 0,
  'TDH.MNG.ADDCX': 1,
  'TDH.MEM.PAGE.ADD': 2,
  'TDH.MEM.SEPT.ADD': 3,
  'TDH.VP.ADDCX': 4,
  'TDH.MEM.PAGE.RELOCATE': 5,
  'TDH.MEM.PAGE.AUG': 6,
  'TDH.MEM.RANGE.BLOCK': 7,
  'TDH.MNG.KEY.CONFIG': 8,
  'TDH.MNG.CREATE': 9,
  'TDH.VP.CREATE': 10,
  'TDH.MNG.RD': 11,
  'TDH.MEM.RD': 12,
  'TDH.MNG.WR': 13,
  'TDH.MEM.WR': 14,
  'TDH.MEM.PAGE.DEMOTE': 15,
  'TDH.MR.EXTEND': 16,
  'TDH.MR.FINALIZE': 17,
  'TDH.VP.FLUSH': 18,
  'TDH.MNG.VPFLUSHDONE': 19,
  'TDH.MNG.KEY.FREEID': 20,
  'TDH.MNG.INIT': 21,
  'TDH.VP.INIT': 22,
  'TDH.MEM.PAGE.PROMOTE': 23,
  'TDH.PHYMEM.PAGE.RDMD': 24,
  'TDH.MEM.SEPT.RD': 25,
  'TDH.VP.RD': 26,
  'TDH.MNG.KEY.RECLAIMID': 27,
  'TDH.PHYMEM.PAGE.RECLAIM': 28,
  'TDH.MEM.PAGE.REMOVE': 29,
  'TDH.MEM.SEPT.REMOVE': 30,
  'TDH.SYS.KEY.CONFIG': 31,
  'TDH.SYS.INFO': 32,
  'TDH.SYS.INIT': 33,
  'TDH.SYS.RD': 34,
  'TDH.SYS.LP.INIT': 35,
  'TDH.SYS.TDMR.INIT': 36,
  'TDH.SYS.RDALL': 37,
  'TDH.MEM.TRACK': 38,
  'TDH.MEM.RANGE.UNBLOCK': 39,
  'TDH.PHYMEM.CACHE.WB': 40,
  'TDH.PHYMEM.PAGE.WBINVD': 41,
  'TDH.MEM.SEPT.WR': 42,
  'TDH.VP.WR': 43,
  'TDH.SYS.LP.SHUTDOWN': 44,
  'TDH.SYS.CONFIG': 45,
  'TDH.SERVTD.BIND': 48,
  'TDH.SERVTD.PREBIND': 49,
  'TDH.SYS.SHUTDOWN': 52,
  'TDH.SYS.UPDATE': 53,
  'TDH.EXPORT.ABORT': 64,
  'TDH.EXPORT.BLOCKW': 65,
  'TDH.EXPORT.RESTORE': 66,
  'TDH.EXPORT.MEM': 68,
  'TDH.SYS.DISABLE': 69,
  'TDH.EXPORT.PAUSE': 70,
  'TDH.EXPORT.TRACK': 71,
  'TDH.EXPORT.STATE.IMMUTABLE': 72,
  'TDH.EXPORT.STATE.TD': 73,
  'TDH.EXPORT.STATE.VP': 74,
  'TDH.EXPORT.UNBLOCKW': 75,
  'TDH.IMPORT.ABORT': 80,
  'TDH.IMPORT.END': 81,
  'TDH.IMPORT.COMMIT': 82,
  'TDH.IMPORT.MEM': 83,
  'TDH.IMPORT.TRACK': 84,
  'TDH.IMPORT.STATE.IMMUTABLE': 85,
  'TDH.IMPORT.STATE.TD': 86,
  'TDH.IMPORT.STATE.VP': 87,
  'TDH.MIG.STREAM.CREATE': 96,
} as const satisfies Record<string, number>;

export type LeafName = keyof typeof LEAF_NUMBER;

/** Leaves that accept a version in RAX bits 23:16; it is 0 with all others. Source: recorded cases rax-*. */
const VERSIONED: ReadonlySet<number> = new Set(
  (
    ['TDH.MEM.SEPT.ADD', 'TDH.MNG.RD', 'TDH.MEM.PAGE.PROMOTE', 'TDH.VP.RD', 'TDH.MEM.SEPT.REMOVE'] satisfies LeafName[]
  ).map((name) => LEAF_NUMBER[name]),
);

/** True if RAX may name a version of the leaf. */
export function takesVersion(number: number): boolean {
  return VERSIONED.has(number);
}

/** By leaf number; an array, because invariants ask for names some hundred times a case. */
const NAME_BY_NUMBER: (LeafName | undefined)[] = new Array<LeafName | undefined>(256).fill(undefined);
for (const name of Object.keys(LEAF_NUMBER) as LeafName[]) NAME_BY_NUMBER[LEAF_NUMBER[name]] = name;

/** The spec's name of a leaf number; `undefined` for numbers it does not assign. */
export function leafName(number: number): LeafName | undefined {
  return number >= 0 && number < 256 ? NAME_BY_NUMBER[number] : undefined;
}
