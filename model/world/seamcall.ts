import { GIB } from '../abi/size.ts';
import { PAGE_4K, PAMT_ENTRY_SIZE } from '../abi/page.ts';
import { isAligned } from '../abi/align.ts';
import { CMR_INFO_SIZE } from '../abi/cmr-info.ts';
import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import type { Registers } from '../abi/registers.ts';
import { isSame, isZero, lowHalf, type U64 } from '../abi/u64.ts';
import type { Trap } from '../kernel/port.ts';
import {
  CONDITION_NAMES,
  type Condition,
  type Conditions,
  NO_CONDITIONS,
  withCondition,
} from '../module/conditions.ts';
import { callModule } from '../module/dispatch.ts';
import { runSysRD, runTDMRInit } from '../module/folded.ts';
import { modelledLeaf } from '../module/leaves/index.ts';
import { death, die, SUCCESS } from '../module/outcome.ts';
import type { ModuleState } from '../module/state.ts';
import { writeWord } from '../platform/memory.ts';
import { callSEAMLDR } from '../seamldr/dispatch.ts';
import { enterSEAM } from '../seamldr/enter-seam.ts';
import { alwaysLeavesTrace, leavesTraceWhenRefused } from './refusal.ts';
import type { SeamcallEntry } from './trace.ts';
import { isSameSnapshot, takeSnapshot } from './snapshot.ts';
import { modulePhase, type PendingCondition, type World } from './world.ts';

const TDH_SYS_INFO = LEAF_NUMBER['TDH.SYS.INFO'];
const TDH_SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];
const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];
const POISONED = death('its PAMT entry was overwritten by the host: poison (inferred)');
/** No TDMR needs more calls: 2^52 bytes at 4 MiB each, and one that says so. */
const CALLS_MAX = 2 ** 31;

/** The conditions that name no page, made once. */
const CONDITIONS: ReadonlyMap<string, Conditions> = new Map(
  CONDITION_NAMES.map((name) => [name, withCondition(NO_CONDITIONS, name, 0) ?? NO_CONDITIONS]),
);

/**
 * One SEAMCALL on an LP, from the instruction to its end; registers are changed in place unless it trapped, and the
 * call is entered in the trace. A call that makes the module shut itself down ends as VMfailInvalid, as every later
 * one does (inferred: what the LP itself does then is outside the module).
 */
export function performSeamcall(world: World, lp: number, regs: Registers, raw: boolean): Trap {
  const leaf = regs.rax;
  const { rcx: inRCX, rdx: inRDX, r8: inR8 } = regs;
  const before = modulePhase(world);
  let trap: Trap = 'none';
  let condition: Condition | null = null;
  let changed = false;
  let reason = '';
  const entered = enterSEAM(world.hardware, world.seamldr, world.module.phase === 'DEAD', lp, leaf);
  if (entered === 'seamldr') {
    callSEAMLDR(world.seamldr, world.hardware, lp, regs);
  } else if (entered === 'module') {
    condition = takeCondition(world, leaf);
    // The kernel's own calls are many and alike: those made raw, or under a condition, are the ones to watch.
    const watches = world.watchRefusals && (raw || condition !== null) && !alwaysLeavesTrace(leaf);
    const untouched = watches ? takeSnapshot(world) : null;
    const outcome =
      world.lostPAMT.length > 0 && readsLostPAMT(world, regs)
        ? die(world.module, POISONED)
        : callModule(world.module, world.hardware, lp, regs, conditionsFor(condition, inRCX), !raw);
    ({ reason } = outcome);
    if (outcome.kind === 'fatal') {
      trap = 'vmfail';
      restore(regs, leaf, inRCX, inRDX, inR8);
    } else if (untouched !== null && !isZero(regs.rax) && !leavesTraceWhenRefused(leaf, regs.rax))
      changed = !isSameSnapshot(untouched, takeSnapshot(world));
  } else trap = entered;
  if (world.faults.cmrEntries.length > 0 && leaf === TDH_SYS_INFO && !raw && trap === 'none' && isZero(regs.rax))
    corruptCMRs(world, inR8);
  const { trace } = world;
  const last = trace.length - 1;
  const previous = last >= world.foldFrom && !raw ? trace[last] : undefined;
  // Equal calls in a row, answered alike, are one entry.
  const folds =
    previous?.kind === 'seamcall' &&
    !previous.raw &&
    previous.lp === lp &&
    previous.trap === trap &&
    previous.condition === condition &&
    isSame(previous.rax, regs.rax) &&
    hasInputs(previous, leaf, inRCX, inRDX, inR8);
  const entry = {
    kind: 'seamcall' as const,
    lp,
    raw,
    leaf,
    inRCX,
    inRDX,
    inR8,
    trap,
    rax: regs.rax,
    rcx: regs.rcx,
    rdx: regs.rdx,
    r8: regs.r8,
    r9: regs.r9,
    calls: folds ? previous.calls + 1 : 1,
    fields: null,
    condition,
    before: folds ? previous.before : before,
    after: modulePhase(world),
    changed,
    reason,
  };
  if (folds) trace[last] = entry;
  else trace.push(entry);
  return trap;
}

