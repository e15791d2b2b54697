import { GIB } from '../../../../model/abi/size.ts';
import type { LeafName } from '../../../../model/abi/leaf-number.ts';
import { LEAF_NUMBER } from '../../../../model/abi/leaf-number.ts';
import type { TDMRInfo } from '../../../../model/abi/tdmr-info.ts';
import { encodeTDMRInfo } from '../../../../model/abi/tdmr-info.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { formatU64 } from '../../../../model/abi/u64.ts';
import type { PlatformText, StepText } from '../../../transcript/module-text.ts';

/** A step that those who change a case find by its label. */
export interface DraftStep extends StepText {
  label: string;
}

/**
 * A module case being put together: the inputs of a recorded line, open to changes, without answers. `call` is the step
 * the case is about, `before` leads there; the labels are for those who change a step.
 */
export interface Draft {
  platform: PlatformText;
  before: DraftStep[];
  call: DraftStep;
}

export const hex = formatU64;

export const TDMR_BASE = 4 * GIB;
export const ARRAY = 0x101000;
export const INFO = 0x102000;
export const KEYID = 16;
export const TD_KEYID = 17;
/** Pages of the TDMR the drafts use: one for a TDR, one for a TDCX, one in the reserved area. */
export const TDR = 4 * GIB;
export const TDCX = TDMR_BASE + 0x1000;
export const RESERVED_PAGE = TDMR_BASE + 0x3ff00000;
export const KEYID_BIT = 2 ** 46;

/** Two packages of one LP; 2 GiB less a hole for SEAM, and 1 GiB at 4 GiB; 6 KeyID bits, 15 shared and 48 private KeyIDs. */
export function healthyPlatform(): PlatformText {
  return {
    maxPa: 52,
    keyidBits: 6,
    mktmeKeyids: 15,
    tdxKeyids: 48,
    lps: [
      { id: 0, pkg: 0, core: 0, thread: 0, x2apic: 0 },
      { id: 1, pkg: 1, core: 0, thread: 0, x2apic: 16 },
    ],
    cmrs: [
      { base: '0x100000', size: '0x77f00000' },
      { base: hex(TDMR_BASE), size: hex(2 * GIB) },
    ],
    seamrr: { base: '0x78000000', size: '0x8000000' },
    smrr: [{ base: '0x7f000006', mask: '0xff800000', lock: 1, valid: 1 }],
  };
}

/** One step; operands in hexadecimal by register. */
export function step(
  leaf: LeafName | number,
  operands: { readonly [register: string]: U64 } = {},
  lp = 0,
  label: string = typeof leaf === 'number' ? hex(leaf) : leaf,
): DraftStep {
  const seamcall: DraftStep['seamcall'] = { lp, rax: hex(typeof leaf === 'number' ? leaf : LEAF_NUMBER[leaf]) };
  for (const [register, value] of Object.entries(operands)) seamcall[register] = hex(value);
  return { label, seamcall };
}

/** The TDMR the drafts use: 1 GiB with its last MiB reserved, PAMTs in low memory; `index` moves both up. */
export function goodTDMR(index = 0, overrides: Partial<TDMRInfo> = {}): TDMRInfo {
  const pamt = 0x400000 + index * 0x800000;
  return {
    base: TDMR_BASE + index * GIB,
    size: GIB,
    pamt1G: { base: pamt, size: 0x1000 },
    pamt2M: { base: pamt + 0x1000, size: 0x2000 },
    pamt4K: { base: pamt + 0x3000, size: 0x400000 },
    reserved: [{ base: 0x3ff00000, size: 0x100000 }],
    ...overrides,
  };
}

/** TDH.SYS.CONFIG with the structures it reads; `tdmrs` as words, so that anything can stand in them. */
export function configStep(tdmrs: readonly (readonly U64[])[]): DraftStep {
  return {
    ...step('TDH.SYS.CONFIG', { rcx: ARRAY, rdx: tdmrs.length, r8: KEYID }),
    mem: [
      { pa: hex(ARRAY), u64: tdmrs.map((_, index) => hex(INFO + index * 512)) },
      ...tdmrs.map((words, index) => ({ pa: hex(INFO + index * 512), u64: words.map(hex) })),
    ],
  };
}

/** The way from the loaded module to a TD, one state after the other. */
const WAY = {
  INITIALISED: () => [
    step('TDH.SYS.INIT'),
    step('TDH.SYS.LP.INIT', {}, 0, 'LP.INIT 0'),
    step('TDH.SYS.LP.INIT', {}, 1, 'LP.INIT 1'),
  ],
  CONFIGURED: () => [configStep([encodeTDMRInfo(goodTDMR())])],
  READY: () => [step('TDH.SYS.KEY.CONFIG', {}, 0, 'KEY.CONFIG 0'), step('TDH.SYS.KEY.CONFIG', {}, 1, 'KEY.CONFIG 1')],
  USABLE: () => [{ ...step('TDH.SYS.TDMR.INIT', { rcx: TDMR_BASE }), repeat: 256 }],
  CREATED: () => [step('TDH.MNG.CREATE', { rcx: TDR, rdx: TD_KEYID })],
  KEYED: () => [
    step('TDH.MNG.KEY.CONFIG', { rcx: TDR }, 0, 'MNG.KEY.CONFIG 0'),
    step('TDH.MNG.KEY.CONFIG', { rcx: TDR }, 1, 'MNG.KEY.CONFIG 1'),
  ],
  BUILT: () => [step('TDH.MNG.ADDCX', { rcx: TDCX, rdx: TDR })],
  BLOCKED: () => [step('TDH.MNG.VPFLUSHDONE', { rcx: TDR })],
  FLUSHED: () => [step('TDH.PHYMEM.CACHE.WB', {}, 0, 'CACHE.WB 0'), step('TDH.PHYMEM.CACHE.WB', {}, 1, 'CACHE.WB 1')],
  TEARDOWN: () => [step('TDH.MNG.KEY.FREEID', { rcx: TDR })],
} as const satisfies Record<string, () => DraftStep[]>;

export type Milestone = keyof typeof WAY;
export const MILESTONES = Object.keys(WAY) as readonly Milestone[];

/** All steps up to and including a milestone. */
export function wayTo(milestone: Milestone): DraftStep[] {
  const steps: DraftStep[] = [];
  for (const [name, part] of Object.entries(WAY)) {
    steps.push(...part());
    if (name === milestone) break;
  }
  return steps;
}

/** A draft on the healthy platform. */
export function draft(before: DraftStep[], call: DraftStep): Draft {
  return { platform: healthyPlatform(), before, call };
}

/** Removes the steps with these labels. */
export function without(draftToChange: Draft, ...labels: string[]): void {
  draftToChange.before = draftToChange.before.filter(({ label }) => !labels.includes(label));
}

/** Keeps the steps in front of the first one with this label. */
export function cutAt(draftToChange: Draft, label: string): void {
  const index = draftToChange.before.findIndex((candidate) => candidate.label === label);
  if (index >= 0) draftToChange.before.length = index;
}
