import { counted } from '../../text.ts';
import type { ModuleLine } from './suite/generate-module-case.ts';
import { leafOf } from './suite/reach.ts';
import { parseU64 } from '../../../model/abi/u64.ts';
import { generateModuleCase } from './suite/generate-module-case.ts';
import type { Release } from '../../../model/module/release.ts';
import type { Level } from './compare-answers.ts';
import { diagnose } from './diagnose.ts';
import { judgeObservation, type Judgement, type Problem } from './judge-answer.ts';
import type { CaseAnswer, ModuleCaseText } from '../protocol/messages.ts';
import { prepare } from './prepare.ts';
import type { ModuleFinding, ImplementationReport, RequirementResult } from './report.ts';
import { requirementsOf } from './requirement.ts';
import type { Observation, Prepared, Runner } from './runner.ts';
import { shrinkModuleCase } from './shrink-case.ts';
import type { DefectName } from './defect.ts';

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

/** Generated cases that are asked at once. */
const CHUNK = 512;
/** The same of the suite: smaller, so that what kills is known before all of it was sent. */
const SUITE_CHUNK = 64;
/** Of these, one in so many is asked once more, in the opposite order: same case, same answer. */
const AGAIN_EVERY = 16;
/** Leaves that are not survived before there is no point in asking further. */
const DEADLY_MAX = 4;
/** Differences that a leak is found to explain; past that there is no point in asking further. */
const ATTRIBUTED_MAX = 4;
/** Findings that are looked into; each costs some processes. Past that they are counted. */
const DIAGNOSES_MAX = 40;

