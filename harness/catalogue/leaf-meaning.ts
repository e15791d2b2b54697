import type { LeafName } from '../../model/abi/leaf-number.ts';

/** What a leaf does, for someone who has its name or number in a log. */
export interface LeafMeaning {
  /** A sentence. */
  readonly does: string;
  /** At which point a host calls it: a sentence; empty for leaves that the model does not answer. */
  readonly when: string;
  readonly operands: readonly RegisterMeaning[];
  readonly results: readonly RegisterMeaning[];
}

export interface RegisterMeaning {
  readonly register: 'RCX' | 'RDX' | 'R8' | 'R9' | 'R10';
  /** A phrase. */
  readonly holds: string;
}

const PAGE_METADATA: readonly RegisterMeaning[] = [
  { register: 'RCX', holds: 'type: 0 free, 1 reserved, 3 guest memory, 4 TDR, 5 TDCX, 6 TDVPR; 0 after most failures' },
  { register: 'RDX', holds: 'TDR of the owner, also of the last owner of a free page' },
  { register: 'R8', holds: 'size level: 0 4K, 1 2M, 2 1G' },
];

/** Every leaf of the ABI. Source: TDX Module ABI specification; operands and results as model/module/leaves has them. */
export const LEAF_MEANING: Readonly<Record<LeafName, LeafMeaning>> = {
  'TDH.SYS.INIT': {
    does: 'Checks the platform from one LP and records what every other LP must match.',
    when: 'Before all other leaves; after a failure it may be called again.',
    operands: [{ register: 'RCX', holds: 'attributes, all reserved: 0' }],
    results: [
      {
        register: 'RCX',
        holds: 'after TDX_INCORRECT_CPUID_VALUE the leaf | subleaf << 32 (all ones: no subleaf); else 0',
      },
      { register: 'RDX', holds: 'likewise the bits that count, EAX | EBX << 32; else 0' },
      { register: 'R8', holds: 'likewise the bits that count, ECX | EDX << 32; else 0' },
      { register: 'R9', holds: 'likewise the values expected, EAX | EBX << 32; else 0' },
      { register: 'R10', holds: 'likewise the values expected, ECX | EDX << 32; else 0' },
    ],
  },
  'TDH.SYS.LP.INIT': {
    does: 'Compares the LP that makes the call with what TDH.SYS.INIT recorded, and counts it as initialised.',
    when: 'Once on every LP that MCHECK counted, after TDH.SYS.INIT and before TDH.SYS.CONFIG.',
    operands: [],
    results: [
      {
        register: 'RCX',
        holds: 'after TDX_INCONSISTENT_CPUID_FIELD the leaf | subleaf << 32 (all ones: no subleaf); else 0',
      },
      { register: 'RDX', holds: 'likewise the bits that must agree, EAX | EBX << 32; else 0' },
      { register: 'R8', holds: 'likewise the bits that must agree, ECX | EDX << 32; else 0' },
    ],
  },
  'TDH.SYS.INFO': {
    does: 'Writes the description of the module (TDSYSINFO_STRUCT) and the CMRs to two buffers.',
    when: 'After TDH.SYS.LP.INIT on this LP.',
    operands: [
      { register: 'RCX', holds: 'address of the TDSYSINFO_STRUCT buffer, 1 KiB aligned' },
      { register: 'RDX', holds: 'its size in bytes, at least 1024' },
      { register: 'R8', holds: 'address of the CMR buffer, 512-byte aligned' },
      { register: 'R9', holds: 'its number of entries, at least 32' },
    ],
    results: [
      { register: 'RDX', holds: 'bytes written, 1024; 0 after a failure' },
      { register: 'R9', holds: 'entries written, always 32, empty ones included; 0 after a failure' },
    ],
  },
  'TDH.SYS.RD': {
    does: 'Reads one metadata field.',
    when: 'After TDH.SYS.LP.INIT on this LP.',
    operands: [{ register: 'RDX', holds: 'id of the field; all ones asks for the first id' }],
    results: [
      { register: 'RDX', holds: 'id of the next field; all ones after the last one and after a failure' },
      { register: 'R8', holds: 'value; 0 after a failure' },
    ],
  },
  'TDH.SYS.RDALL': {
    does: 'Writes all metadata fields, from one on, to a page.',
    when: 'After TDH.SYS.LP.INIT on this LP.',
    operands: [
      { register: 'RDX', holds: 'address of a 4 KiB page' },
      { register: 'R8', holds: 'id of the field to begin with; all ones begins with the first' },
    ],
    results: [{ register: 'R8', holds: 'id of the next field; all ones, because the list fits the page' }],
  },
  'TDH.SYS.CONFIG': {
    does: 'Takes the TDMRs with their PAMTs and reserved areas, and the global KeyID.',
    when: 'Once, after TDH.SYS.LP.INIT on every LP that MCHECK counted.',
    operands: [
      {
        register: 'RCX',
        holds: 'address of an array with the addresses of TDMR_INFO structures, all 512-byte aligned',
      },
      { register: 'RDX', holds: 'number of TDMRs, 1 to 64' },
      {
        register: 'R8',
        holds: 'global KeyID, a private one; the module keeps it reserved even if the call fails later',
      },
    ],
    results: [],
  },
  'TDH.SYS.KEY.CONFIG': {
    does: 'Programs the global key on the package of the LP that makes the call.',
    when: 'Once on every package, after TDH.SYS.CONFIG and WBINVD on all CPUs; the last one makes the module READY.',
    operands: [],
    results: [],
  },
  'TDH.SYS.TDMR.INIT': {
    does: 'Initialises the PAMT entries of the next part of a TDMR.',
    when: 'Once the module is READY, again and again until RDX reaches the end of the TDMR.',
    operands: [{ register: 'RCX', holds: 'base of the TDMR' }],
    results: [
      {
        register: 'RDX',
        holds: 'address to go on with, rounded down to 1 GiB: pages below it can be used; 0 after a failure',
      },
    ],
  },
  'TDH.SYS.LP.SHUTDOWN': {
    does: 'Does nothing and succeeds, in every state of the module (1.5.01; sources differ about 1.0).',
    when: 'Never needed; v5 and v7 call it on every CPU after a failed initialisation.',
    operands: [],
    results: [],
  },
  'TDH.SYS.SHUTDOWN': {
    does: 'Shuts the module down and writes handoff data for the next one.',
    when: 'Once the module is READY, before an update.',
    operands: [{ register: 'RCX', holds: 'handoff version that the next module reads' }],
    results: [],
  },
  'TDH.SYS.UPDATE': {
    does: 'Takes over TDs, TDMRs and KeyIDs from the handoff data of the previous module, which makes this one READY.',
    when: 'Instead of TDH.SYS.CONFIG and TDH.SYS.KEY.CONFIG, on a module that was loaded as an update.',
    operands: [],
    results: [],
  },
  'TDH.SYS.DISABLE': {
    does: 'Disables the module and gives all memory back to the host (inferred).',
    when: 'Before kexec, on releases that have it.',
    operands: [],
    results: [],
  },
  'TDH.MNG.CREATE': {
    does: 'Makes a free page the root (TDR) of a new TD and gives the TD a KeyID.',
    when: 'Once the module is READY.',
    operands: [
      { register: 'RCX', holds: 'free page that becomes the TDR' },
      { register: 'RDX', holds: 'private KeyID that is free' },
    ],
    results: [],
  },
  'TDH.MNG.ADDCX': {
    does: 'Adds a page to the control structure of a TD.',
    when: 'Up to nine times, after TDH.MNG.KEY.CONFIG on every package.',
    operands: [
      { register: 'RCX', holds: 'free page to add' },
      { register: 'RDX', holds: 'TDR' },
    ],
    results: [],
  },
  'TDH.MNG.KEY.CONFIG': {
    does: 'Programs the key of a TD on the package of the LP that makes the call.',
    when: 'Once on every package, after TDH.MNG.CREATE.',
    operands: [{ register: 'RCX', holds: 'TDR' }],
    results: [],
  },
  'TDH.MNG.VPFLUSHDONE': {
    does: 'Confirms that no vCPU of a TD is associated with an LP, and blocks the TD.',
    when: 'First step of tearing a TD down, after TDH.VP.FLUSH for every vCPU.',
    operands: [{ register: 'RCX', holds: 'TDR' }],
    results: [],
  },
  'TDH.MNG.KEY.FREEID': {
    does: 'Frees the KeyID of a TD.',
    when: 'After TDH.PHYMEM.CACHE.WB on every package.',
    operands: [{ register: 'RCX', holds: 'TDR' }],
    results: [],
  },
  'TDH.MNG.KEY.RECLAIMID': {
    does: 'Does nothing and succeeds; its work moved to TDH.MNG.VPFLUSHDONE.',
    when: 'Never needed.',
    operands: [{ register: 'RCX', holds: 'TDR; not looked at' }],
    results: [],
  },
  'TDH.PHYMEM.CACHE.WB': {
    does: 'Writes back the caches of the package for KeyIDs that are to be freed.',
    when: 'On every package, after TDH.MNG.VPFLUSHDONE.',
    operands: [{ register: 'RCX', holds: '0 to start, 1 to resume after TDX_INTERRUPTED_RESUMABLE' }],
    results: [],
  },
  'TDH.PHYMEM.PAGE.RDMD': {
    does: 'Reads type, owner and size of a page from its PAMT entry.',
    when: 'Once TDH.SYS.TDMR.INIT has finished the 1 GiB block of the page; Linux calls it after a machine check.',
    operands: [{ register: 'RCX', holds: 'page, without KeyID' }],
    results: PAGE_METADATA,
  },
  'TDH.PHYMEM.PAGE.RECLAIM': {
    does: 'Takes a page back from a TD whose KeyID is freed.',
    when: 'After TDH.MNG.KEY.FREEID; the TDR comes last.',
    operands: [{ register: 'RCX', holds: 'page, without KeyID' }],
    results: PAGE_METADATA,
  },
  'TDH.PHYMEM.PAGE.WBINVD': {
    does: 'Writes back and invalidates the cache lines of a free page.',
    when: 'After TDH.PHYMEM.PAGE.RECLAIM, before the host uses the page.',
    operands: [{ register: 'RCX', holds: 'free page, with the KeyID whose cache lines are to go' }],
    results: [],
  },
  'TDH.VP.CREATE': {
    does: 'Makes a free page the root (TDVPR) of a new vCPU (inferred).',
    when: 'While the TD is built.',
    operands: [
      { register: 'RCX', holds: 'free page that becomes the TDVPR' },
      { register: 'RDX', holds: 'TDR' },
    ],
    results: [],
  },
  'TDH.VP.ENTER': {
    does: 'Runs a vCPU on the LP that makes the call until it exits to the host (inferred).',
    when: 'Once the TD is finalised.',
    operands: [{ register: 'RCX', holds: 'TDVPR' }],
    results: [],
  },
  'TDH.VP.FLUSH': {
    does: 'Ends the association of a vCPU with the LP that makes the call (inferred).',
    when: 'Before the vCPU runs on another LP, and before teardown.',
    operands: [{ register: 'RCX', holds: 'TDVPR' }],
    results: [],
  },
  'TDH.MEM.PAGE.ADD': only('Adds a page with initial contents to a TD that is being built.'),
  'TDH.MEM.SEPT.ADD': only('Adds a page to the secure EPT of a TD.'),
  'TDH.VP.ADDCX': only('Adds a page to the control structure of a vCPU.'),
  'TDH.MEM.PAGE.RELOCATE': only('Moves a TD page to another physical page.'),
  'TDH.MEM.PAGE.AUG': only('Adds a page to a running TD, which must accept it.'),
  'TDH.MEM.RANGE.BLOCK': only('Blocks a GPA range of a TD.'),
  'TDH.MNG.RD': only('Reads a metadata field of a TD.'),
  'TDH.MEM.RD': only('Reads memory of a debug TD.'),
  'TDH.MNG.WR': only('Writes a metadata field of a TD.'),
  'TDH.MEM.WR': only('Writes memory of a debug TD.'),
  'TDH.MEM.PAGE.DEMOTE': only('Splits a large page of a TD.'),
  'TDH.MR.EXTEND': only('Extends the measurement of a TD by a page.'),
  'TDH.MR.FINALIZE': only('Ends the measurement and the building of a TD.'),
  'TDH.MNG.INIT': only('Initialises a TD from its parameters (TD_PARAMS).'),
  'TDH.VP.INIT': only('Initialises a vCPU.'),
  'TDH.MEM.PAGE.PROMOTE': only('Merges small pages of a TD into a large one.'),
  'TDH.MEM.SEPT.RD': only('Reads a secure EPT entry.'),
  'TDH.VP.RD': only('Reads a metadata field of a vCPU.'),
  'TDH.MEM.PAGE.REMOVE': only('Removes a page from a TD.'),
  'TDH.MEM.SEPT.REMOVE': only('Removes a page from the secure EPT of a TD.'),
  'TDH.MEM.TRACK': only('Begins a new TLB epoch of a TD.'),
  'TDH.MEM.RANGE.UNBLOCK': only('Unblocks a GPA range of a TD.'),
  'TDH.MEM.SEPT.WR': only('Writes a secure EPT entry; the module has no handler for it.'),
  'TDH.VP.WR': only('Writes a metadata field of a vCPU.'),
  'TDH.SERVTD.BIND': only('Binds a service TD.'),
  'TDH.SERVTD.PREBIND': only('Prepares the binding of a service TD.'),
  'TDH.EXPORT.ABORT': only('Aborts the export of a TD.'),
  'TDH.EXPORT.BLOCKW': only('Blocks pages of a TD for writing.'),
  'TDH.EXPORT.RESTORE': only('Restores pages after an aborted export.'),
  'TDH.EXPORT.MEM': only('Exports memory of a TD.'),
  'TDH.EXPORT.PAUSE': only('Pauses a TD for its export.'),
  'TDH.EXPORT.TRACK': only('Begins a new migration epoch of an export.'),
  'TDH.EXPORT.STATE.IMMUTABLE': only('Exports the immutable state of a TD.'),
  'TDH.EXPORT.STATE.TD': only('Exports the mutable state of a TD.'),
  'TDH.EXPORT.STATE.VP': only('Exports the state of a vCPU.'),
  'TDH.EXPORT.UNBLOCKW': only('Unblocks pages of a TD for writing.'),
  'TDH.IMPORT.ABORT': only('Aborts the import of a TD.'),
  'TDH.IMPORT.END': only('Ends the import of a TD.'),
  'TDH.IMPORT.COMMIT': only('Commits the import of a TD.'),
  'TDH.IMPORT.MEM': only('Imports memory of a TD.'),
  'TDH.IMPORT.TRACK': only('Begins a new migration epoch of an import.'),
  'TDH.IMPORT.STATE.IMMUTABLE': only('Imports the immutable state of a TD.'),
  'TDH.IMPORT.STATE.TD': only('Imports the mutable state of a TD.'),
  'TDH.IMPORT.STATE.VP': only('Imports the state of a vCPU.'),
  'TDH.MIG.STREAM.CREATE': only('Creates a migration stream.'),
};

/** A leaf that the model does not answer. */
function only(does: string): LeafMeaning {
  return { does, when: '', operands: [], results: [] };
}
