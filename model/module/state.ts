import { PHYSICAL_END } from '../abi/size.ts';
import type { AddressRange } from '../abi/range.ts';
import type { U64 } from '../abi/u64.ts';
import type { Release } from './release.ts';

/**
 * Everything the TDX module remembers. A plain record, changed in place by `callModule`; PAMTs are kept as a progress
 * counter per TDMR and the pages that are not what that counter says.
 */
export interface ModuleState {
  readonly release: Release;
  phase: Phase;
  /** By LP index; an LP that never called LP.INIT may be missing. */
  lps: LPState[];
  initialisedLPs: number;
  /** Taken by TDH.SYS.INIT; `null` before the first success. */
  sample: HardwareSample | null;
  /** First and last private KeyID; last < first when the sum of the partition wrapped. */
  keyidFirst: number;
  keyidLast: number;
  /** First address with a KeyID bit set: 2^(52 - KeyID bits). */
  addressEnd: number;
  seamrr: AddressRange;
  /** The loader's CMRs with touching ones merged, ascending. */
  cmrs: readonly AddressRange[];
  totLPs: number;
  totPackages: number;
  /** KeyID ownership table: entries that are not free. */
  readonly keyids: Map<number, KeyIDEntry>;
  /** Global private KeyID, -1 before a TDH.SYS.CONFIG got that far. */
  globalKeyID: number;
  /** Packages that ran TDH.SYS.KEY.CONFIG, a bit each. */
  packagesConfigured: number;
  tdmrs: readonly TDMRState[];
  /** By package; missing = no interrupted session. */
  readonly writeBack: Map<number, WriteBackSession>;
  /** Pages whose PAMT entry differs from what its TDMR says, by address: TDR, TDCX, and NDA with a former owner. */
  readonly pages: Map<number, PageEntry>;
  /** TDs by the address of their TDR. */
  readonly tds: Map<number, TDState>;
  readonly handoff: Handoff;
}

/** `DEAD`: the module shut itself down inside SEAM after a failed sanity check. */
export type Phase = 'PENDING' | 'SYSINIT_DONE' | 'CONFIG_DONE' | 'READY' | 'SHUTDOWN' | 'DEAD';

export interface LPState {
  initialised: boolean;
  /** Package number: x2APIC id shifted by INIT's package shift; 0 until LP.INIT got that far. */
  package: number;
}

/** What TDH.SYS.INIT saw, for TDH.SYS.LP.INIT to compare and TDH.SYS.INFO to print. Never changed once made. */
export interface HardwareSample {
  /** LP that ran INIT. */
  readonly lp: number;
  /** CPUID_ROWS as seen then; `null`: the machine had no overrides and can be read again (sampled-cpuid.ts). */
  readonly cpuid: Uint32Array | null;
  /** The sampled MSRs as seen then; `null`: likewise (sampled-msrs.ts). */
  readonly msr: readonly U64[] | null;
  readonly packageShift: number;
  readonly seamopsCaps: number;
  readonly smrr2: boolean;
  readonly writeBackBlocks: number;
  /** Features the CPU allows in XFAM: CPUID.D.0:EAX and CPUID.D.1:ECX, masked. */
  readonly xfam: number;
}

export interface KeyIDEntry {
  state: 'RESERVED' | 'ASSIGNED' | 'FLUSHED';
  /** Packages whose caches still have to be written back, a bit each. */
  writeBackPending: number;
}

export interface TDMRState {
  readonly base: number;
  readonly size: number;
  readonly pamt1G: AddressRange;
  readonly pamt2M: AddressRange;
  readonly pamt4K: AddressRange;
  /** `base` is the offset within the TDMR. */
  readonly reserved: readonly AddressRange[];
  /** Bytes from `base` whose PAMT entries are initialised. */
  initialised: number;
}

export interface WriteBackSession {
  /** Next block of the cache to write back; at least 1. */
  readonly block: number;
  /** KeyIDs that were FLUSHED when the session began. */
  readonly keyids: readonly number[];
}

export interface PageEntry {
  readonly type: number;
  /** TDR address of the owning TD; stays after the page was reclaimed. */
  readonly owner: number;
}

export interface TDState {
  lifecycle: 'HKID_ASSIGNED' | 'KEYS_CONFIGURED' | 'BLOCKED' | 'TEARDOWN';
  readonly keyid: number;
  /** Packages on which the TD's key is configured, a bit each. */
  packagesConfigured: number;
  tdcxCount: number;
  /** Pages that belong to the TD beside its TDR. */
  childCount: number;
  /** By TDVPR address: the LP the vCPU is associated with, -1 = none. */
  readonly vcpus: Map<number, number>;
}

/** The handoff pages: they outlive the module. */
export interface Handoff {
  valid: 0 | 1;
  /** HV that TDH.SYS.SHUTDOWN wrote; stays after TDH.SYS.UPDATE. */
  version: number;
  size: number;
  data: HandoffData | null;
}

export interface HandoffData {
  readonly keyids: ReadonlyMap<number, KeyIDEntry>;
  readonly writeBack: ReadonlyMap<number, WriteBackSession>;
  readonly tdmrs: readonly TDMRState[];
  readonly globalKeyID: number;
  readonly packagesConfigured: number;
}

/** A module as the P-SEAMLDR leaves it: loaded, nothing called yet. */
export function createModule(release: Release): ModuleState {
  return {
    release,
    phase: 'PENDING',
    lps: [],
    initialisedLPs: 0,
    sample: null,
    keyidFirst: 0,
    keyidLast: -1,
    addressEnd: PHYSICAL_END,
    seamrr: { base: 0, size: 0 },
    cmrs: [],
    totLPs: 0,
    totPackages: 0,
    keyids: new Map(),
    globalKeyID: -1,
    packagesConfigured: 0,
    tdmrs: [],
    writeBack: new Map(),
    pages: new Map(),
    tds: new Map(),
    handoff: { valid: 0, version: 0, size: 0, data: null },
  };
}

/**
 * The module loaded afresh (module update): handoff pages and what lies in memory (PAMT, TDR, TDCX) are kept,
 * everything else starts over.
 */
export function reloadModule(module: ModuleState, release: Release): ModuleState {
  return { ...createModule(release), pages: module.pages, tds: module.tds, handoff: module.handoff };
}

/** The module as it was loaded, in place: nothing it was given or told is left. */
export function forgetEverything(module: ModuleState): void {
  Object.assign(module, createModule(module.release));
}

/** Package of an LP; 0 for one that never ran TDH.SYS.LP.INIT. */
export function packageOf(module: ModuleState, lp: number): number {
  return module.lps[lp]?.package ?? 0;
}

/** The LP's record, made on its first use. `lp` is an LP index. */
export function lpState(module: ModuleState, lp: number): LPState {
  const { lps } = module;
  for (let index = lps.length; index <= lp; index += 1) lps.push({ initialised: false, package: 0 });
  return lps[lp] as LPState;
}

/** True for a KeyID of the private partition. */
export function isPrivateKeyID(module: ModuleState, keyid: number): boolean {
  return keyid >= module.keyidFirst && keyid <= module.keyidLast;
}