/** Runs the suite and the generated cases against one implementation. */
export async function conformModule(
  name: string,
  runner: Runner,
  options: ConformOptions,
): Promise<ImplementationReport> {
  const { release, level: wanted, suite, seed, budget, now, interrupted, bail, tell } = options;
  const { capabilities } = runner;
  const level = wanted === 'state' && !capabilities.state ? 'registers' : wanted;
  const findings = new Map<string, ModuleFinding>();
  const requirements = new Map<string, RequirementResult>();
  /** Findings by the bucket of the problem that led to them: chance and leaks show in many. */
  const led = new Map<string, ModuleFinding>();
  /** RAX of leaves that it does not survive: cases that call them are left out from then on. */
  const deadly = new Set<string>();
  const notes = new Map<string, { outcome: string; reason: string; link: string | null; count: number }>();
  const counts = {
    suite: 0,
    generated: 0,
    steps: 0,
    agreed: 0,
    observed: 0,
    unsupported: 0,
    skipped: 0,
    errored: 0,
    leftOut: 0,
  };
  const recent: Prepared[] = [];
  const answers = new Map<Prepared, Observation>();
  let diagnoses = 0;
  let attributed = 0;
  let genuine = 0;
  let over = false;

  const goesOn = (): boolean => !over && runner.exhausted() === null && !interrupted();

  const note = (judgement: Judgement): void => {
    const { unobserved } = judgement;
    counts.agreed += judgement.agreed;
    if (unobserved === null) {
      counts.observed += 1;
      return;
    }
    counts[unobserved.outcome] += 1;
    const key = `${unobserved.outcome}|${unobserved.reason}`;
    const seen = notes.get(key);
    if (seen === undefined)
      notes.set(key, { outcome: unobserved.outcome, reason: unobserved.reason, link: unobserved.link, count: 1 });
    else seen.count += 1;
  };

  const find = async (
    one: Prepared,
    observation: Observation,
    problem: Problem,
    before: readonly Prepared[],
  ): Promise<void> => {
    const known = led.get(problem.bucket);
    if (known !== undefined) known.hits += 1;
    if (known !== undefined || diagnoses >= DIAGNOSES_MAX || over) return;
    diagnoses += 1;
    const { verdict, message, stderr } = problem;
    if (observation.kind === 'failed') {
      const shortest = await shortestPrefix(one);
      const rax = shortest.question.steps.at(-1)?.seamcall.rax ?? '';
      deadly.add(rax);
      const bucket = `${verdict}|${leafOf(parseU64(rax) ?? 0)}`;
      const same = findings.get(bucket);
      if (same === undefined) record(bucket, verdict, message, stderr, shortest, null);
      else same.hits += 1;
      // What fails in leaf after leaf fails altogether.
      if (deadly.size >= DEADLY_MAX) over = true;
      return;
    }
    const leak = findings.get('state-leak');
    if (leak !== undefined && (await isRightWhenFresh(one))) {
      leak.hits += 1;
      led.set(problem.bucket, leak);
      attributed += 1;
      if (attributed >= ATTRIBUTED_MAX) over = true;
      return;
    }
    const diagnosis = await diagnose(runner, one, observation, before, release, level, genuine === 0 ? 3 : 1);
    if (diagnosis.verdict !== null) {
      const same = findings.get(diagnosis.verdict);
      if (same !== undefined) same.hits += 1;
      led.set(
        problem.bucket,
        same ?? record(diagnosis.verdict, diagnosis.verdict, diagnosis.message, diagnosis.stderr, one, null),
      );
      // Nothing it says from here on means anything.
      if (diagnosis.verdict === 'ignores-reset') over = true;
      return;
    }
    genuine += 1;
    const smallest = await shrink(one, problem);
    led.set(problem.bucket, record(problem.bucket, verdict, smallest.problem.message, '', smallest.one, smallest));
  };

  const isRightWhenFresh = async (one: Prepared): Promise<boolean> => {
    const [observation] = await runner.runFresh([one]);
    return observation !== undefined && judgeObservation(one, observation, level, capabilities).problem === null;
  };

  const shrink = async (one: Prepared, problem: Problem): Promise<Smallest> => {
    let best = { one, problem };
    const { question, minimal } = await shrinkModuleCase(
      one.question,
      problem.difference?.step ?? 0,
      async (candidate) => {
        const tried = prepare(candidate, release, level);
        const [observation] = await runner.run([tried]);
        if (observation === undefined) return false;
        const { problem: found } = judgeObservation(tried, observation, level, capabilities);
        if (found?.bucket !== problem.bucket) return false;
        best = { one: tried, problem: found };
        return true;
      },
    );
    return { ...best, one: { ...best.one, question }, minimal };
  };

  /** The fewest steps of a case that still end in failure; each try costs a process, so nothing else is tried. */
  const shortestPrefix = async (one: Prepared): Promise<Prepared> => {
    const { steps } = one.question;
    let [low, best] = [1, one];
    for (let high = steps.length; low < high; ) {
      const middle = (low + high) >> 1;
      const tried = prepare({ ...one.question, steps: steps.slice(0, middle) }, release, level);
      const [observation] = await runner.runFresh([tried]);
      if (observation?.kind === 'failed') [high, best] = [middle, tried];
      else low = middle + 1;
    }
    return best;
  };

  const record = (
    bucket: string,
    verdict: DefectName,
    message: string,
    stderr: string,
    one: Prepared,
    smallest: Smallest | null,
  ): ModuleFinding => {
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
    findings.set(bucket, finding);
    tell(`${name}: found ${verdict}${requirement === null ? '' : `, ${requirement}`}\n`);
    if (bail) over = true;
    return finding;
  };

  /** Asks, judges and looks into what is wrong, over and over until no case is left that can be asked. */
  const examine = async (all: readonly Prepared[], kept: boolean): Promise<void> => {
    let left: readonly Prepared[] = all;
    for (let before = left.length + 1; left.length < before && goesOn(); ) {
      before = left.length;
      const cases = left.filter(isSurvivable);
      const observations = await runner.run(cases);
      const later: Prepared[] = [];
      for (const [index, one] of cases.entries()) {
        const observation = observations[index];
        if (observation === undefined || over) continue;
        if (observation.kind === 'not-run') {
          later.push(one);
          continue;
        }
        answers.set(one, observation);
        counts.steps += one.question.steps.length;
        const judgement = judgeObservation(one, observation, level, capabilities);
        note(judgement);
        if (kept) keepRequirements(requirements, one, judgement, observation);
        if (judgement.problem !== null)
          await find(one, observation, judgement.problem, [...recent, ...cases.slice(0, index)]);
      }
      recent.push(...cases);
      recent.splice(0, recent.length - CHUNK);
      left = later;
    }
    for (const one of all) {
      if (answers.has(one)) continue;
      counts.leftOut += 1;
      if (kept) keepRequirements(requirements, one, NOTHING, { kind: 'not-run' });
    }
  };

  const isSurvivable = ({ question }: Prepared): boolean =>
    deadly.size === 0 || !question.steps.some(({ seamcall }) => deadly.has(seamcall.rax));

  /** Same case, same answer: asks again in the opposite order and looks into what has changed. */
  const askAgain = async (cases: readonly Prepared[]): Promise<void> => {
    if (over || runner.exhausted() !== null) return;
    const reversed = cases.filter((one) => answers.has(one) && isSurvivable(one)).reverse();
    const observations = await runner.run(reversed);
    for (const [at, one] of reversed.entries()) {
      const [observation, earlier] = [observations[at], answers.get(one)];
      if (observation === undefined || earlier === undefined || over) continue;
      const [again, before] = [observation, earlier].map(
        (some) => judgeObservation(one, some, level, capabilities).problem,
      );
      if (again === undefined || again === null || again.bucket === before?.bucket) continue;
      await find(one, observation, again, [...recent, ...reversed.slice(0, at)]);
    }
  };

  if (runner.refusal !== null) {
    const { reason, link } = runner.refusal;
    notes.set('profile', { outcome: 'unsupported', reason, link: link ?? null, count: suite.length });
    counts.unsupported = suite.length;
    for (const one of suite.map((line) => prepare(line, release, level)))
      keepRequirements(requirements, one, UNSUPPORTED, { kind: 'not-run' });
    if (capabilities.modules.includes(release.name)) {
      const message = `its capabilities name module ${release.name}, and it refuses to be configured as that: ${reason}`;
      const [line] = suite;
      if (line !== undefined)
        record('capability-lie|module', 'capability-lie', message, '', prepare(line, release, level), null);
    }
  } else {
    tell(`${name}: ${suite.length} cases of the conformance suite\n`);
    const prepared = suite.map((line) => prepare(line, release, level));
    counts.suite = prepared.length;
    for (let from = 0; from < prepared.length && goesOn(); from += SUITE_CHUNK)
      await examine(prepared.slice(from, from + SUITE_CHUNK), true);
    await askAgain(prepared);
    const end = 'seconds' in budget ? now() + budget.seconds * 1000 : Number.POSITIVE_INFINITY;
    const most = 'runs' in budget ? budget.runs : Number.POSITIVE_INFINITY;
    const corpus = suite as readonly ModuleLine[];
    tell(
      `${name}: ${'runs' in budget ? counted(budget.runs, 'generated case') : `generated cases for ${budget.seconds} s`}\n`,
    );
    while (counts.generated < most && now() < end && goesOn()) {
      const chunk: Prepared[] = [];
      for (let left = most - counts.generated; left > 0 && chunk.length < CHUNK; left -= 1) {
        chunk.push(prepare(generateModuleCase(seed, counts.generated + chunk.length, corpus), release, level));
      }
      counts.generated += chunk.length;
      answers.clear();
      await examine(chunk, false);
      await askAgain(chunk.filter((_, index) => index % AGAIN_EVERY === 0));
    }
  }
  for (const incident of runner.incidents) {
    const message = `${incident.message}; while it worked on ${counted(incident.cases.length, 'case')}, '${incident.cases[0] ?? ''}' first`;
    const one = suite[0] === undefined ? null : prepare(suite[0], release, level);
    if (one !== null && !findings.has(incident.verdict))
      record(incident.verdict, incident.verdict, message, incident.stderr, one, null);
  }
  return {
    name,
    identity: runner.identity,
    capabilities,
    level,
    exhausted: runner.exhausted(),
    refusal: runner.refusal,
    counts,
    requirements: Object.fromEntries([...requirements].sort(([a], [b]) => (a < b ? -1 : 1))),
    findings: [...findings.values()].sort((a, b) => urgency(a) - urgency(b)),
    unobserved: [...notes.values()],
  };
}

