import { MSR } from '../../../../../model/abi/msr.ts';
import { CPUID_RULES } from '../../../../../model/module/cpuid-rules.ts';
import { CPUID_ROWS } from '../../../../../model/platform/cpuid.ts';
import { draft, step } from '../draft.ts';
import type { Fault, FaultTable } from '../fault.ts';
import { cpuidFault, fault, injected, msrFault, operandFault, rax } from '../fault.ts';

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
const INCORRECT = rax('TDX_INCORRECT_CPUID_VALUE');

/** For each CPUID leaf a bit that must be as it is, turned over, and the leaf's own rules behind it. */
function cpuidFaults(): Fault[] {
  return CPUID_RULES.flatMap(({ leaf, subleaf, mask }, row) => {
    const register = mask.findIndex((bits) => bits !== 0);
    const healthy = CPUID_ROWS[row];
    const faults: Fault[] = [];
    if (register >= 0 && healthy !== undefined) {
      const name = REGISTERS[register] ?? 'eax';
      const lowest = (mask[register] ?? 0) & -(mask[register] ?? 0);
      const value = (masked(leaf, subleaf, name, healthy[2 + register] as number) ^ lowest) >>> 0;
      faults.push(cpuidFault(`CPUID ${leaf.toString(16)}.${subleaf ?? ''}`, INCORRECT, leaf, subleaf, name, value));
    }
    return [...faults, ...specialFaults(leaf, subleaf)];
  });
}

/** What the drafts' platform answers where the table leaves it to the machine. */
function masked(leaf: number, subleaf: number | null, register: string, value: number): number {
  if (leaf === 1 && register === 'ebx') return 0x100800;
  if (leaf === 4 && subleaf === 3 && register === 'eax') return 0x3c063;
  if (leaf === 0x80000008 && register === 'eax') return 0x3934;
  return value;
}

function specialFaults(leaf: number, subleaf: number | null): Fault[] {
  if (leaf === 0xa) {
    return [
      cpuidFault('CPUID A: performance monitoring version 4', INCORRECT, 0xa, null, 'eax', 0x7300804),
      cpuidFault('CPUID A: 8 fixed counters', INCORRECT, 0xa, null, 'edx', 0x8008),
    ];
  }
  if (leaf === 0x80000008)
    return [cpuidFault('CPUID 80000008: linear address width', INCORRECT, leaf, null, 'eax', 0x3034)];
  if (leaf === 0x1c) return [cpuidFault('CPUID 1C: no LBR depth', 'fatal', leaf, null, 'eax', 0x40000000)];
  if (leaf === 0xd && subleaf === 5)
    return [cpuidFault('CPUID D.5: a user component is a supervisor one', 'fatal', 0xd, 5, 'ecx', 1)];
  if (leaf === 0x15) {
    return [
      cpuidFault('CPUID 15: no TSC ratio', rax('TDX_CPUID_LEAF_NOT_SUPPORTED', 0x15), leaf, null, 'ebx', 0),
      cpuidFault('CPUID 15: TSC too slow', 'fatal', leaf, null, 'ecx', 1),
    ];
  }
  if (leaf === 0x1f && subleaf === 0)
    return [
      cpuidFault('CPUID 1F.0: unknown level type', rax('TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED'), leaf, 0, 'ecx', 0x600),
    ];
  if (leaf === 0x1f && subleaf === 1)
    return [
      cpuidFault(
        'CPUID 1F.1: level type not ascending',
        rax('TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED'),
        leaf,
        1,
        'ecx',
        0x101,
      ),
    ];
  if (leaf === 0x1f && subleaf === 2) {
    return [
      // With 1F.1 invalid the list ends without a core level.
      cpuidFault('CPUID 1F.1: no core level', rax('TDX_CPUID_LEAF_NOT_SUPPORTED'), leaf, 1, 'ecx', 1),
      cpuidFault('CPUID 1F.1: package shift that leaf 4 denies', rax('TDX_INVALID_WBINVD_SCOPE'), leaf, 1, 'eax', 3),
    ];
  }
  return [];
}

function incorrectMSR(msr: number, value: number | bigint): Fault {
  return msrFault(`MSR ${msr.toString(16)}`, rax('TDX_INCORRECT_MSR_VALUE', msr), msr, value);
}

