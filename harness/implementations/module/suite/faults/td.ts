import type { U64 } from '../../../../../model/abi/u64.ts';
import { LEAF_NUMBER } from '../../../../../model/abi/leaf-number.ts';
import type { Draft, Milestone } from '../draft.ts';
import {
  draft,
  KEYID,
  KEYID_BIT,
  RESERVED_PAGE,
  step,
  TD_KEYID,
  TDCX,
  TDMR_BASE,
  TDR,
  wayTo,
  without,
} from '../draft.ts';
import type { Fault, FaultTable } from '../fault.ts';
import { fault, injected, operandFault, rax } from '../fault.ts';
import { dispatcherFaults } from './sys-other.ts';

/** A page operand's faults in order; `wrong` is a page of a type the leaf does not take. */
function pageFaults(register: 'rcx' | 'rdx', page: number, wrong: number | null): Fault[] {
  const operand = register === 'rcx' ? 1 : 2;
  const name = register.toUpperCase();
  const faults = [
    operandFault(`${name} misaligned`, rax('TDX_OPERAND_INVALID', operand), register, page + 8),
    operandFault(`${name} with KeyID bits`, rax('TDX_OPERAND_INVALID', operand), register, page + KEYID_BIT),
    operandFault(`${name} in no TDMR`, rax('TDX_OPERAND_ADDR_RANGE_ERROR', operand), register, 0x200000),
    fault(`${name} locked`, rax('TDX_OPERAND_BUSY', operand), ['inject', register], ({ call }) => {
      call.inject = 'pamt-lock-busy';
      call.injectArg = `0x${page.toString(16)}`;
    }),
  ];
  return wrong === null
    ? faults
    : [
        ...faults,
        operandFault(`${name} of another type`, rax('TDX_PAGE_METADATA_INCORRECT', operand), register, wrong),
      ];
}

/** The call comes at another moment of the TD's life. */
function moment(name: string, answer: U64, milestone: Milestone): Fault {
  return fault(name, answer, 'before', (change: Draft) => {
    change.before = wayTo(milestone);
  });
}

const LIFECYCLE = rax('TDX_LIFECYCLE_STATE_INCORRECT');
const KOT_LOCKED = injected('KeyID table locked', rax('TDX_OPERAND_BUSY', 0xba), 'kot-lock-busy');

const RDMD_PAGE = pageFaults('rcx', TDCX, null);
const FORMAT_AND_RANGE = RDMD_PAGE.slice(0, 3);
const LOCKED = RDMD_PAGE.slice(3);

export const PAGE_RDMD_FAULTS: FaultTable = {
  leaf: 'TDH.PHYMEM.PAGE.RDMD',
  base: () => draft(wayTo('BUILT'), step('TDH.PHYMEM.PAGE.RDMD', { rcx: TDCX, rdx: 1, r8: 2, r9: 3, r10: 4, r11: 5 })),
  faults: [
    ...dispatcherFaults(24, false),
    ...FORMAT_AND_RANGE,
    fault('1 GiB block not initialised', rax('TDX_OPERAND_ADDR_RANGE_ERROR', 1), 'before', (change) => {
      change.before = [...wayTo('READY'), { ...step('TDH.SYS.TDMR.INIT', { rcx: TDMR_BASE }), repeat: 255 }];
    }),
    ...LOCKED,
  ],
};

export const MNG_CREATE_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.CREATE',
  base: () => draft(wayTo('USABLE'), step('TDH.MNG.CREATE', { rcx: TDR, rdx: TD_KEYID })),
  faults: [
    ...dispatcherFaults(9, false),
    operandFault('RDX reserved bits', rax('TDX_OPERAND_INVALID', 2), 'rdx', 0x10011),
    operandFault('RDX a shared KeyID', rax('TDX_OPERAND_INVALID', 2), 'rdx', 15),
    ...pageFaults('rcx', TDR, RESERVED_PAGE),
    KOT_LOCKED,
    operandFault('RDX the global KeyID', rax('TDX_HKID_NOT_FREE'), 'rdx', KEYID),
    injected('no entropy', rax('TDX_RND_NO_ENTROPY'), 'no-entropy'),
  ],
};