interface Smallest {
  readonly one: Prepared;
  readonly problem: Problem;
  readonly minimal: boolean;
}

const NOTHING: Judgement = { problem: null, unobserved: null, agreed: 0 };

const UNSUPPORTED: Judgement = {
  problem: null,
  unobserved: { step: -1, outcome: 'unsupported', reason: 'profile', link: null },
  agreed: 0,
};

/** A failed requirement stays failed, one that held somewhere holds; what nobody reached is untested. */
const RANK: readonly RequirementResult['result'][] = ['untested', 'unsupported', 'pass', 'fail'];

function keepRequirements(
  requirements: Map<string, RequirementResult>,
  { question, expected }: Prepared,
  { problem, unobserved, agreed }: Judgement,
  observation: Observation,
): void {
  const byStep = requirementsOf(question, expected);
  // A case that was not survived is held against what it is about: its last step.
  const last = observation.kind === 'failed' ? byStep.length - 1 : -1;
  // What was refused is unsupported, promised or not: nobody has seen it go wrong.
  const wrong = unobserved === null ? (problem?.difference?.step ?? last) : -1;
  for (const [index, keys] of byStep.entries()) {
    const result: RequirementResult['result'] =
      index === wrong
        ? 'fail'
        : index < agreed
          ? 'pass'
          : unobserved !== null && index >= unobserved.step
            ? unobserved.outcome === 'errored'
              ? 'untested'
              : 'unsupported'
            : 'untested';
    for (const key of keys) {
      const before = requirements.get(key);
      if (before !== undefined && RANK.indexOf(before.result) >= RANK.indexOf(result)) continue;
      requirements.set(key, {
        result,
        case: question.id,
        bucket: result === 'fail' ? (problem?.bucket ?? null) : null,
      });
    }
  }
}

/** The case in the shape of a recording: questions and expected answers side by side. */
function answered({ id, platform, steps }: ModuleCaseText, expected: CaseAnswer): ModuleFinding['case'] {
  const answers = expected.outcome === 'observed' ? expected.steps : [];
  return { id, platform, steps: steps.map((step, index) => ({ ...step, ...answers[index] })) };
}

/** What is to be looked at first: what concerns more than an answer, then by the length of the case. */
function urgency({ difference, case: { steps } }: ModuleFinding): number {
  return difference === null ? 0 : steps.length;
}
