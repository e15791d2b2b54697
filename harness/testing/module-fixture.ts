import { GIB } from '../../model/abi/size.ts';
import type { CMRInfo } from '../../model/abi/cmr-info.ts';
import type { LeafName } from '../../model/abi/leaf-number.ts';
import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import type { Registers } from '../../model/abi/registers.ts';
import { registers } from '../../model/abi/registers.ts';
import type { TDMRInfo } from '../../model/abi/tdmr-info.ts';
import { encodeTDMRInfo } from '../../model/abi/tdmr-info.ts';
import type { U64 } from '../../model/abi/u64.ts';
import type { Conditions } from '../../model/module/conditions.ts';
import { NO_CONDITIONS } from '../../model/module/conditions.ts';
import { callModule } from '../../model/module/dispatch.ts';
import { runTDMRInit } from '../../model/module/folded.ts';
import type { Release } from '../../model/module/release.ts';
import { RELEASES } from '../../model/module/release.ts';
import type { ModuleState } from '../../model/module/state.ts';
import { createModule } from '../../model/module/state.ts';
import type { Hardware, LoaderTable, LogicalProcessor } from '../../model/platform/hardware.ts';
import { createMemory, writeWords } from '../../model/platform/memory.ts';

/** A module on a machine, for tests of SEAMCALLs. */
export interface Bench {
  module: ModuleState;
  readonly hardware: Hardware;
}

/** Differences from the default bench: two packages of one LP, 2 GiB below 4 GiB, 1 GiB above, 48 TDX KeyIDs from 16. */
export interface BenchOptions {
  readonly release?: Release;
  /** Packages, and LPs of each. */
  readonly packages?: number;
  readonly threads?: number;
  readonly cmrs?: readonly CMRInfo[];
  readonly loader?: Partial<LoaderTable>;
  readonly hardware?: Partial<Omit<Hardware, 'lps' | 'loader' | 'memory'>>;
}

/** Addresses of the bench's one TDMR, of its PAMTs and of the structures for calls. */
export const TDMR_BASE = 4 * GIB;
export const PAMT_BASE = 0x400000;
export const ARRAY_ADDRESS = 0x101000;
export const TDMR_INFO_ADDRESS = 0x102000;
export const FIRST_KEYID = 16;

/** A freshly loaded module. */
export function createBench(options: BenchOptions = {}): Bench {
  const { release = RELEASES['1.5.01'], packages = 2, threads = 1 } = options;
  const lps: LogicalProcessor[] = [];
  for (let number = 0; number < packages; number += 1) {
    for (let thread = 0; thread < threads; thread += 1)
      lps.push({ x2apic: number * 16 + thread, package: number, vmx: true, seamrrValid: true });
  }
  const cmrs = options.cmrs ?? [
    { base: 0x100000, size: 0x77f00000 },
    { base: TDMR_BASE, size: GIB },
  ];
  const loader: LoaderTable = {
    totLPs: lps.length,
    totPackages: packages,
    cmrs,
    fms: [0x806f8],
    seamopsCaps: 0x7f,
    handoffPages: 16,
    moduleHv: 0,
    minUpdateHv: 0,
    noDowngrade: 0,
    smrr2NotSupported: false,
    tdxWithoutIntegrity: false,
    ...options.loader,
  };
  const hardware: Hardware = {
    lps,
    maxPa: 52,
    keyidBits: 6,
    mktmeKeyids: FIRST_KEYID - 1,
    tdxKeyids: 48,
    packageShift: 4,
    smtShift: 1,
    seamrr: { base: 0x78000000, mask: 2 ** 52 - 0x8000000 },
    smrr: [{ base: 0x7f000006, mask: 0xff800000, lock: 1, valid: 1 }],
    wbBlocks: 1,
    msr: [],
    cpuid: [],
    ...options.hardware,
    loader,
    memory: createMemory(),
  };
  return { module: createModule(release), hardware };
}

