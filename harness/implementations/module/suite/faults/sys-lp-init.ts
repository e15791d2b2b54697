import { MSR } from '../../../../../model/abi/msr.ts';
import type { U64 } from '../../../../../model/abi/u64.ts';
import { asBigInt, u64FromBigInt } from '../../../../../model/abi/u64.ts';
import { CPUID_RULES } from '../../../../../model/module/cpuid-rules.ts';
import { CPUID_ROWS } from '../../../../../model/platform/cpuid.ts';
import { healthyMSR } from '../../../../../model/platform/msr.ts';
import { buildHardware, readPlatform } from '../../../../transcript/module-platform.ts';
import { draft, healthyPlatform, hex, step, without } from '../draft.ts';
import type { Fault, FaultTable } from '../fault.ts';
import { cpuidFault, fault, injected, rax } from '../fault.ts';

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
const HARDWARE = buildHardware(readPlatform(healthyPlatform()));

/** An MSR that is another one on the second LP: its lowest bit turned over. */
function differentMSR(msr: number): Fault {
  const value: U64 = u64FromBigInt(asBigInt(healthyMSR(HARDWARE, msr)) ^ 1n);
  return fault(`MSR ${msr.toString(16)} differs`, rax('TDX_INCONSISTENT_MSR', msr), `msr ${hex(msr)}`, ({ call }) => {
    call.lpMsr = { 1: { ...call.lpMsr?.[1], [hex(msr)]: hex(value) } };
  });
}

/** For each CPUID leaf that must be the same a bit that is not. */
function differentCPUIDs(): Fault[] {
  return CPUID_RULES.flatMap(({ leaf, subleaf, same }, row) => {
    // The maximum leaves decide which others are looked at: their faults are of another kind.
    const register = same.findIndex(
      (bits, index) => bits !== 0 && !(index === 0 && (leaf === 0 || leaf === 0x80000000)),
    );
    const healthy = CPUID_ROWS[row];
    if (register < 0 || healthy === undefined) return [];
    const lowest = (same[register] ?? 0) & -(same[register] ?? 0);
    const name = REGISTERS[register] ?? 'eax';
    const value = (onHealthyLP(leaf, subleaf, name, healthy[2 + register] as number) ^ lowest) >>> 0;
    const faults = [
      cpuidFault(
        `CPUID ${leaf.toString(16)}.${subleaf ?? ''} differs`,
        rax('TDX_INCONSISTENT_CPUID_FIELD'),
        leaf,
        subleaf,
        name,
        value,
        1,
      ),
    ];
    if (leaf === 0x1f && subleaf === 0)
      faults.push(cpuidFault('package 8', rax('TDX_INVALID_PKG_ID', 8), 0x1f, 0, 'edx', 0x80, 1));
    return faults;
  });
}

/** Registers the machine fills in, as LP 1 of the drafts' platform has them. */
function onHealthyLP(leaf: number, subleaf: number | null, register: string, value: number): number {
  if (leaf === 1) return register === 'eax' ? 0x806f8 : 0x10100800;
  if (leaf === 4 && subleaf === 3) return 0x3c063;
  if (leaf === 0x80000008) return 0x3934;
  if (leaf === 0x1f && register === 'eax') return subleaf === 0 ? 1 : subleaf === 1 ? 4 : 0;
  return value;
}

/** TDH.SYS.LP.INIT's checks in order (recorded: lpinit-two-faults-*, lpinit-msr-order-*). */
export const SYS_LP_INIT_FAULTS: FaultTable = {
  leaf: 'TDH.SYS.LP.INIT',
  base: () =>
    draft([step('TDH.SYS.INIT'), step('TDH.SYS.LP.INIT', {}, 0, 'LP.INIT 0')], step('TDH.SYS.LP.INIT', {}, 1)),
  faults: [
    injected('global lock held', rax('TDX_SYS_BUSY'), 'global-lock-busy'),
    fault('before TDH.SYS.INIT', rax('TDX_SYS_LP_INIT_NOT_PENDING'), 'before', (change) =>
      without(change, 'TDH.SYS.INIT'),
    ),
    fault('made before', rax('TDX_SYS_LP_INIT_DONE'), 'before', ({ before }) => {
      before.push(step('TDH.SYS.LP.INIT', {}, 1));
    }),
    injected('no entropy', rax('TDX_RND_NO_ENTROPY'), 'no-entropy'),
    fault('SEAMOPS differ', rax('TDX_INCOMPATIBLE_SEAM_CAPABILITIES'), 'seamops', ({ call }) => {
      call.seamopsCaps = '0x3f';
    }),
    differentMSR(MSR.IA32_CORE_CAPABILITIES),
    differentMSR(MSR.IA32_ARCH_CAPABILITIES),
    differentMSR(MSR.IA32_MISC_PACKAGE_CTLS),
    differentMSR(MSR.IA32_XAPIC_DISABLE_STATUS),
    fault('CPUID limited', rax('TDX_LIMIT_CPUID_MAXVAL_SET'), 'msr 0x1a0', ({ call }) => {
      call.msr = { ...call.msr, '0x1a0': '0x400000' };
    }),
    ...differentCPUIDs(),
    differentMSR(MSR.IA32_TSC_ADJUST),
    differentMSR(MSR.IA32_MTRRCAP),
    differentMSR(MSR.IA32_SMRR_BASE),
    differentMSR(MSR.IA32_SMRR_MASK),
    differentMSR(MSR.IA32_VMX_BASIC),
    differentMSR(MSR.IA32_VMX_TRUE_PINBASED_CTLS),
    differentMSR(MSR.IA32_VMX_TRUE_PROCBASED_CTLS),
    differentMSR(MSR.IA32_VMX_PROCBASED_CTLS2),
    differentMSR(MSR.IA32_VMX_PROCBASED_CTLS3),
    differentMSR(MSR.IA32_VMX_TRUE_EXIT_CTLS),
    differentMSR(MSR.IA32_VMX_TRUE_ENTRY_CTLS),
    differentMSR(MSR.IA32_VMX_MISC),
    differentMSR(MSR.IA32_VMX_EPT_VPID_CAP),
    differentMSR(MSR.IA32_VMX_CR0_FIXED0),
    differentMSR(MSR.IA32_VMX_CR0_FIXED1),
    differentMSR(MSR.IA32_VMX_CR4_FIXED0),
    differentMSR(MSR.IA32_VMX_CR4_FIXED1),
    differentMSR(MSR.IA32_PERF_CAPABILITIES),
    differentMSR(MSR.IA32_TME_CAPABILITY),
    differentMSR(MSR.IA32_TME_ACTIVATE),
    differentMSR(MSR.IA32_MKTME_KEYID_PARTITIONING),
    differentMSR(MSR.IA32_WBINVDP),
    differentMSR(MSR.IA32_WBNOINVDP),
  ],
};
