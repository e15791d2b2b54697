import type { ModuleLine } from '../conformance/generate-module-case.ts';
import { generateModuleCase } from '../conformance/generate-module-case.ts';
import type { Release } from '../../model/module/release.ts';
import type { Level } from './compare.ts';
import { diagnose } from './diagnose.ts';
import { judgeObservation, type Judgement, type Problem } from './judge.ts';
import type { CaseAnswer, Question } from './messages.ts';
import { prepare } from './prepare.ts';
import type { Finding, ImplementationReport, RequirementResult } from './report.ts';
import { requirementsOf } from './requirement.ts';
import type { Observation, Prepared, Runner } from './runner.ts';
import { shrinkQuestion } from './shrink-question.ts';
import type { VerdictName } from './verdict.ts';

export interface ConformOptions {
  readonly release: Release;
  readonly level: Level;
  /** The conformance suite, in the shape of recordings. */
  readonly suite: readonly Question[];
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
/** Of these, one in so many is asked once more, in the opposite order: same case, same answer. */
const AGAIN_EVERY = 16;
/** Findings that are looked into; each costs some processes. Past that they are counted. */
const DIAGNOSES_MAX = 40;

/** Runs the suite and the generated cases against one implementation. */
export async function conformModule(name: string, runner: Runner, options: ConformOptions): Promise<ImplementationReport> {
  const { release, level: wanted, suite, seed, budget, now, interrupted, bail, tell } = options;
  const { capabilities } = runner;
  const level = wanted === 'state' && !capabilities.state ? 'registers' : wanted;
  const findings = new Map<string, Finding>();
  const requirements = new Map<string, RequirementResult>();
  const notes = new Map<string, { outcome: string; reason: string; link: string | null; count: number }>();
  const counts = { suite: 0, generated: 0, steps: 0, agreed: 0, observed: 0, unsupported: 0, skipped: 0, errored: 0 };
  const recent: Prepared[] = [];
  let diagnoses = 0;
  let over = false;

  const note = (judgement: Judgement, observation: Observation): void => {
    const { unobserved } = judgement;
    counts.agreed += judgement.agreed;
    if (observation.kind === 'not-run') return;
    if (unobserved === null) {
      counts.observed += 1;
      return;
    }
    counts[unobserved.outcome] += 1;
    const key = `${unobserved.outcome}|${unobserved.reason}`;
    const seen = notes.get(key);
    if (seen === undefined) notes.set(key, { outcome: unobserved.outcome, reason: unobserved.reason, link: unobserved.link, count: 1 });
    else seen.count += 1;
  };

  const find = async (one: Prepared, observation: Observation, problem: Problem, before: readonly Prepared[]): Promise<void> => {
    const known = findings.get(problem.bucket);
    if (known !== undefined) {
      known.hits += 1;
      return;
    }
    if (diagnoses >= DIAGNOSES_MAX || over) return;
    diagnoses += 1;
    if (problem.difference === null) {
      const shortest = observation.kind === 'failed' ? await shortestPrefix(one) : one;
      record(problem.bucket, problem.verdict, problem.message, problem.stderr, shortest, null);
      return;
    }
    const diagnosis = await diagnose(runner, one, observation, before, release, level);
    if (diagnosis.verdict !== null) {
      const { verdict, message, stderr } = diagnosis;
      const same = findings.get(verdict);
      if (same !== undefined) same.hits += 1;
      else record(verdict, verdict, message, stderr, one, null);
      // Nothing it says from here on means anything.
      if (verdict === 'ignores-reset') over = true;
      return;
    }
    tell(`${name}: ${problem.message}; looking for the smallest case\n`);
    const smallest = await shrink(one, problem);
    record(problem.bucket, problem.verdict, smallest.problem.message, '', smallest.one, smallest);
  };

  const shrink = async (one: Prepared, problem: Problem): Promise<Smallest> => {
    let best = { one, problem };
    const { question, minimal } = await shrinkQuestion(one.question, problem.difference?.step ?? 0, async (candidate) => {
      const tried = prepare(candidate, release, level);
      const [observation] = await runner.run([tried]);
      if (observation === undefined) return false;
      const { problem: found } = judgeObservation(tried, observation, level, capabilities);
      if (found?.bucket !== problem.bucket) return false;
      best = { one: tried, problem: found };
      return true;
    });
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
    verdict: VerdictName,
    message: string,
    stderr: string,
    one: Prepared,
    smallest: Smallest | null,
  ): void => {
    const { question, expected } = one;
    const difference = smallest?.problem.difference ?? null;
    const keys = requirementsOf(question, expected);
    const requirement = difference === null ? null : (keys[difference.step]?.[0] ?? null);
    findings.set(bucket, {
      bucket,
      verdict,
      requirement,
      message,
      difference,
      minimal: smallest?.minimal ?? false,
      case: answered(question, expected),
      hits: 1,
      stderr,
    });
    if (bail) over = true;
  };

  /** Asks, judges and looks into what is wrong. `suite`: its requirements are kept. */
  const examine = async (cases: readonly Prepared[], kept: boolean): Promise<readonly Observation[]> => {
    const observations = await runner.run(cases);
    for (const [index, one] of cases.entries()) {
      const observation = observations[index];
      if (observation === undefined) continue;
      counts.steps += one.question.steps.length;
      const judgement = judgeObservation(one, observation, level, capabilities);
      note(judgement, observation);
      if (kept) keepRequirements(requirements, one, judgement, observation);
      if (judgement.problem !== null && !over)
        await find(one, observation, judgement.problem, [...recent, ...cases.slice(0, index)]);
    }
    recent.push(...cases);
    recent.splice(0, recent.length - CHUNK);
    return observations;
  };

  /** Same case, same answer: asks again in the opposite order and looks into what has changed. */
  const askAgain = async (cases: readonly Prepared[], first: readonly Observation[]): Promise<void> => {
    const order = [...cases.keys()].reverse();
    const reversed = order.flatMap((index) => cases[index] ?? []);
    const second = await runner.run(reversed);
    for (const [at, index] of order.entries()) {
      const [one, observation, earlier] = [cases[index], second[at], first[index]];
      if (one === undefined || observation === undefined || earlier === undefined || over) continue;
      const [now2, then] = [observation, earlier].map((some) => judgeObservation(one, some, level, capabilities).problem);
      if (now2 === undefined || now2 === null || now2.bucket === then?.bucket) continue;
      await find(one, observation, now2, [...recent, ...reversed.slice(0, at)]);
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
      if (line !== undefined) record('capability-lie|module', 'capability-lie', message, '', prepare(line, release, level), null);
    }
  } else {
    tell(`${name}: ${suite.length} cases of the conformance suite\n`);
    const prepared = suite.map((line) => prepare(line, release, level));
    counts.suite = prepared.length;
    const first = await examine(prepared, true);
    if (!over && runner.exhausted() === null) await askAgain(prepared, first);
    const end = 'seconds' in budget ? now() + budget.seconds * 1000 : Number.POSITIVE_INFINITY;
    const most = 'runs' in budget ? budget.runs : Number.POSITIVE_INFINITY;
    const corpus = suite as readonly ModuleLine[];
    tell(`${name}: ${'runs' in budget ? `${budget.runs} generated cases` : `generated cases for ${budget.seconds} s`}\n`);
    while (counts.generated < most && now() < end && !over && runner.exhausted() === null && !interrupted()) {
      const chunk: Prepared[] = [];
      for (let left = most - counts.generated; left > 0 && chunk.length < CHUNK; left -= 1) {
        chunk.push(prepare(generateModuleCase(seed, counts.generated + chunk.length, corpus), release, level));
      }
      counts.generated += chunk.length;
      const observations = await examine(chunk, false);
      const sample = [...chunk.keys()].filter((index) => index % AGAIN_EVERY === 0);
      if (!over && runner.exhausted() === null)
        await askAgain(
          sample.flatMap((index) => chunk[index] ?? []),
          sample.flatMap((index) => observations[index] ?? []),
        );
    }
  }
  for (const incident of runner.incidents) {
    const message = `${incident.message}; while it worked on ${incident.cases.length} cases, '${incident.cases[0] ?? ''}' first`;
    const one = suite[0] === undefined ? null : prepare(suite[0], release, level);
    if (one !== null && !findings.has(incident.verdict)) record(incident.verdict, incident.verdict, message, incident.stderr, one, null);
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
    findings: [...findings.values()],
    unobserved: [...notes.values()],
  };
}

interface Smallest {
  readonly one: Prepared;
  readonly problem: Problem;
  readonly minimal: boolean;
}

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
  const wrong = problem?.difference?.step ?? (observation.kind === 'failed' ? byStep.length - 1 : -1);
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
      requirements.set(key, { result, case: question.id, bucket: result === 'fail' ? (problem?.bucket ?? null) : null });
    }
  }
}

/** The case in the shape of a recording: questions and expected answers side by side. */
function answered({ id, platform, steps }: Question, expected: CaseAnswer): Finding['case'] {
  const answers = expected.outcome === 'observed' ? expected.steps : [];
  return { id, platform, steps: steps.map((step, index) => ({ ...step, ...answers[index] })) };
}