/** Makes one call and returns the output registers. Throws if the module does not answer. */
export function call(
  bench: Bench,
  leaf: LeafName | number,
  operands: Partial<Registers> = {},
  lp = 0,
  conditions: Conditions = NO_CONDITIONS,
): Registers {
  const regs = { ...registers(typeof leaf === 'number' ? leaf : LEAF_NUMBER[leaf]), ...operands };
  const { kind, reason } = callModule(bench.module, bench.hardware, lp, regs, conditions);
  if (kind !== 'answered') throw new Error(`${leaf}: ${kind}, ${reason}`);
  return regs;
}

/** `call` for the preparations of a test: throws unless the module returns TDX_SUCCESS. */
export function mustSucceed(bench: Bench, leaf: LeafName, operands: Partial<Registers> = {}, lp = 0): Registers {
  const regs = { ...registers(LEAF_NUMBER[leaf]), ...operands };
  const { kind, rax, reason } = callModule(bench.module, bench.hardware, lp, regs, NO_CONDITIONS);
  if (kind !== 'answered' || rax !== 0) throw new Error(`${leaf}: ${kind} 0x${rax.toString(16)}, ${reason}`);
  return regs;
}

/** TDH.SYS.INIT, then TDH.SYS.LP.INIT on every LP. */
export function initialise(bench: Bench): Bench {
  mustSucceed(bench, 'TDH.SYS.INIT');
  for (const lp of bench.hardware.lps.keys()) mustSucceed(bench, 'TDH.SYS.LP.INIT', {}, lp);
  return bench;
}

/** Writes the TDMRs, as words, into the bench's memory; returns the operands of `TDH.SYS.CONFIG` for them. */
export function placeTDMRs(
  bench: Bench,
  tdmrs: readonly (readonly U64[])[],
  keyid: U64 = FIRST_KEYID,
): Partial<Registers> {
  const { memory } = bench.hardware;
  writeWords(
    memory,
    ARRAY_ADDRESS,
    tdmrs.map((_, index) => TDMR_INFO_ADDRESS + index * 512),
  );
  for (const [index, words] of tdmrs.entries()) writeWords(memory, TDMR_INFO_ADDRESS + index * 512, words);
  return { rcx: ARRAY_ADDRESS, rdx: tdmrs.length, r8: keyid };
}

/** The TDMR over the bench's 1 GiB with its PAMTs in low memory. */
export function goodTDMR(overrides: Partial<TDMRInfo> = {}): TDMRInfo {
  return {
    base: TDMR_BASE,
    size: GIB,
    pamt1G: { base: PAMT_BASE, size: 0x1000 },
    pamt2M: { base: PAMT_BASE + 0x1000, size: 0x2000 },
    pamt4K: { base: PAMT_BASE + 0x3000, size: 0x400000 },
    reserved: [],
    ...overrides,
  };
}

/** Brings the module to CONFIG_DONE, by default with one TDMR; no key yet. */
export function configure(bench: Bench, tdmrs: readonly TDMRInfo[] = [goodTDMR()]): Bench {
  initialise(bench);
  mustSucceed(bench, 'TDH.SYS.CONFIG', placeTDMRs(bench, tdmrs.map(encodeTDMRInfo)));
  return bench;
}

/** Brings the module to READY, with no TDMR initialised. */
export function makeReady(bench: Bench, tdmrs?: readonly TDMRInfo[]): Bench {
  configure(bench, tdmrs);
  const seen = new Set<number>();
  for (const [lp, { package: number }] of bench.hardware.lps.entries()) {
    if (!seen.has(number)) mustSucceed(bench, 'TDH.SYS.KEY.CONFIG', {}, lp);
    seen.add(number);
  }
  return bench;
}

/** Brings the module to READY, with every TDMR initialised. */
export function makeUsable(bench: Bench, tdmrs?: readonly TDMRInfo[]): Bench {
  makeReady(bench, tdmrs);
  for (const { base } of bench.module.tdmrs)
    runTDMRInit(
      bench.module,
      registers(LEAF_NUMBER['TDH.SYS.TDMR.INIT'], base),
      Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    );
  return bench;
}