export const MNG_KEY_CONFIG_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.KEY.CONFIG',
  base: () => draft(wayTo('CREATED'), step('TDH.MNG.KEY.CONFIG', { rcx: TDR })),
  faults: [
    ...dispatcherFaults(8, false),
    ...pageFaults('rcx', TDR, TDCX),
    moment('all packages have the key', LIFECYCLE, 'KEYED'),
    fault('this package has the key', rax('TDX_KEY_CONFIGURED'), 'before', ({ before }) => {
      before.push(step('TDH.MNG.KEY.CONFIG', { rcx: TDR }));
    }),
    injected('PCONFIG busy', rax('TDX_OPERAND_BUSY', 0xbb), 'pconfig-busy'),
    injected('PCONFIG without entropy', rax('TDX_KEY_GENERATION_FAILED'), 'pconfig-entropy'),
    injected('PCONFIG fails otherwise', 'fatal', 'pconfig-other'),
  ],
};

export const MNG_ADDCX_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.ADDCX',
  base: () => draft([...wayTo('KEYED'), ...tdcxSteps(5)], step('TDH.MNG.ADDCX', { rcx: TDCX, rdx: TDR })),
  faults: [
    ...dispatcherFaults(1, false),
    ...pageFaults('rdx', TDR, RESERVED_PAGE),
    moment('no key yet', rax('TDX_TD_KEYS_NOT_CONFIGURED'), 'CREATED'),
    fault('nine pages already', rax('TDX_TDCX_NUM_INCORRECT'), 'before', (change) => {
      change.before.push(...tdcxSteps(9).slice(5));
    }),
    operandFault('RCX the TDR itself', rax('TDX_OPERAND_BUSY', 1), 'rcx', TDR),
    ...pageFaults('rcx', TDCX, RESERVED_PAGE),
    injected('no entropy for the sixth', rax('TDX_RND_NO_ENTROPY'), 'no-entropy'),
  ],
};

/** Pages of the control structure, behind the one that the call itself adds. */
function tdcxSteps(count: number): Draft['before'] {
  return Array.from({ length: count }, (_, index) =>
    step('TDH.MNG.ADDCX', { rcx: TDCX + (index + 1) * 0x1000, rdx: TDR }, 0, `ADDCX ${index}`),
  );
}

export const MNG_VPFLUSHDONE_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.VPFLUSHDONE',
  base: () => draft(wayTo('KEYED'), step('TDH.MNG.VPFLUSHDONE', { rcx: TDR })),
  faults: [
    ...dispatcherFaults(19, false),
    ...pageFaults('rcx', TDR, TDCX),
    KOT_LOCKED,
    moment('blocked already', LIFECYCLE, 'BLOCKED'),
  ],
};

export const MNG_KEY_FREEID_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.KEY.FREEID',
  base: () => draft(wayTo('FLUSHED'), step('TDH.MNG.KEY.FREEID', { rcx: TDR })),
  faults: [
    ...dispatcherFaults(20, false),
    ...pageFaults('rcx', TDR, RESERVED_PAGE),
    moment('not blocked', LIFECYCLE, 'KEYED'),
    KOT_LOCKED,
    fault('a package has not written back', rax('TDX_WBCACHE_NOT_COMPLETE'), 'before', (change) =>
      without(change, 'CACHE.WB 1'),
    ),
  ],
};

