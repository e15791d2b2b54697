import type { StatusMeaning } from './meaning.ts';

const OPERAND = 'the id of the operand: 1 RCX, 2 RDX, 8 R8, 0x80 the TDR, 0xba the KeyID table ...';
const LEVELS = 'which PAMT, a byte each: index of the TDMR, level (4K, 2M, 1G), and what it collides with';
const RETRY = 'Make the call again.';

/** Statuses of any leaf, of system initialisation, and of the key and memory tables that it fills. */
export const SYSTEM_STATUSES = {
  TDX_SUCCESS: { meaning: 'The call succeeded.', details: null, causes: [], remedy: null },
  TDX_INTERRUPTED_RESUMABLE: {
    meaning: 'An interrupt ended the call early; its progress is kept.',
    details: null,
    causes: ['An interrupt was pending during TDH.PHYMEM.CACHE.WB.'],
    remedy: 'Make the call again with the resume flag; it goes on where it stopped.',
  },
  TDX_INTERRUPTED_RESTARTABLE: {
    meaning: 'An interrupt ended the call early; nothing of it is kept.',
    details: null,
    causes: [],
    remedy: RETRY,
  },
  TDX_INVALID_RESUMPTION: {
    meaning: 'The call asks to resume an operation that was not interrupted, or with other operands.',
    details: null,
    causes: [],
    remedy: null,
  },
  TDX_OPERAND_INVALID: {
    meaning: 'An operand has a value that the leaf does not accept.',
    details: OPERAND,
    causes: [
      'RAX has reserved bits set, or the release has no such leaf.',
      'An address is not aligned, has KeyID bits, or lies in SEAMRR.',
      'Details 0x45: the CPUID configuration of a TD asks for what this module does not offer (https://github.com/intel/confidential-computing.tdx.tdx-module/issues/24).',
    ],
    remedy: 'Correct the operand that the details name.',
  },
  TDX_OPERAND_ADDR_RANGE_ERROR: {
    meaning: 'The address is in no TDMR, or in a 1 GiB block that TDH.SYS.TDMR.INIT has not reached.',
    details: OPERAND,
    causes: ['The page was never TDX memory.', 'TDH.SYS.TDMR.INIT has not finished the 1 GiB block of the page.'],
    remedy: null,
  },
  TDX_OPERAND_BUSY: {
    meaning: 'Another call holds a lock on the operand.',
    details:
      'the id of the operand: 1 RCX, 2 RDX, 0x80 the TDR, 0xba the KeyID table, 0xbb the key table of the package (PCONFIG), 0xbc the cache write-back',
    causes: ['Two CPUs work on the same TD, page or TDMR at once.', 'PCONFIG on another CPU of the package is busy.'],
    remedy: RETRY,
  },
  TDX_PREVIOUS_TLB_EPOCH_BUSY: {
    meaning: 'vCPUs still run in the previous TLB epoch.',
    details: null,
    causes: [],
    remedy: RETRY,
  },
  TDX_SYS_BUSY: {
    meaning: 'Another call holds the global lock of the module.',
    details: null,
    causes: ['Two CPUs make calls of system initialisation at once.'],
    remedy: RETRY,
  },
  TDX_RND_NO_ENTROPY: {
    meaning: 'The random number generator had no entropy.',
    details: null,
    causes: ['Many CPUs draw random numbers at once.'],
    remedy: 'Make the call again, with the same inputs; Linux tries ten times.',
  },
  TDX_OPERAND_BUSY_HOST_PRIORITY: {
    meaning: 'The operand is busy; the guest must give way to the host.',
    details: OPERAND,
    causes: [],
    remedy: RETRY,
  },
  TDX_HOST_PRIORITY_BUSY_TIMEOUT: {
    meaning: 'The guest waited too long for a lock that the host holds.',
    details: null,
    causes: [],
    remedy: RETRY,
  },
  TDX_PAGE_METADATA_INCORRECT: {
    meaning: 'The PAMT entry of the page has a type or owner that the leaf does not accept.',
    details: OPERAND,
    causes: [
      'The page belongs to another TD, or to none.',
      'TDH.PHYMEM.PAGE.RECLAIM on a page that is already free: a race in the teardown of a TD (https://github.com/canonical/tdx/issues/153).',
    ],
    remedy: null,
  },
  TDX_PAGE_ALREADY_FREE: { meaning: 'The page is free already.', details: null, causes: [], remedy: null },
  TDX_SYS_INIT_NOT_PENDING: {
    meaning: 'TDH.SYS.INIT has succeeded before, and cannot be made again.',
    details: null,
    causes: ['A second kernel (kexec) finds the module that the first one initialised.'],
    remedy: 'Reset the machine, or reload the module.',
  },
  TDX_SYS_LP_INIT_NOT_DONE: {
    meaning: 'The LP that makes the call has not run TDH.SYS.LP.INIT.',
    details: null,
    causes: ['The kernel reads metadata, or makes a guest call, on a CPU that it has not brought up for TDX.'],
    remedy: 'Run TDH.SYS.LP.INIT on that CPU first.',
  },
  TDX_SYS_LP_INIT_DONE: {
    meaning: 'TDH.SYS.LP.INIT has run on this LP already.',
    details: null,
    causes: [],
    remedy: 'None is needed: the LP is initialised.',
  },
  TDX_SYS_NOT_READY: {
    meaning: 'The leaf needs a module that is initialised to the end, and this one is not.',
    details: null,
    causes: [
      'From TDH.SYS.RD (0x22): module 1.0 does not answer it before it is READY; the kernel is newer than the module (https://github.com/canonical/tdx/issues/331).',
      'From TDH.SYS.TDMR.INIT: TDH.SYS.KEY.CONFIG has not run on every package, for instance because one has no online CPU.',
    ],
    remedy:
      'From TDH.SYS.RD: load module 1.5.01 or later. From TDH.SYS.TDMR.INIT: bring a CPU of every package online.',
  },
  TDX_SYS_SHUTDOWN: {
    meaning: 'The module is shut down; no call succeeds until it is loaded anew.',
    details: null,
    causes: ['TDH.SYS.LP.SHUTDOWN or TDH.SYS.SHUTDOWN has run.'],
    remedy: 'Reload the module or reset the machine.',
  },
  TDX_SYS_KEY_CONFIG_NOT_PENDING: {
    meaning: 'TDH.SYS.KEY.CONFIG comes before TDH.SYS.CONFIG, or after all packages are configured.',
    details: null,
    causes: [],
    remedy: null,
  },
  TDX_SYS_STATE_INCORRECT: {
    meaning: 'The module is not in the state that the leaf needs.',
    details: null,
    causes: ['TDH.SYS.UPDATE on a module that was not loaded to take over from another.'],
    remedy: null,
  },
  TDX_SYS_INVALID_HANDOFF: {
    meaning: 'The handoff data of the previous module cannot be used.',
    details: null,
    causes: ['The previous module wrote no handoff data, or a version that this one does not read.'],
    remedy: null,
  },
  TDX_SYS_INCOMPATIBLE_SIGSTRUCT: {
    meaning: 'The signature structure of the module does not fit the platform.',
    details: null,
    causes: ['Its CPU table does not have the family, model and stepping of a package.'],
    remedy: 'Load a module that supports this processor.',
  },
  TDX_SYS_LP_INIT_NOT_PENDING: {
    meaning: 'TDH.SYS.LP.INIT comes before TDH.SYS.INIT or after TDH.SYS.CONFIG.',
    details: null,
    causes: ['A CPU that was offline during initialisation comes online later.'],
    remedy: 'None until the next boot: the LP cannot run TDX.',
  },
  TDX_SYS_CONFIG_NOT_PENDING: {
    meaning: 'TDH.SYS.CONFIG comes too early or too late.',
    details: null,
    causes: [
      'An LP that BIOS enabled (MCHECK counted it) has not run TDH.SYS.LP.INIT: it is offline, or kept off by nosmt or maxcpus.',
      'TDH.SYS.CONFIG has succeeded before.',
    ],
    remedy: 'Bring every LP online once before initialisation; boot without nosmt and maxcpus.',
  },
  TDX_INCOMPATIBLE_SEAM_CAPABILITIES: {
    meaning: 'SEAMOPS lacks a capability, or LPs differ in their capabilities.',
    details: null,
    causes: ['Microcode differs between packages or is too old.'],
    remedy: 'Update BIOS and microcode.',
  },
  TDX_KEY_GENERATION_FAILED: {
    meaning: 'PCONFIG had no entropy for a key.',
    details: null,
    causes: ['Many packages generate keys at once.'],
    remedy: RETRY,
  },
  TDX_KEY_CONFIGURED: {
    meaning: 'The key is programmed on this package already.',
    details: null,
    causes: ['The call is made twice on one package.'],
    remedy: 'None is needed: the package has its key.',
  },
  TDX_INVALID_TDMR: {
    meaning: 'A TDMR has an invalid base, size or reserved bits.',
    details: 'the index of the TDMR',
    causes: ['Base or size is not a multiple of 1 GiB, or the range exceeds the physical address width.'],
    remedy: null,
  },
  TDX_NON_ORDERED_TDMR: {
    meaning: 'TDMRs overlap or are not in ascending order.',
    details: 'the index of the TDMR',
    causes: [],
    remedy: null,
  },
  TDX_TDMR_OUTSIDE_CMRS: {
    meaning: 'A part of a TDMR that is not reserved is not convertible memory.',
    details: 'the index of the TDMR',
    causes: ["RAM outside the CMRs (hot-added memory, a CXL expander) is in the kernel's list of TDX memory."],
    remedy: 'Keep such memory from becoming system RAM before TDX is initialised.',
  },
  TDX_TDMR_ALREADY_INITIALIZED: {
    meaning: 'TDH.SYS.TDMR.INIT has initialised this TDMR to its end already.',
    details: null,
    causes: [],
    remedy: 'None is needed.',
  },
  TDX_INVALID_PAMT: {
    meaning: 'A PAMT is not aligned or too small.',
    details: LEVELS,
    causes: [],
    remedy: null,
  },
  TDX_PAMT_OUTSIDE_CMRS: {
    meaning: 'A PAMT lies outside convertible memory.',
    details: LEVELS,
    causes: [
      'The PAMT was allocated from RAM outside the CMRs, such as a CXL memory expander that was onlined as RAM.',
    ],
    remedy: 'Keep such memory from becoming system RAM before TDX is initialised (blacklist kmem).',
  },
  TDX_PAMT_OVERLAP: {
    meaning: 'A PAMT overlaps another PAMT, or memory of a TDMR that is not reserved.',
    details: LEVELS,
    causes: [],
    remedy: null,
  },
  TDX_INVALID_RESERVED_IN_TDMR: {
    meaning: 'A reserved area of a TDMR is not aligned, or reaches beyond the TDMR.',
    details: 'the index of the TDMR and of the area',
    causes: [],
    remedy: null,
  },
  TDX_NON_ORDERED_RESERVED_IN_TDMR: {
    meaning: 'Reserved areas of a TDMR overlap or are not in ascending order.',
    details: 'the index of the TDMR and of the area',
    causes: ['The kernel reserved a hole and a PAMT that overlap.'],
    remedy: null,
  },
  TDX_CMR_LIST_INVALID: {
    meaning: 'The CMRs that BIOS and MCHECK published are invalid.',
    details: null,
    causes: ['They are not 4 KiB aligned, not ascending, overlap, or have KeyID bits.'],
    remedy: 'Update BIOS.',
  },
} as const satisfies Readonly<Record<string, StatusMeaning>>;
