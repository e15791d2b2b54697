import { PAGE_4K } from '../../../model/abi/page.ts';
import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { OUTPUT_REGISTERS } from '../../../model/abi/registers.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import { callModule } from '../../../model/module/dispatch.ts';
import { runTDMRInit } from '../../../model/module/folded.ts';
import type { Release } from '../../../model/module/release.ts';
import { createModule } from '../../../model/module/state.ts';
import type { ModuleState } from '../../../model/module/state.ts';
import type { Hardware } from '../../../model/platform/hardware.ts';
import { readWord } from '../../../model/platform/memory.ts';
import { answerText, type RegisterText } from '../../transcript/module-text.ts';
import type { ModuleStep } from '../../transcript/module-case.ts';
import { readModuleInputs } from '../../transcript/module-case.ts';
import { buildHardware } from '../../transcript/module-platform.ts';
import { isInPAMT, noteTDPage, prepareStep } from '../../transcript/module-replay.ts';
import type { AnswerRun, CaseAnswer, ModuleCaseText, StepAnswer } from '../protocol/messages.ts';
import { stateText } from './state-text.ts';

const TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];

/**
 * The model's own answers to a case, from a module just loaded. Words the model keeps abstractly (PAMT, TDR, TDCX) are
 * `null`. Throws TraceFormatError for a case that is not of the recorded shape.
 */
export function playModuleCase(question: ModuleCaseText, release: Release, withState: boolean): CaseAnswer {
  const { id, platform, steps } = readModuleInputs(question);
  const hardware = buildHardware(platform);
  const tdPages = new Set<number>();
  let module = createModule(release);
  const answers: StepAnswer[] = [];
  for (const step of steps) {
    module = prepareStep(hardware, module, step.before);
    const runs: AnswerRun[] = [];
    const end = makeCalls(module, hardware, step, runs, tdPages);
    if (end !== null) {
      answers.push(end);
      break;
    }
    const [first] = runs;
    answers.push({
      ...(step.repeat === 1 && first !== undefined ? { result: first.result } : { runs }),
      ...(step.reads.length !== 0 && {
        resultMem: step.reads.map((read) => readBack(module, hardware, tdPages, read)),
      }),
      ...(withState && { state: stateText(module) }),
    });
  }
  return { case: id, outcome: 'observed', steps: answers };
}

/** All calls of a step, run-length coded into `runs`; the answer that ends the case, if one does. */
function makeCalls(
  module: ModuleState,
  hardware: Hardware,
  { lp, regs: entry, repeat, conditions }: ModuleStep,
  runs: AnswerRun[],
  tdPages: Set<number>,
): StepAnswer | null {
  for (let made = 0; made < repeat; ) {
    const regs = { ...entry };
    const before = runs.at(-1);
    // The first call is made singly: RDX never falls, so calls between two equal answers answer the same.
    const counted =
      before === undefined || entry.rax !== TDMR_INIT || conditions.tdmrLocks !== 'free'
        ? 0
        : runTDMRInit(module, regs, repeat - made, Number(before.result['rdx'] ?? 0) + 1);
    if (counted === 0) {
      const outcome = callModule(module, hardware, lp, regs, conditions);
      if (outcome.kind === 'fatal') return { fatal: outcome.reason };
      if (outcome.kind === 'unsupported') return { unsupported: outcome.reason };
      noteTDPage(tdPages, entry, regs);
    }
    const result = answerText(regs);
    if (counted > 1 && before !== undefined) append(runs, counted - 1, before.result);
    append(runs, 1, result);
    made += counted === 0 ? 1 : counted;
  }
  return null;
}

function append(runs: AnswerRun[], count: number, result: RegisterText): void {
  const last = runs.at(-1);
  if (last !== undefined && isSame(last.result, result)) runs[runs.length - 1] = { n: last.n + count, result };
  else runs.push({ n: count, result });
}

function isSame(a: RegisterText, b: RegisterText): boolean {
  return a['rax'] === b['rax'] && OUTPUT_REGISTERS.every((name) => a[name] === b[name]);
}

function readBack(
  module: ModuleState,
  hardware: Hardware,
  tdPages: ReadonlySet<number>,
  { address, words }: { readonly address: number; readonly words: readonly unknown[] },
): (string | null)[] {
  return words.map((_, index) => {
    const at = address + index * 8;
    if (isInPAMT(module, at) || tdPages.has(at - (at % PAGE_4K))) return null;
    return formatU64(readWord(hardware.memory, at));
  });
}
