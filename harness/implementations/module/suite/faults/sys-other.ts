import { encodeTDMRInfo } from '../../../../../model/abi/tdmr-info.ts';
import type { Draft } from '../draft.ts';
import { configStep, cutAt, draft, goodTDMR, KEYID_BIT, step, TDMR_BASE, wayTo, without } from '../draft.ts';
import type { Fault, FaultTable } from '../fault.ts';
import { fault, injected, operandFault, rax } from '../fault.ts';

const INFO_BUFFER = 0x110000;
const CMR_BUFFER = 0x111000;
const METADATA_PAGE = 0x112000;
const MAX_TDMRS = 0x9100000100000008n;
const SEAMRR = 0x78000000;
const PRIVATE = 16 * KEYID_BIT;

/** Faults of the dispatcher, which come before those of the leaf itself. */
export function dispatcherFaults(number: number, beforeReady: boolean): Fault[] {
  const faults = [
    operandFault('RAX with a reserved bit', rax('TDX_OPERAND_INVALID'), 'rax', number + 2 ** 32),
    operandFault('RAX with a version', rax('TDX_OPERAND_INVALID'), 'rax', number + 0x10000),
    fault('after TDH.SYS.SHUTDOWN', rax('TDX_SYS_SHUTDOWN'), 'before', (change: Draft) => {
      change.before = [...wayTo('USABLE'), step('TDH.SYS.SHUTDOWN')];
    }),
  ];
  if (beforeReady) return faults;
  return [
    ...faults,
    fault('before READY', rax('TDX_SYS_NOT_READY'), 'before', (change: Draft) => cutAt(change, 'KEY.CONFIG 1')),
  ];
}

export const SYS_INFO_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.INFO',
  base: () => ({
    ...draft(wayTo('INITIALISED'), {
      ...step('TDH.SYS.INFO', { rcx: INFO_BUFFER, rdx: 1024, r8: CMR_BUFFER, r9: 32 }),
      read: [
        { pa: '0x110000', u64: 128 },
        { pa: '0x111000', u64: 64 },
      ],
    }),
  }),
  faults: [
    ...dispatcherFaults(32, true),
    fault('LP not initialised', rax('TDX_SYS_LP_INIT_NOT_DONE'), 'before', (change) => without(change, 'LP.INIT 0')),
    operandFault('RCX misaligned', rax('TDX_OPERAND_INVALID', 1), 'rcx', INFO_BUFFER + 512),
    operandFault('RCX in SEAMRR', rax('TDX_OPERAND_INVALID', 1), 'rcx', SEAMRR),
    operandFault('RCX private', rax('TDX_OPERAND_INVALID', 1), 'rcx', INFO_BUFFER + PRIVATE),
    operandFault('RDX too small', rax('TDX_OPERAND_INVALID', 2), 'rdx', 1023),
    operandFault('R8 misaligned', rax('TDX_OPERAND_INVALID', 8), 'r8', CMR_BUFFER + 256),
    operandFault('R8 past 2^52', rax('TDX_OPERAND_INVALID', 8), 'r8', 2 ** 52),
    operandFault('R9 too few slots', rax('TDX_OPERAND_INVALID', 9), 'r9', 31),
  ],
};

export const SYS_RD_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.RD',
  base: () => draft(wayTo('INITIALISED'), step('TDH.SYS.RD', { rdx: MAX_TDMRS, r8: 7 })),
  faults: [
    ...dispatcherFaults(34, true),
    fault('LP not initialised', rax('TDX_SYS_LP_INIT_NOT_DONE'), 'before', (change) => without(change, 'LP.INIT 0')),
    operandFault('no field named', rax('TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT'), 'rdx', 0xffffffffffffffffn),
    operandFault('reserved bits', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'rdx', MAX_TDMRS + 0x1000000n),
    operandFault('last element set', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'rdx', MAX_TDMRS + 0x400000000n),
    operandFault('no such field', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'rdx', 0x91000001000000ffn),
  ],
};

export const SYS_RDALL_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.RDALL',
  base: () =>
    draft(wayTo('INITIALISED'), {
      ...step('TDH.SYS.RDALL', { rdx: METADATA_PAGE, r8: 0xffffffffffffffffn }),
      read: [{ pa: '0x112000', u64: 392 }],
    }),
  faults: [
    ...dispatcherFaults(37, true),
    fault('LP not initialised', rax('TDX_SYS_LP_INIT_NOT_DONE'), 'before', (change) => without(change, 'LP.INIT 0')),
    operandFault('RDX misaligned', rax('TDX_OPERAND_INVALID', 2), 'rdx', METADATA_PAGE + 0x800),
    operandFault('RDX private', rax('TDX_OPERAND_INVALID', 2), 'rdx', METADATA_PAGE + PRIVATE),
    operandFault('no such field', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'r8', 0x91000001000000ffn),
    operandFault('another element size', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'r8', MAX_TDMRS + 0x100000000n),
    operandFault('not the first element', rax('TDX_METADATA_FIELD_ID_INCORRECT'), 'r8', 0x9900000300000501n),
  ],
};

