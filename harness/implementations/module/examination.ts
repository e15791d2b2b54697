import type { Release } from '../../../model/module/release.ts';
import type { CaseAnswer, ModuleCaseText } from '../protocol/messages.ts';
import type { Level } from './compare-answers.ts';
import type { DefectName } from './defect.ts';
import type { Judgement, Problem } from './judge-answer.ts';
import { prepare } from './prepare.ts';
import type { ImplementationReport, ModuleFinding, RequirementResult } from './report.ts';
import { requirementsOf } from './requirement.ts';
import type { Observation, Prepared, Runner } from './runner.ts';

export interface ConformOptions {
  readonly release: Release;
  readonly level: Level;
  /** The conformance suite, in the shape of recordings. */
  readonly suite: readonly ModuleCaseText[];
  readonly seed: string;
  /** Generated cases: so many, or until `now()` (ms) passes so many seconds. */
  readonly budget: { readonly runs: number } | { readonly seconds: number };
  readonly now: () => number;
  readonly interrupted: () => boolean;
  readonly bail: boolean;
  readonly tell: (text: string) => void;
}

/** Everything that is known of one implementation while its answers are compared. */
export interface Examination extends ConformOptions {
  readonly name: string;
  readonly runner: Runner;
  /** By bucket. */
  readonly findings: Map<string, ModuleFinding>;
  readonly requirements: Map<string, RequirementResult>;
  /** Findings by the bucket of the problem that led to them: chance and leaks show in many. */
  readonly led: Map<string, ModuleFinding>;
  /** RAX of leaves that the implementation does not survive: cases that call them are left out from then on. */
  readonly deadly: Set<string>;
  /** Why cases were not observed, by outcome and reason. */
  readonly notes: Map<string, Note>;
  readonly counts: Counts;
  /** The cases asked last, the latest one at the end. */
  readonly recent: Prepared[];
  /** What was observed last of each case of the suite, or of the current chunk. */
  readonly answers: Map<Prepared, Observation>;
  diagnoses: number;
  /** Differences that a leak of state explains. */
  attributed: number;
  /** Findings that are differences in an answer, and neither manners nor chance. */
  genuine: number;
  /** No further case is asked. */
  over: boolean;
}

type Note = { -readonly [key in keyof Unobserved]: Unobserved[key] };
type Unobserved = ImplementationReport['unobserved'][number];
type Counts = { -readonly [key in keyof ImplementationReport['counts']]: number };

export function openExamination(name: string, runner: Runner, options: ConformOptions): Examination {
  return {
    ...options,
    level: options.level === 'state' && !runner.capabilities.state ? 'registers' : options.level,
    name,
    runner,
    findings: new Map(),
    requirements: new Map(),
    led: new Map(),
    deadly: new Set(),
    notes: new Map(),
    counts: {
      suite: 0,
      generated: 0,
      steps: 0,
      agreed: 0,
      observed: 0,
      unsupported: 0,
      skipped: 0,
      errored: 0,
      leftOut: 0,
    },
    recent: [],
    answers: new Map(),
    diagnoses: 0,
    attributed: 0,
    genuine: 0,
    over: false,
  };
}

export function preparedFor({ release, level }: Examination, line: ModuleCaseText): Prepared {
  return prepare(line, release, level);
}

/** Counts a judgement, and why a case was not observed. */
export function countJudgement({ counts, notes }: Examination, { agreed, unobserved }: Judgement): void {
  counts.agreed += agreed;
  if (unobserved === null) {
    counts.observed += 1;
    return;
  }
  const { outcome, reason, link } = unobserved;
  counts[outcome] += 1;
  const key = `${outcome}|${reason}`;
  const seen = notes.get(key);
  if (seen === undefined) notes.set(key, { outcome, reason, link, count: 1 });
  else seen.count += 1;
}

