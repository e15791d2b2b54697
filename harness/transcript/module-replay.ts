import { PAGE_4K } from '../../model/abi/page.ts';
import { copyRegisters, REGISTERS, type Registers, registers } from '../../model/abi/registers.ts';
import { LEAF_NUMBER, leafName } from '../../model/abi/leaf-number.ts';
import { STATUS } from '../../model/abi/status.ts';
import { formatU64, lowHalf } from '../../model/abi/u64.ts';
import { callModule } from '../../model/module/dispatch.ts';
import { runTDMRInit } from '../../model/module/folded.ts';
import { type ModuleOutcome, SUCCESS } from '../../model/module/outcome.ts';
import type { Release } from '../../model/module/release.ts';
import type { ModuleState } from '../../model/module/state.ts';
import { createModule, reloadModule } from '../../model/module/state.ts';
import type { Hardware } from '../../model/platform/hardware.ts';
import { readWord, writeWords } from '../../model/platform/memory.ts';
import type { Before, ModuleCase, ModuleStep, Read } from './module-case.ts';
import { readModuleCase } from './module-case.ts';
import { buildHardware } from './module-platform.ts';
import type { CaseResult, Mismatch, ReplayCase } from './replay.ts';
import { TraceFormatError } from './replay.ts';

/** How the calls of a `repeat` are made: at once where the model can, or one by one. The answers must be the same. */
export type RepeatMode = 'counted' | 'single';

export const SKIPPED_PAMT = 'contents of PAMT pages';
export const SKIPPED_TD_PAGE = 'contents of TDR and TDCX pages';

const MNG_CREATE = LEAF_NUMBER['TDH.MNG.CREATE'];
const MNG_ADDCX = LEAF_NUMBER['TDH.MNG.ADDCX'];

/** A replay against one release of the module. */
export function createModuleReplay(release: Release, mode: RepeatMode = 'counted'): ReplayCase {
  return (line) => replayModuleCase(readModuleCase(line), release, mode);
}

/** What a replay carries from step to step. */
interface Replay {
  readonly recorded: ModuleCase;
  readonly hardware: Hardware;
  module: ModuleState;
  readonly regs: Registers;
  /** The check that decided the last call. */
  reason: string;
  readonly mode: RepeatMode;
  seamcalls: number;
  skippedPAMT: number;
  skippedTDPages: number;
  /** Pages that were handed to a TD: the module has written to them since. By address. */
  readonly tdPages: Set<number>;
  readonly mismatches: Mismatch[];
}

/**
 * Replays one case from a module just loaded. Everything recorded is compared except what `skipped` counts; the first
 * step that differs ends the case, since what follows would differ for that reason.
 */
export function replayModuleCase(recorded: ModuleCase, release: Release, mode: RepeatMode = 'counted'): CaseResult {
  const replay: Replay = {
    recorded,
    hardware: buildHardware(recorded.platform),
    module: createModule(release),
    regs: registers(0),
    reason: 'never called',
    mode,
    seamcalls: 0,
    skippedPAMT: 0,
    skippedTDPages: 0,
    tdPages: new Set(),
    mismatches: [],
  };
  const { steps } = recorded;
  for (let index = 0; index < steps.length; index += 1) {
    const step = steps[index];
    if (step === undefined) break;
    replay.module = prepareStep(replay.hardware, replay.module, step.before);
    if (step.fatal) expectFatal(replay, step, index);
    else replayRuns(replay, step, index);
    if (replay.mismatches.length !== 0) break;
    for (const read of step.reads) compareMemory(replay, read, index);
    if (replay.mismatches.length !== 0) break;
  }
  const skipped: { reason: string; count: number }[] = [];
  if (replay.skippedPAMT !== 0) skipped.push({ reason: SKIPPED_PAMT, count: replay.skippedPAMT });
  if (replay.skippedTDPages !== 0) skipped.push({ reason: SKIPPED_TD_PAGE, count: replay.skippedTDPages });
  return { id: recorded.id, steps: steps.length, seamcalls: replay.seamcalls, mismatches: replay.mismatches, skipped };
}

/** What happens before a step's call: memory and hardware are changed in place; a reload makes another module. */
export function prepareStep(hardware: Hardware, module: ModuleState, before: Before | null): ModuleState {
  if (before === null) return module;
  for (const { address, words } of before.writes) writeWords(hardware.memory, address, words);
  for (const value of before.msr) hardware.msr.push(value);
  for (const value of before.cpuid) hardware.cpuid.push(value);
  if (before.seamopsCaps !== null) hardware.loader.seamopsCaps = before.seamopsCaps;
  return before.reload ? reloadModule(module, module.release) : module;
}

function expectFatal(replay: Replay, step: ModuleStep, index: number): void {
  for (let count = 0; count < step.repeat; count += 1) {
    if (call(replay, step).kind === 'fatal') return;
  }
  mismatch(replay, index, 'outcome', 'the module shuts itself down', formatU64(replay.regs.rax));
}