function hasInputs(entry: SeamcallEntry, leaf: U64, rcx: U64, rdx: U64, r8: U64): boolean {
  return isSame(entry.leaf, leaf) && isSame(entry.inRCX, rcx) && isSame(entry.inRDX, rdx) && isSame(entry.inR8, r8);
}

/**
 * TDH.SYS.TDMR.INIT on one TDMR until it is done, refused or trapped, as one entry of the trace: what the kernel's loop
 * does. Calls that meet a condition are made one by one, the rest in one go.
 */
export function performTDMRInitLoop(
  world: World,
  lp: number,
  regs: Registers,
  base: number,
  end: number,
): Trap | 'hang' {
  for (let calls = 0; calls < CALLS_MAX; ) {
    regs.rax = TDH_SYS_TDMR_INIT;
    regs.rcx = base;
    regs.rdx = 0;
    regs.r8 = 0;
    const before = modulePhase(world);
    const reaches = enterSEAM(world.hardware, world.seamldr, before === 'DEAD', lp, TDH_SYS_TDMR_INIT) === 'module';
    const made =
      reaches && !awaitsCondition(world, TDH_SYS_TDMR_INIT) ? runTDMRInit(world.module, regs, CALLS_MAX, end) : 0;
    if (made === 0) {
      const trap = performSeamcall(world, lp, regs, false);
      calls += 1;
      if (trap !== 'none' || !isZero(regs.rax)) return trap;
    } else {
      calls += made;
      world.trace.push({
        kind: 'seamcall',
        lp,
        raw: false,
        leaf: TDH_SYS_TDMR_INIT,
        inRCX: base,
        inRDX: 0,
        inR8: 0,
        trap: 'none',
        rax: regs.rax,
        rcx: regs.rcx,
        rdx: regs.rdx,
        r8: regs.r8,
        r9: regs.r9,
        calls: made,
        fields: null,
        condition: null,
        before,
        after: modulePhase(world),
        changed: false,
        reason: SUCCESS.reason,
      });
    }
    if (typeof regs.rdx === 'bigint' || regs.rdx >= end) return 'none';
  }
  return 'hang';
}

/**
 * TDH.SYS.RD of fields number `values.length` to `count` - 1, as far as one after another succeeds and no condition waits
 * for them, as one entry of the trace. R8 of each is added to `values`.
 */
export function performMetadataRun(
  world: World,
  lp: number,
  fields: readonly U64[],
  count: number,
  values: U64[],
): void {
  const before = modulePhase(world);
  if (enterSEAM(world.hardware, world.seamldr, before === 'DEAD', lp, TDH_SYS_RD) !== 'module') return;
  if (awaitsCondition(world, TDH_SYS_RD)) return;
  const first = values.length;
  const rdx = runSysRD(world.module, world.hardware, lp, fields, count, values);
  const calls = values.length - first;
  if (calls === 0) return;
  world.trace.push({
    kind: 'seamcall',
    lp,
    raw: false,
    leaf: TDH_SYS_RD,
    inRCX: 0,
    inRDX: fields[first] ?? 0,
    inR8: 0,
    trap: 'none',
    rax: 0,
    rcx: 0,
    rdx,
    r8: values[values.length - 1] ?? 0,
    r9: 0,
    calls,
    fields: first === 0 ? fields : fields.slice(first),
    condition: null,
    before,
    after: before,
    changed: false,
    reason: SUCCESS.reason,
  });
}