export const PHYMEM_CACHE_WB_FAULTS: FaultTable = {
  leaf: 'TDH.PHYMEM.CACHE.WB',
  base: () => {
    const base = draft(wayTo('BLOCKED'), step('TDH.PHYMEM.CACHE.WB'));
    base.platform.wbBlocks = 2;
    return base;
  },
  faults: [
    ...dispatcherFaults(40, false),
    operandFault('RCX no command', rax('TDX_OPERAND_INVALID', 1), 'rcx', 2),
    injected('write-back locked', rax('TDX_OPERAND_BUSY', 0xbc), 'wbt-lock-busy'),
    KOT_LOCKED,
    moment('no KeyID FLUSHED', rax('TDX_NO_HKID_READY_TO_WBCACHE'), 'KEYED'),
    operandFault('nothing to resume', rax('TDX_WBCACHE_RESUME_ERROR'), 'rcx', 1),
    injected('interrupt pending', rax('TDX_INTERRUPTED_RESUMABLE'), 'interrupt-pending'),
  ].map((one) => (one.name === 'no KeyID FLUSHED' ? { ...one, touches: [...one.touches, 'rcx'] } : one)),
};

export const PAGE_RECLAIM_FAULTS: FaultTable = {
  leaf: 'TDH.PHYMEM.PAGE.RECLAIM',
  base: () =>
    draft(
      [...wayTo('TEARDOWN'), step('TDH.PHYMEM.PAGE.RECLAIM', { rcx: TDCX })],
      step('TDH.PHYMEM.PAGE.RECLAIM', { rcx: TDR, rdx: 1, r8: 2, r9: 3, r10: 4, r11: 5 }),
    ),
  faults: [
    ...dispatcherFaults(28, false),
    ...pageFaults('rcx', TDR, RESERVED_PAGE),
    moment('not in TEARDOWN', LIFECYCLE, 'FLUSHED'),
    moment('pages left', rax('TDX_TD_ASSOCIATED_PAGES_EXIST'), 'TEARDOWN'),
  ],
};

/** The same for a TDCX: there the owner's lock stands in front of its life cycle. */
export const PAGE_RECLAIM_TDCX_FAULTS: FaultTable = {
  leaf: 'TDH.PHYMEM.PAGE.RECLAIM',
  base: () => draft(wayTo('TEARDOWN'), step('TDH.PHYMEM.PAGE.RECLAIM', { rcx: TDCX })),
  faults: [
    ...pageFaults('rcx', TDCX, RESERVED_PAGE),
    injected('owner locked', rax('TDX_OPERAND_BUSY', 0x80), 'pamt-lock-busy', TDR),
    moment('not in TEARDOWN', LIFECYCLE, 'BLOCKED'),
  ],
};

export const PAGE_WBINVD_FAULTS: FaultTable = {
  leaf: 'TDH.PHYMEM.PAGE.WBINVD',
  base: () => draft(wayTo('CREATED'), step('TDH.PHYMEM.PAGE.WBINVD', { rcx: TDCX + 3 * KEYID_BIT })),
  faults: [
    ...dispatcherFaults(41, false),
    operandFault('RCX misaligned', rax('TDX_OPERAND_INVALID', 1), 'rcx', TDCX + 8),
    operandFault('RCX past 2^52', rax('TDX_OPERAND_INVALID', 1), 'rcx', 2 ** 52),
    operandFault('RCX in no TDMR', rax('TDX_OPERAND_ADDR_RANGE_ERROR', 1), 'rcx', 0x200000),
    fault('RCX locked', rax('TDX_OPERAND_BUSY', 1), ['inject', 'rcx'], ({ call }) => {
      call.inject = 'pamt-lock-busy';
      call.injectArg = `0x${TDCX.toString(16)}`;
    }),
    operandFault('RCX a TDR', rax('TDX_PAGE_METADATA_INCORRECT', 1), 'rcx', TDR),
  ],
};

export const MNG_KEY_RECLAIMID_FAULTS: FaultTable = {
  leaf: 'TDH.MNG.KEY.RECLAIMID',
  base: () => draft(wayTo('READY'), step('TDH.MNG.KEY.RECLAIMID')),
  faults: dispatcherFaults(LEAF_NUMBER['TDH.MNG.KEY.RECLAIMID'], false),
};