function replayRuns(replay: Replay, step: ModuleStep, index: number): void {
  const { runs } = step;
  for (let at = 0; at < runs.length; at += 1) {
    const run = runs[at];
    if (run === undefined) return;
    for (let done = 0; done < run.count; ) {
      // The first call of a run is made singly: RDX never falls, so the calls between two equal answers answer the same.
      const counted = done === 0 || replay.mode === 'single' ? 0 : callMany(replay, step, run.count - done);
      if (counted === 0) {
        const outcome = call(replay, step);
        if (outcome.kind !== 'answered') {
          unanswered(replay, step, index, outcome);
          return;
        }
      }
      done += counted === 0 ? 1 : counted;
      if (!isEqual(replay.regs, run.result)) {
        differ(replay, run.result, index, runs.length === 1 && run.count === 1 ? '' : `runs[${at}] call ${done}: `);
        return;
      }
    }
  }
}

function call(replay: Replay, step: ModuleStep): ModuleOutcome {
  const { regs } = replay;
  copyRegisters(regs, step.regs);
  replay.seamcalls += 1;
  const outcome = callModule(replay.module, replay.hardware, step.lp, regs, step.conditions);
  replay.reason = outcome.reason;
  noteTDPage(replay.tdPages, step.regs, regs);
  return outcome;
}

/** As many calls at once as the model can make of this step, 0 if it cannot. */
function callMany(replay: Replay, step: ModuleStep, limit: number): number {
  if (step.conditions.tdmrLocks !== 'free') return 0;
  copyRegisters(replay.regs, step.regs);
  const count = runTDMRInit(replay.module, replay.regs, limit, Number.MAX_SAFE_INTEGER);
  if (count > 0) replay.reason = SUCCESS.reason;
  replay.seamcalls += count;
  return count;
}

function isEqual(got: Registers, want: Readonly<Registers>): boolean {
  return (
    got.rax === want.rax &&
    got.rcx === want.rcx &&
    got.rdx === want.rdx &&
    got.r8 === want.r8 &&
    got.r9 === want.r9 &&
    got.r10 === want.r10 &&
    got.r11 === want.r11
  );
}

function differ(replay: Replay, want: Readonly<Registers>, index: number, prefix: string): void {
  for (const name of REGISTERS) {
    if (replay.regs[name] !== want[name])
      mismatch(replay, index, `${prefix}${name}`, formatU64(want[name]), formatU64(replay.regs[name]));
  }
}

function unanswered(replay: Replay, step: ModuleStep, index: number, outcome: ModuleOutcome): void {
  if (outcome.kind === 'unsupported') {
    const name = leafName(lowHalf(step.regs.rax) % 0x10000) ?? 'unknown';
    throw new TraceFormatError(
      `${replay.recorded.id}: steps[${index}] calls ${name}, a leaf that no module recording covers`,
    );
  }
  mismatch(replay, index, 'outcome', 'an answer', 'the module shuts itself down');
}

function compareMemory(replay: Replay, read: Read, index: number): void {
  for (let offset = 0; offset < read.words.length; offset += 1) {
    const address = read.address + offset * 8;
    if (isInPAMT(replay.module, address)) {
      replay.skippedPAMT += 1;
      continue;
    }
    if (replay.tdPages.has(address - (address % PAGE_4K))) {
      replay.skippedTDPages += 1;
      continue;
    }
    const want = read.words[offset] ?? 0;
    const got = readWord(replay.hardware.memory, address);
    if (got !== want) mismatch(replay, index, `memory ${formatU64(address)}`, formatU64(want), formatU64(got));
  }
}

/** True for an address within some TDMR's PAMT: the model keeps what stands there abstractly. */
export function isInPAMT(module: ModuleState, address: number): boolean {
  for (const { pamt1G, pamt2M, pamt4K } of module.tdmrs) {
    for (const { base, size } of [pamt1G, pamt2M, pamt4K]) if (address >= base && address < base + size) return true;
  }
  return false;
}

/**
 * Notes a page that the call just made (`entry` to `regs`) turned into a TDR or TDCX, or that it filled as a TDCX before
 * it failed without entropy; a TDR without entropy is just zeroed.
 */
export function noteTDPage(tdPages: Set<number>, entry: Readonly<Registers>, regs: Readonly<Registers>): void {
  if (entry.rax !== MNG_CREATE && entry.rax !== MNG_ADDCX) return;
  const inVain = entry.rax === MNG_ADDCX && regs.rax === STATUS.TDX_RND_NO_ENTROPY;
  if ((regs.rax === 0 || inVain) && typeof entry.rcx === 'number') tdPages.add(entry.rcx);
}

function mismatch(replay: Replay, step: number, what: string, expected: string, got: string): void {
  replay.mismatches.push({ id: replay.recorded.id, step, what, expected, got, reason: replay.reason });
}