/** True if the module would read the PAMT entry of a page from memory that the host has overwritten. */
function readsLostPAMT({ module, lostPAMT }: World, { rax, rcx, rdx }: Registers): boolean {
  const leaf = module.phase === 'READY' && typeof rax === 'number' ? modelledLeaf(rax) : undefined;
  if (leaf === undefined) return false;
  for (const operand of leaf.readsPAMTOf) {
    const page = operand === 'rcx' ? rcx : rdx;
    if (typeof page !== 'number' || !isAligned(page, PAGE_4K)) continue;
    const entry = pamtEntry(module, page);
    if (entry === -1) continue;
    for (const lost of lostPAMT) if (entry >= lost.base && entry < lost.base + lost.size) return true;
  }
  return false;
}

/** Where the 4 KiB PAMT entry of a page lies; -1 if the module does not read it, as it refuses the page before. */
function pamtEntry({ tdmrs }: ModuleState, page: number): number {
  for (const { base, size, initialised, pamt4K } of tdmrs) {
    const offset = page - base;
    // Pages of a 1 GiB block that is not initialised are refused before their entry is read.
    if (offset < 0 || offset >= size || offset >= initialised - (initialised % GIB)) continue;
    return pamt4K.base + (offset / PAGE_4K) * PAMT_ENTRY_SIZE;
  }
  return -1;
}

/** Overwrites entries of the CMR buffer at `buffer` that the module has just filled. */
function corruptCMRs(world: World, buffer: U64): void {
  if (typeof buffer === 'bigint') return;
  const { memory } = world.hardware;
  for (const broken of world.faults.cmrEntries) {
    writeWord(memory, buffer + CMR_INFO_SIZE * broken.entry, broken.base);
    writeWord(memory, buffer + CMR_INFO_SIZE * broken.entry + 8, broken.size);
    world.brokenCMREntries.push(broken);
  }
  world.faults.cmrEntries.length = 0;
}

function restore(regs: Registers, rax: U64, rcx: U64, rdx: U64, r8: U64): void {
  regs.rax = rax;
  regs.rcx = rcx;
  regs.rdx = rdx;
  regs.r8 = r8;
}

function matches(pending: PendingCondition, leaf: number): boolean {
  return pending.leaf === null || pending.leaf === leaf;
}

/** True if a call of this leaf would meet a condition that waits for it. */
export function awaitsCondition(world: World, leaf: number): boolean {
  for (const pending of world.faults.conditions) if (matches(pending, leaf)) return true;
  return false;
}

/** The oldest condition that waits for this leaf, used up once. */
function takeCondition(world: World, rax: U64): Condition | null {
  const { conditions } = world.faults;
  if (conditions.length === 0) return null;
  const leaf = lowHalf(rax) & 0xffff;
  for (let at = 0; at < conditions.length; at += 1) {
    const candidate = conditions[at] as PendingCondition;
    if (!matches(candidate, leaf)) continue;
    candidate.left -= 1;
    if (candidate.left <= 0) conditions.splice(at, 1);
    return candidate.condition;
  }
  return null;
}

function conditionsFor(condition: Condition | null, rcx: U64): Conditions {
  if (condition === null) return NO_CONDITIONS;
  if (condition === 'pamt-lock-busy' || condition === 'pamt-lock-shared') {
    const page = typeof rcx === 'number' ? rcx - (rcx % PAGE_4K) : 0;
    return withCondition(NO_CONDITIONS, condition, page) ?? NO_CONDITIONS;
  }
  return CONDITIONS.get(condition) ?? NO_CONDITIONS;
}
