import type { Registers } from '../../../../model/abi/registers.ts';
import { formatU64 } from '../../../../model/abi/u64.ts';
import { callModule } from '../../../../model/module/dispatch.ts';
import type { Release } from '../../../../model/module/release.ts';
import type { ModuleState } from '../../../../model/module/state.ts';
import { createModule } from '../../../../model/module/state.ts';
import type { Hardware } from '../../../../model/platform/hardware.ts';
import { readWord } from '../../../../model/platform/memory.ts';
import type { ModuleStep } from '../../../transcript/module-case.ts';
import { readModuleCase } from '../../../transcript/module-case.ts';
import { buildHardware } from '../../../transcript/module-platform.ts';
import { prepareStep } from '../../../transcript/module-replay.ts';
import { answerText, type PlatformText, type RegisterText, type StepText } from '../../../transcript/module-text.ts';
import type { Draft, DraftStep } from './draft.ts';

/** A line as recordings have it, answers included. */
export interface RecordedLine {
  readonly id: string;
  readonly platform: PlatformText;
  readonly steps: readonly RecordedStep[];
}

export type RecordedStep = StepText & {
  readonly result?: RegisterText;
  readonly runs?: readonly { n: number; result: RegisterText }[];
  readonly resultMem?: readonly (readonly string[])[];
  readonly fatal?: string;
};

/** What a draft came to: the line, and how the call it is about ended. */
export interface Recording {
  readonly line: RecordedLine;
  /** Registers after the last step; `null` if the module shut itself down. */
  readonly last: Readonly<Registers> | null;
  readonly module: ModuleState;
}

const UNANSWERED = { rax: '0x0' };

/** Plays a draft on the model and writes down what it answers, in the shape of a recording. */
export function recordDraft(id: string, { platform, before, call }: Draft, release: Release): Recording {
  const drafts = [...before, call];
  const { platform: seed, steps } = readModuleCase({ id, platform, steps: drafts.map(asUnanswered) });
  const hardware = buildHardware(seed);
  let module = createModule(release);
  const recorded: RecordedStep[] = [];
  let last: Readonly<Registers> | null = null;
  for (const [index, parsed] of steps.entries()) {
    const { label: _label, ...inputs } = drafts[index] as DraftStep;
    module = prepareStep(hardware, module, parsed.before);
    const answers = makeCalls(module, hardware, parsed);
    last = answers.at(-1)?.result ?? null;
    if (last === null) {
      recorded.push({ ...inputs, fatal: 'ud2' });
      break;
    }
    recorded.push({ ...inputs, ...asResult(answers, inputs), ...readMemory(hardware, inputs) });
  }
  return { line: { id, platform, steps: recorded }, last, module };
}

function asUnanswered({ label: _label, ...inputs }: DraftStep): object {
  const { repeat, read } = inputs;
  return {
    ...inputs,
    ...(repeat === undefined ? { result: UNANSWERED } : { runs: [{ n: repeat, result: UNANSWERED }] }),
    ...(read !== undefined && { resultMem: read.map(({ u64 }) => new Array<string>(u64).fill('0x0')) }),
  };
}

interface Answer {
  count: number;
  /** `null`: the module shut itself down. */
  readonly result: Readonly<Registers> | null;
}

/** Every call of the step, equal answers in a row counted. */
function makeCalls(
  module: ModuleState,
  hardware: Hardware,
  { lp, regs: entry, repeat, conditions }: ModuleStep,
): Answer[] {
  const answers: Answer[] = [];
  let text = '';
  for (let made = 0; made < repeat; made += 1) {
    const regs = { ...entry };
    const outcome = callModule(module, hardware, lp, regs, conditions);
    if (outcome.kind === 'fatal') return [...answers, { count: 1, result: null }];
    if (outcome.kind === 'unsupported')
      throw new Error(`a draft calls a leaf the model does not have: ${formatU64(entry.rax)}`);
    const answer = JSON.stringify(answerText(regs));
    const previous = answers.at(-1);
    if (previous !== undefined && answer === text) previous.count += 1;
    else answers.push({ count: 1, result: regs });
    text = answer;
  }
  return answers;
}

function asResult(answers: readonly Answer[], { repeat }: StepText): Partial<RecordedStep> {
  const results = answers.flatMap(({ count, result }) =>
    result === null ? [] : [{ n: count, result: answerText(result) }],
  );
  const first = results[0];
  if (repeat !== undefined) return { runs: results };
  return first === undefined ? {} : { result: first.result };
}

function readMemory(hardware: Hardware, { read }: StepText): Partial<RecordedStep> {
  if (read === undefined) return {};
  return {
    resultMem: read.map(({ pa, u64 }) =>
      Array.from({ length: u64 }, (_, index) => formatU64(readWord(hardware.memory, Number(pa) + index * 8))),
    ),
  };
}
