import { OUTPUT_REGISTERS } from '../../../model/abi/registers.ts';
import type { RegisterText } from '../../transcript/module-text.ts';
import type { AnswerRun, CaseAnswer, StepAnswer } from '../protocol/messages.ts';

/** How closely answers are compared; each level contains the ones before it. `registers`: and memory read back. */
export const LEVELS = ['class', 'status', 'details', 'registers', 'state'] as const;
export type Level = (typeof LEVELS)[number];

/** What it was that differed. `outcome`: an answer where the module shuts itself down, or the other way round. */
export type DifferenceKind = 'outcome' | 'class' | 'status' | 'details' | 'register' | 'memory' | 'state';

export interface AnswerDifference {
  readonly step: number;
  readonly kind: DifferenceKind;
  /** `rax`, `rdx`, `resultMem[0][3]`, `state.phase`, with the call of a repeat where it is not the first. */
  readonly what: string;
  readonly expected: string;
  readonly got: string;
}

/** Why nothing could be said from some step on (-1: of the whole case). Never a difference. */
export interface Unobserved {
  readonly step: number;
  readonly outcome: 'unsupported' | 'skipped' | 'errored';
  readonly reason: string;
  readonly link: string | null;
}

export interface Comparison {
  readonly difference: AnswerDifference | null;
  readonly unobserved: Unobserved | null;
  /** Steps that were compared and agree. */
  readonly agreed: number;
}

/** Compares an answer with the expected one, step by step, up to the first difference. */
export function compareAnswers(expected: CaseAnswer, got: CaseAnswer, level: Level): Comparison {
  if (got.outcome !== 'observed') {
    const reason = got.outcome === 'errored' ? got.message : got.reason;
    const link = got.outcome === 'errored' ? null : (got.link ?? null);
    return { difference: null, unobserved: { step: -1, outcome: got.outcome, reason, link }, agreed: 0 };
  }
  const steps = expected.outcome === 'observed' ? expected.steps : [];
  for (const [index, want] of steps.entries()) {
    // A leaf that the model does not have: nothing is known of it or of what follows.
    if (want.unsupported !== undefined) return { difference: null, unobserved: null, agreed: index };
    const answer = got.steps[index];
    const unobserved = answer === undefined ? null : unobservedStep(answer, index);
    if (unobserved !== null) return { difference: null, unobserved, agreed: index };
    const difference = compareStep(want, answer ?? {}, level);
    if (difference !== null) return { difference: { step: index, ...difference }, unobserved: null, agreed: index };
  }
  if (got.steps.length > steps.length) {
    const [step, what] = [steps.length, 'steps'];
    const difference = {
      step,
      kind: 'outcome' as const,
      what,
      expected: `${step} steps`,
      got: `${got.steps.length} steps`,
    };
    return { difference, unobserved: null, agreed: step };
  }
  return { difference: null, unobserved: null, agreed: steps.length };
}

function unobservedStep({ unsupported, skipped, errored, link }: StepAnswer, step: number): Unobserved | null {
  const [outcome, reason] =
    unsupported !== undefined
      ? (['unsupported', unsupported] as const)
      : skipped !== undefined
        ? (['skipped', skipped] as const)
        : errored !== undefined
          ? (['errored', errored] as const)
          : [null, ''];
  return outcome === null ? null : { step, outcome, reason, link: link ?? null };
}

type Found = Omit<AnswerDifference, 'step'>;

function compareStep(want: StepAnswer, got: StepAnswer, level: Level): Found | null {
  const [wanted, came] = [ending(want), ending(got)];
  if (wanted !== came) return { kind: 'outcome', what: 'outcome', expected: wanted, got: came };
  if (want.fatal !== undefined) return null;
  const difference = compareRuns(want, got, level);
  if (difference !== null || level === 'class' || level === 'status' || level === 'details') return difference;
  return compareMemory(want, got) ?? (level === 'state' ? compareState(want, got) : null);
}

