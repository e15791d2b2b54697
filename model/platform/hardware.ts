import type { CMRInfo } from '../abi/cmr-info.ts';
import type { U64 } from '../abi/u64.ts';
import type { PhysicalMemory } from './memory.ts';

/**
 * The machine beneath the module: what RDMSR, CPUID, the loader's table and memory answer. The module reads nothing
 * else. Built from a Platform by MCHECK and the loaders, or from a recorded transcript's `platform`.
 */
export interface Hardware {
  /** By LP index. */
  readonly lps: LogicalProcessor[];
  /** Bits of a physical address, KeyID bits included (CPUID.80000008H:EAX[7:0]); 52 on every machine the module accepts. */
  maxPa: number;
  /** Value IA32_TME_ACTIVATE[35:32] has unless overridden. */
  keyidBits: number;
  /** Halves of MSR 0x87 unless overridden. */
  mktmeKeyids: number;
  tdxKeyids: number;
  /** x2APIC id >> packageShift = package; >> smtShift = core. */
  packageShift: number;
  smtShift: number;
  seamrr: { base: U64; mask: U64 };
  smrr: readonly SMRR[];
  wbBlocks: number;
  /** What MCHECK and the loader left for the module (SYSINFO table). */
  loader: LoaderTable;
  /** Overrides of the healthy values, in order of arrival: the newest wins, per-LP beats global. Empty on most machines. */
  readonly msr: MSRValue[];
  readonly cpuid: CPUIDValue[];
  readonly memory: PhysicalMemory;
}

export interface LogicalProcessor {
  readonly x2apic: number;
  /** A label of the platform; the module derives its own from x2APIC. */
  readonly package: number;
  /** In VMX operation (VMXON executed, VMXOFF not). Only the SEAMCALL instruction looks at it. */
  vmx: boolean;
  /** This core's SEAMRR registers are valid: MCHECK ran and enabled SEAM here. */
  seamrrValid: boolean;
}

export interface SMRR {
  readonly base: U64;
  readonly mask: U64;
  readonly lock: 0 | 1;
  readonly valid: 0 | 1;
}

export interface LoaderTable {
  totLPs: number;
  totPackages: number;
  /** 32 slots at most, in table order; missing ones are empty. Any 64-bit value, where the case bypasses MCHECK. */
  cmrs: readonly CMRInfo[];
  /** CPUID(1).EAX by package. */
  fms: readonly number[];
  seamopsCaps: number;
  handoffPages: number;
  moduleHv: number;
  minUpdateHv: number;
  noDowngrade: number;
  smrr2NotSupported: boolean;
  tdxWithoutIntegrity: boolean;
}

export interface MSRValue {
  readonly lp: number | null;
  readonly msr: number;
  readonly value: U64;
}

export interface CPUIDValue {
  readonly lp: number | null;
  readonly leaf: number;
  /** `null`: the leaf has no sub-leaves. */
  readonly subleaf: number | null;
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
  readonly edx?: number;
}
