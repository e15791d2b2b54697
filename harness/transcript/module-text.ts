import { OUTPUT_REGISTERS, type Registers } from '../../model/abi/registers.ts';
import { formatU64 } from '../../model/abi/u64.ts';

/** The machine of a recorded module case, as its line has it (corpus/transcripts/module.md). Addresses and masks are hexadecimal text. */
export interface PlatformText {
  maxPa: number;
  keyidBits: number;
  mktmeKeyids: number;
  tdxKeyids: number;
  lps: { id: number; pkg: number; core: number; thread: number; x2apic: number }[];
  cmrs: { base: string; size: string }[];
  seamrr: { base: string; size?: string; mask?: string };
  smrr: { base: string; mask: string; lock: number; valid: number }[];
  totLps?: number;
  totPkgs?: number;
  wbBlocks?: number;
  seamopsCaps?: string;
  moduleHv?: number;
  minUpdateHv?: number;
  noDowngrade?: number;
  handoffPages?: number;
  tdxWithoutIntegrity?: number;
  fms?: string[];
}

/** One step of a recorded module case without its answer: the call, and what surrounds it. */
export interface StepText {
  seamcall: { lp: number; rax: string; [register: string]: string | number };
  mem?: { pa: string; u64: string[] }[];
  msr?: { [msr: string]: string };
  lpMsr?: { [lp: string]: { [msr: string]: string } };
  cpuid?: { leaf: string; subleaf?: string; lp?: number; eax?: string; ebx?: string; ecx?: string; edx?: string }[];
  seamopsCaps?: string;
  reload?: boolean;
  inject?: string;
  injectArg?: string;
  repeat?: number;
  read?: { pa: string; u64: number }[];
}

/** Registers by name, each in hexadecimal. */
export interface RegisterText {
  readonly [register: string]: string;
}

/** RAX, and of the other registers those that are not zero: the canonical form of an answer. */
export function answerText(regs: Readonly<Registers>): RegisterText {
  const text: { [register: string]: string } = { rax: formatU64(regs.rax) };
  for (const name of OUTPUT_REGISTERS) if (regs[name] !== 0) text[name] = formatU64(regs[name]);
  return text;
}