export const SYS_KEY_CONFIG_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.KEY.CONFIG',
  base: () => draft(wayTo('CONFIGURED'), step('TDH.SYS.KEY.CONFIG')),
  faults: [
    ...dispatcherFaults(31, true),
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    fault('before TDH.SYS.CONFIG', rax('TDX_SYS_KEY_CONFIG_NOT_PENDING'), 'before', (change) =>
      without(change, 'TDH.SYS.CONFIG'),
    ),
    fault('READY already', rax('TDX_SYS_KEY_CONFIG_NOT_PENDING'), 'before', (change) => {
      change.before = wayTo('READY');
    }),
    fault('package configured already', rax('TDX_KEY_CONFIGURED'), 'before', (change) => {
      change.before.push(step('TDH.SYS.KEY.CONFIG'));
    }),
    injected('PCONFIG busy', rax('TDX_OPERAND_BUSY', 0xbb), 'pconfig-busy'),
    injected('PCONFIG without entropy', rax('TDX_KEY_GENERATION_FAILED'), 'pconfig-entropy'),
    injected('PCONFIG fails otherwise', 'fatal', 'pconfig-other'),
  ],
};

export const SYS_TDMR_INIT_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.TDMR.INIT',
  base: () => draft(wayTo('READY'), step('TDH.SYS.TDMR.INIT', { rcx: TDMR_BASE, rdx: 5 })),
  faults: [
    ...dispatcherFaults(36, false),
    operandFault('RCX misaligned', rax('TDX_OPERAND_INVALID', 1), 'rcx', TDMR_BASE + 0x1000),
    operandFault('RCX with KeyID bits', rax('TDX_OPERAND_INVALID', 1), 'rcx', TDMR_BASE + KEYID_BIT),
    operandFault('RCX the base of no TDMR', rax('TDX_OPERAND_INVALID', 1), 'rcx', 2 * TDMR_BASE),
    injected('TDMR locked', rax('TDX_OPERAND_BUSY', 1), 'tdmr-lock-busy'),
    fault('initialised already', rax('TDX_TDMR_ALREADY_INITIALIZED'), 'before', (change) => {
      change.before = wayTo('USABLE');
    }),
  ],
};

export const SYS_SHUTDOWN_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.SHUTDOWN',
  base: () => draft(wayTo('USABLE'), step('TDH.SYS.SHUTDOWN')),
  faults: [
    ...dispatcherFaults(52, false),
    operandFault('RCX past the handoff version', rax('TDX_OPERAND_INVALID', 1), 'rcx', 1),
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    injected('another LP inside', rax('TDX_SYS_BUSY'), 'other-lp-busy'),
  ],
};

/** An update after a shutdown, with a TD alive. */
export const SYS_UPDATE_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.UPDATE',
  base: () => draft([...wayTo('CREATED'), step('TDH.SYS.SHUTDOWN'), ...again()], step('TDH.SYS.UPDATE')),
  faults: [
    operandFault('RAX with a version', rax('TDX_OPERAND_INVALID'), 'rax', 53 + 0x10000),
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    fault('an LP is not initialised', rax('TDX_SYS_STATE_INCORRECT'), 'again', (change) =>
      without(change, 'LP.INIT 1 again'),
    ),
    fault('configured already', rax('TDX_SYS_STATE_INCORRECT'), 'again', (change) => {
      change.before.push(configStep([encodeTDMRInfo(goodTDMR())]));
    }),
    fault('no handoff data', rax('TDX_SYS_INVALID_HANDOFF'), 'shutdown', (change) =>
      without(change, 'TDH.SYS.SHUTDOWN'),
    ),
  ],
};

function again(): Draft['before'] {
  return [
    { ...step('TDH.SYS.INIT', {}, 0, 'TDH.SYS.INIT again'), reload: true },
    step('TDH.SYS.LP.INIT', {}, 0, 'LP.INIT 0 again'),
    step('TDH.SYS.LP.INIT', {}, 1, 'LP.INIT 1 again'),
  ];
}

export const SYS_LP_SHUTDOWN_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.LP.SHUTDOWN',
  base: () => draft([], step('TDH.SYS.LP.SHUTDOWN')),
  faults: dispatcherFaults(44, true).filter(({ name }) => name.startsWith('RAX')),
};