/** TDH.SYS.INIT's checks in order (recorded: init-two-faults-*). */
export const SYS_INIT_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.INIT',
  base: () => draft([], step('TDH.SYS.INIT')),
  faults: [
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    injected('global lock shared', rax('TDX_SYS_BUSY'), 'global-lock-shared'),
    operandFault('RCX not zero', rax('TDX_OPERAND_INVALID', 1), 'rcx', 1),
    fault('made before', rax('TDX_SYS_INIT_NOT_PENDING'), 'platform', (change) => {
      change.before.push(step('TDH.SYS.INIT'));
    }),
    incorrectMSR(MSR.IA32_ARCH_CAPABILITIES, 0x20fd6f),
    incorrectMSR(MSR.IA32_XAPIC_DISABLE_STATUS, 0),
    incorrectMSR(MSR.IA32_MISC_PACKAGE_CTLS, 0),
    incorrectMSR(MSR.IA32_PERF_CAPABILITIES, 0),
    msrFault('CPUID limited', rax('TDX_LIMIT_CPUID_MAXVAL_SET'), MSR.IA32_MISC_ENABLE, 0x400000),
    cpuidFault('CPUID 0: maximum leaf 1E', rax('TDX_CPUID_LEAF_NOT_SUPPORTED', 0x1f), 0, null, 'eax', 0x1e),
    cpuidFault(
      'CPUID 80000000: maximum leaf 80000007',
      rax('TDX_CPUID_LEAF_NOT_SUPPORTED', 0x80000008),
      0x80000000,
      null,
      'eax',
      0x80000007,
    ),
    ...cpuidFaults(),
    incorrectMSR(MSR.IA32_VMX_BASIC, 0),
    incorrectMSR(MSR.IA32_VMX_TRUE_PINBASED_CTLS, 0xfffffffe00000000n & ~(0x29n << 32n)),
    incorrectMSR(MSR.IA32_VMX_TRUE_PROCBASED_CTLS, 0),
    incorrectMSR(MSR.IA32_VMX_PROCBASED_CTLS2, 0),
    incorrectMSR(MSR.IA32_VMX_PROCBASED_CTLS3, 0),
    incorrectMSR(MSR.IA32_VMX_TRUE_EXIT_CTLS, 0),
    incorrectMSR(MSR.IA32_VMX_TRUE_ENTRY_CTLS, 0),
    incorrectMSR(MSR.IA32_VMX_MISC, 0),
    incorrectMSR(MSR.IA32_VMX_EPT_VPID_CAP, 0),
    incorrectMSR(MSR.IA32_VMX_CR0_FIXED0, 0x80000023),
    incorrectMSR(MSR.IA32_VMX_CR0_FIXED1, 0xffffffdf),
    incorrectMSR(MSR.IA32_VMX_CR4_FIXED0, 0x3000),
    incorrectMSR(MSR.IA32_VMX_CR4_FIXED1, 0x3ffffbf),
    msrFault('TME not locked', rax('TDX_INCORRECT_MSR_VALUE', 0x982), MSR.IA32_TME_ACTIVATE, 0x0003000600000002n),
    incorrectMSR(MSR.IA32_TME_CAPABILITY, 0x3f0_0000_0005),
    msrFault(
      'TME without the algorithm',
      rax('TDX_INCORRECT_MSR_VALUE', 0x982),
      MSR.IA32_TME_ACTIVATE,
      0x0001000600000003n,
    ),
    msrFault(
      'more KeyIDs than there is room for',
      rax('TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED', 0x800),
      MSR.IA32_MKTME_KEYID_PARTITIONING,
      0x7f10000000f,
    ),
    incorrectMSR(MSR.IA32_WBNOINVDP, 2),
    fault('CMRs overlap', rax('TDX_CMR_LIST_INVALID'), 'platform', ({ platform }) => {
      platform.cmrs.push({ base: '0x17ffff000', size: '0x2000' });
    }),
    msrFault('no SMRR', rax('TDX_SMRR_NOT_SUPPORTED'), MSR.IA32_MTRRCAP, 0xd50a),
    msrFault('SMRR without lock', rax('TDX_SMRR_LOCK_NOT_SUPPORTED'), MSR.IA32_MTRRCAP, 0x9d0a),
    msrFault('SMRR not locked', rax('TDX_SMRR_NOT_LOCKED'), MSR.IA32_SMRR_MASK, 0xff800800),
    msrFault('SMRR mask with a hole', rax('TDX_INVALID_SMRR_CONFIGURATION'), MSR.IA32_SMRR_MASK, 0xff801c00),
    msrFault('SMRR over a CMR', rax('TDX_SMRR_OVERLAPS_CMR'), MSR.IA32_SMRR_BASE, 0x70000006),
    fault('SEAMOPS without SEAMDB', rax('TDX_INCOMPATIBLE_SEAM_CAPABILITIES'), 'seamops', ({ call }) => {
      call.seamopsCaps = '0x5f';
    }),
    fault('another handoff version', rax('TDX_SYS_INCOMPATIBLE_SIGSTRUCT'), 'platform', ({ platform }) => {
      platform.moduleHv = 1;
    }),
    injected('no entropy', rax('TDX_RND_NO_ENTROPY'), 'no-entropy'),
    msrFault('no SEAMRR', 'fatal', MSR.IA32_SEAMRR_MASK, 0),
  ],
};
