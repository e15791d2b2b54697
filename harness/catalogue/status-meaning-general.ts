import { meaning, type StatusMeaning } from './meaning.ts';

const OPERAND = 'the id of the operand: 0 RAX, 1 RCX, 2 RDX, 8 R8, 9 R9, 0x45 CPUID configuration of a TD';
const PAGE = 'the id of the operand that has the page: 1 RCX, 2 RDX';
const RETRY = 'Make the call again.';

/** Statuses that any leaf may return, and those about operands, locks and the PAMT entry of a page. */
export const GENERAL_STATUSES = {
  TDX_SUCCESS: { meaning: 'The call succeeded.', details: null, causes: [], remedy: null },
  TDX_INTERRUPTED_RESUMABLE: {
    meaning: 'An interrupt ended the call early; its progress is kept.',
    details: null,
    causes: [
      'An interrupt was pending between two blocks of TDH.PHYMEM.CACHE.WB.',
      'An interrupt was pending during TDH.SYS.DISABLE (commit 5b25f249be32, Linux 7.2).',
    ],
    remedy: 'Make the call again until it ends: TDH.PHYMEM.CACHE.WB with RCX = 1, TDH.SYS.DISABLE as before.',
  },
  TDX_INTERRUPTED_RESTARTABLE: {
    meaning: 'An interrupt ended the call early; nothing of it is kept.',
    details: null,
    causes: ['An interrupt arrived during TDH.MEM.PAGE.DEMOTE, on modules without TDX_FEATURES0 bit 51.'],
    remedy: RETRY,
  },
  TDX_INVALID_RESUMPTION: meaning('The call asks to resume an operation, and there is none that it can resume.'),
  TDX_CROSS_TD_FAULT: meaning('An access to another TD ended in a fault.'),
  TDX_CROSS_TD_TRAP: meaning('An access to another TD ended in a trap.'),
  TDX_OPERAND_INVALID: {
    meaning: 'An operand has a value that the leaf does not accept.',
    details: OPERAND,
    causes: [
      'Operand 0: RAX has reserved bits or a version set, or the module has no such leaf. Linux 7.3 meets it at kexec, where TDH.SYS.DISABLE (0x45) is called without asking whether the module has it.',
      'An address is not aligned, has the bits of a private KeyID, or lies in SEAMRR.',
      'Operand 8 of TDH.SYS.CONFIG: the KeyID is not private; MSR 0x87 reports a range that TME does not have.',
      'Operand 0x45 of TDH.MNG.INIT: the VMM configures CPUID bits that this module does not offer (https://github.com/intel/confidential-computing.tdx.tdx-module/issues/24).',
    ],
    remedy: 'Correct the operand that the details name.',
  },
  TDX_OPERAND_ADDR_RANGE_ERROR: {
    meaning: 'The address is in no TDMR, or in a 1 GiB block that TDH.SYS.TDMR.INIT has not finished.',
    details: PAGE,
    causes: [
      'The page was not in the list of TDX memory when TDX was initialised.',
      'TDH.SYS.TDMR.INIT has not finished the 1 GiB block of the page.',
    ],
    remedy: 'Use a page of a TDMR, after TDH.SYS.TDMR.INIT has returned an address above it in RDX.',
  },
  TDX_OPERAND_BUSY: {
    meaning: 'Another call holds a lock on the operand.',
    details:
      'the id of the operand: 1 RCX, 2 RDX, 0x80 TDR, 0x92 secure EPT, 0xba KeyID table, 0xbb key table of the package (PCONFIG), 0xbc cache write-back of the package',
    causes: [
      'Two CPUs work on the same page, TD or TDMR at once.',
      '0xba: TDs are created or destroyed on two CPUs at once.',
      '0xbb: PCONFIG is busy on another CPU of the package.',
      'Operand 1 of TDH.MNG.ADDCX: RCX and RDX are the same page.',
    ],
    remedy: 'Make the call again. Linux up to 7.3 does not do so during initialisation, and leaves TDX off.',
  },
  TDX_PREVIOUS_TLB_EPOCH_BUSY: meaning('The previous TLB epoch is busy.'),
  TDX_SYS_BUSY: {
    meaning: 'The global lock of the module is held, or another CPU is inside the module.',
    details: null,
    causes: [
      'Two CPUs run leaves of initialisation at once; TDH.SYS.LP.INIT alone may run on several.',
      'TDH.SYS.SHUTDOWN or TDH.SYS.DISABLE while another CPU is inside the module.',
    ],
    remedy: 'Make the call again. Linux up to 7.3 retries it for TDH.SYS.DISABLE only.',
  },
  TDX_RND_NO_ENTROPY: {
    meaning: 'The random number generator had no entropy.',
    details: null,
    causes: ['Many CPUs draw random numbers at once.'],
    remedy: 'Make the call again with the same inputs; Linux makes it ten times in all.',
  },
  TDX_OPERAND_BUSY_HOST_PRIORITY: meaning('The operand is busy, and the host has priority.'),
  TDX_HOST_PRIORITY_BUSY_TIMEOUT: meaning('A wait for an operand that is busy with host priority took too long.'),
  TDX_PAGE_METADATA_INCORRECT: {
    meaning: 'The PAMT entry of the page has a type that the leaf does not accept.',
    details: PAGE,
    causes: [
      'A leaf that needs a free page is given one that is in use or reserved, or one that needs a TDR another page.',
      'Operand 1 of TDH.PHYMEM.PAGE.RECLAIM (0x1c): the page is free or reserved; a race in the teardown of a TD (https://github.com/canonical/tdx/issues/153).',
    ],
    remedy: null,
  },
  TDX_PAGE_ALREADY_FREE: meaning('The page is free already.'),
  TDX_PAGE_NOT_OWNED_BY_TD: meaning('The page does not belong to the TD.'),
  TDX_PAGE_NOT_FREE: meaning('The page is not free.'),
} as const satisfies Readonly<Record<string, StatusMeaning>>;