function ending({ fatal, result, runs }: StepAnswer): string {
  if (fatal !== undefined) return 'the end of the module';
  return result === undefined && runs === undefined ? 'no answer' : 'an answer';
}

/** Both answers call by call, whatever runs they are coded in. */
function compareRuns(want: StepAnswer, got: StepAnswer, level: Level): Found | null {
  const [a, b] = [runsOf(want), runsOf(got)];
  let [ia, ib, usedA, usedB, call] = [0, 0, 0, 0, 1];
  for (;;) {
    const [runA, runB] = [a[ia], b[ib]];
    if (runA === undefined && runB === undefined) return null;
    if (runA === undefined || runB === undefined) {
      const [expected, came] = [countOf(a), countOf(b)];
      return { kind: 'outcome', what: 'number of answers', expected: `${expected}`, got: `${came}` };
    }
    const difference = compareRegisters(runA.result, runB.result, level);
    if (difference !== null)
      return call === 1 ? difference : { ...difference, what: `call ${call}: ${difference.what}` };
    const [leftA, leftB] = [runA.n - usedA, runB.n - usedB];
    const step = leftA < leftB ? leftA : leftB;
    call += step;
    usedA = leftA === step ? 0 : usedA + step;
    usedB = leftB === step ? 0 : usedB + step;
    if (usedA === 0) ia += 1;
    if (usedB === 0) ib += 1;
  }
}

function runsOf({ runs, result }: StepAnswer): readonly AnswerRun[] {
  return runs ?? (result === undefined ? [] : [{ n: 1, result }]);
}

function countOf(runs: readonly AnswerRun[]): number {
  return runs.reduce((sum, { n }) => sum + n, 0);
}

/** Hexadecimal digits of RAX that make up its status: bits 63:32. */
const STATUS_DIGITS = 8;

function compareRegisters(want: RegisterText, got: RegisterText, level: Level): Found | null {
  const [expected, came] = [want['rax'] ?? '0x0', got['rax'] ?? '0x0'];
  if (expected !== came) {
    const [a, b] = [digits(expected), digits(came)];
    const kind =
      classOf(a) !== classOf(b)
        ? 'class'
        : a.slice(0, STATUS_DIGITS) !== b.slice(0, STATUS_DIGITS)
          ? 'status'
          : 'details';
    if (LEVELS.indexOf(kind) <= LEVELS.indexOf(level)) return { kind, what: 'rax', expected, got: came };
  }
  if (level !== 'registers' && level !== 'state') return null;
  for (const what of OUTPUT_REGISTERS) {
    const [a, b] = [want[what] ?? '0x0', got[what] ?? '0x0'];
    if (a !== b) return { kind: 'register', what, expected: a, got: b };
  }
  return null;
}

function digits(text: string): string {
  return text.slice(2).padStart(16, '0');
}

/** Error, recoverability and class: bits 63:60 and 47:40. */
function classOf(rax: string): string {
  return `${rax.slice(0, 1)}${rax.slice(4, 6)}`;
}

function compareMemory({ resultMem: want = [] }: StepAnswer, { resultMem: got = [] }: StepAnswer): Found | null {
  for (const [index, words] of want.entries()) {
    for (const [at, word] of words.entries()) {
      const came = got[index]?.[at];
      if (word === null || word === came) continue;
      return { kind: 'memory', what: `resultMem[${index}][${at}]`, expected: word, got: came ?? 'nothing' };
    }
  }
  return null;
}

function compareState({ state: want }: StepAnswer, { state: got }: StepAnswer): Found | null {
  if (want === undefined) return null;
  for (const part of ['phase', 'lps', 'tdmrs', 'keyids'] as const) {
    const [expected, came] = [canonical(want[part]), canonical(got?.[part])];
    if (expected !== came) return { kind: 'state', what: `state.${part}`, expected, got: came };
  }
  return null;
}

/** JSON with the members of objects in the order of their names. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    ) ?? 'nothing'
  );
}
