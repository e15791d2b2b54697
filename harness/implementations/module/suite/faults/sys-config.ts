import { encodeTDMRInfo } from '../../../../../model/abi/tdmr-info.ts';
import { ARRAY, configStep, cutAt, draft, goodTDMR, INFO, KEYID_BIT, wayTo, without } from '../draft.ts';
import type { FaultTable } from '../fault.ts';
import { fault, injected, operandFault, rax, setWord } from '../fault.ts';
import { tdmrFaults } from './tdmr.ts';

/** TDH.SYS.CONFIG's checks in order: its operands, then all of TDMR 0, then all of TDMR 1 (recorded: config-pair-*, config-two-faults). */
export const SYS_CONFIG_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.CONFIG',
  base: () => draft(wayTo('INITIALISED'), configStep([encodeTDMRInfo(goodTDMR(0)), encodeTDMRInfo(goodTDMR(1))])),
  faults: [
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    fault('before TDH.SYS.INIT', rax('TDX_SYS_CONFIG_NOT_PENDING'), 'before', (change) =>
      cutAt(change, 'TDH.SYS.INIT'),
    ),
    fault('an LP is not initialised', rax('TDX_SYS_CONFIG_NOT_PENDING'), 'before', (change) =>
      without(change, 'LP.INIT 1'),
    ),
    operandFault('RCX misaligned', rax('TDX_OPERAND_INVALID', 1), 'rcx', ARRAY + 8),
    operandFault('RCX in SEAMRR', rax('TDX_OPERAND_INVALID', 1), 'rcx', 0x78000000),
    operandFault('RCX under a private KeyID', rax('TDX_OPERAND_INVALID', 1), 'rcx', ARRAY + 16 * KEYID_BIT),
    operandFault('RDX past 64', rax('TDX_OPERAND_INVALID', 2), 'rdx', 65),
    operandFault('RDX zero', rax('TDX_OPERAND_INVALID', 2), 'rdx', 0),
    operandFault('R8 reserved bits', rax('TDX_OPERAND_INVALID', 8), 'r8', 0x10010),
    operandFault('R8 a shared KeyID', rax('TDX_OPERAND_INVALID', 8), 'r8', 15),
    operandFault('R8 past the last KeyID', rax('TDX_OPERAND_INVALID', 8), 'r8', 64),
    fault('entry 0 misaligned', rax('TDX_OPERAND_INVALID', 1), 'entry 0', ({ call }) =>
      setWord(call, ARRAY, 0, INFO + 256),
    ),
    ...tdmrFaults(0),
    fault('TDMR 0: memory outside the CMRs', rax('TDX_TDMR_OUTSIDE_CMRS', 0), 'cmrs', ({ platform }) => {
      platform.cmrs[1] = { base: '0x100001000', size: '0x7ffff000' };
    }),
    fault('entry 1 in SEAMRR', rax('TDX_OPERAND_INVALID', 1), 'entry 1', ({ call }) =>
      setWord(call, ARRAY, 1, 0x78000000),
    ),
    ...tdmrFaults(1),
    fault('TDMR 1: memory outside the CMRs', rax('TDX_TDMR_OUTSIDE_CMRS', 1), 'cmrs', ({ platform }) => {
      platform.cmrs[1] = { base: '0x100000000', size: '0x7fe00000' };
    }),
  ],
};