/** A finding about to be kept: its bucket and the case that shows it. */
export interface Exhibit {
  readonly bucket: string;
  readonly verdict: DefectName;
  readonly message: string;
  readonly stderr: string;
  readonly one: Prepared;
  /** `null`: the finding is not about an answer, and its case was not made smaller. */
  readonly smallest: Smallest | null;
}

export interface Smallest {
  readonly one: Prepared;
  readonly problem: Problem;
  readonly minimal: boolean;
}

export function keepFinding(examination: Examination, exhibit: Exhibit): ModuleFinding {
  const { bucket, verdict, message, stderr, one, smallest } = exhibit;
  const { question, expected } = one;
  const difference = smallest?.problem.difference ?? null;
  const keys = requirementsOf(question, expected);
  const requirement = difference === null ? null : (keys[difference.step]?.[0] ?? null);
  const finding: ModuleFinding = {
    bucket,
    verdict,
    requirement,
    message,
    difference,
    minimal: smallest?.minimal ?? false,
    case: answered(question, expected),
    hits: 1,
    stderr,
  };
  examination.findings.set(bucket, finding);
  examination.tell(`${examination.name}: found ${verdict}${requirement === null ? '' : `, ${requirement}`}\n`);
  if (examination.bail) examination.over = true;
  return finding;
}

/** The case in the shape of a recording: questions and expected answers side by side. */
function answered({ id, platform, steps }: ModuleCaseText, expected: CaseAnswer): ModuleFinding['case'] {
  const answers = expected.outcome === 'observed' ? expected.steps : [];
  return { id, platform, steps: steps.map((step, index) => ({ ...step, ...answers[index] })) };
}

/** A failed requirement stays failed, one that held somewhere holds; one that no case reached is untested. */
const RANK: readonly RequirementResult['result'][] = ['untested', 'unsupported', 'pass', 'fail'];

/** Enters a case of the suite under every requirement that its steps are about. */
export function keepRequirements(
  { requirements }: Examination,
  { question, expected }: Prepared,
  judgement: Judgement,
  observation: Observation,
): void {
  const byStep = requirementsOf(question, expected);
  // A case that was not survived is held against what it is about: its last step.
  const last = observation.kind === 'failed' ? byStep.length - 1 : -1;
  for (const [index, keys] of byStep.entries()) {
    const result = resultOfStep(index, judgement, last);
    for (const key of keys) {
      const before = requirements.get(key);
      if (before !== undefined && RANK.indexOf(before.result) >= RANK.indexOf(result)) continue;
      const bucket = result === 'fail' ? (judgement.problem?.bucket ?? null) : null;
      requirements.set(key, { result, case: question.id, bucket });
    }
  }
}

/** `last`: the step that the implementation did not survive, or -1. */
function resultOfStep(
  index: number,
  { problem, unobserved, agreed }: Judgement,
  last: number,
): RequirementResult['result'] {
  // A refused step is unsupported, promised or not: no run showed it fail.
  const wrong = unobserved === null ? (problem?.difference?.step ?? last) : -1;
  if (index === wrong) return 'fail';
  if (index < agreed) return 'pass';
  if (unobserved === null || index < unobserved.step || unobserved.outcome === 'errored') return 'untested';
  return 'unsupported';
}

export function reportOf(examination: Examination): ImplementationReport {
  const { name, runner, level, counts, requirements, findings, notes } = examination;
  return {
    name,
    identity: runner.identity,
    capabilities: runner.capabilities,
    level,
    exhausted: runner.exhausted(),
    refusal: runner.refusal,
    counts,
    requirements: Object.fromEntries([...requirements].sort(([a], [b]) => (a < b ? -1 : 1))),
    findings: [...findings.values()].sort((a, b) => urgency(a) - urgency(b)),
    unobserved: [...notes.values()],
  };
}

/** What is to be looked at first: what concerns more than an answer, then by the length of the case. */
function urgency({ difference, case: { steps } }: ModuleFinding): number {
  return difference === null ? 0 : steps.length;
}
