import { counted } from '../../text.ts';
import {
  type ConformOptions,
  countJudgement,
  type Examination,
  keepFinding,
  keepRequirements,
  openExamination,
  preparedFor,
  reportOf,
} from './examination.ts';
import { judgeObservation, type Judgement } from './judge-answer.ts';
import { lookInto } from './look-into.ts';
import type { ImplementationReport } from './report.ts';
import type { Prepared, Runner } from './runner.ts';
import { generateModuleCase, type ModuleLine } from './suite/generate-module-case.ts';

/** Generated cases that are asked at once. */
const CHUNK = 512;
/** The same of the suite: smaller, so that what kills is known before all of it was sent. */
const SUITE_CHUNK = 64;
/** Of these, one in so many is asked once more, in the opposite order: same case, same answer. */
const AGAIN_EVERY = 16;

const NOTHING: Judgement = { problem: null, unobserved: null, agreed: 0 };

const UNSUPPORTED: Judgement = {
  problem: null,
  unobserved: { step: -1, outcome: 'unsupported', reason: 'profile', link: null },
  agreed: 0,
};

/** Runs the suite and the generated cases against one implementation. */
export async function conformModule(
  name: string,
  runner: Runner,
  options: ConformOptions,
): Promise<ImplementationReport> {
  const examination = openExamination(name, runner, options);
  if (runner.refusal === null) {
    await askSuite(examination);
    await askGenerated(examination);
  } else keepRefusal(examination, runner.refusal);
  keepIncidents(examination);
  return reportOf(examination);
}

/** An implementation that is not willing to be that release: all of the suite is unsupported. */
function keepRefusal(examination: Examination, { reason, link }: NonNullable<Runner['refusal']>): void {
  const { suite, notes, counts, runner, release } = examination;
  notes.set('profile', { outcome: 'unsupported', reason, link: link ?? null, count: suite.length });
  counts.unsupported = suite.length;
  for (const line of suite)
    keepRequirements(examination, preparedFor(examination, line), UNSUPPORTED, { kind: 'not-run' });
  const [line] = suite;
  if (line === undefined || !runner.capabilities.modules.includes(release.name)) return;
  const message = `its capabilities name module ${release.name}, and it refuses to be configured as that: ${reason}`;
  const one = preparedFor(examination, line);
  const verdict = 'capability-lie';
  keepFinding(examination, { bucket: 'capability-lie|module', verdict, message, stderr: '', one, smallest: null });
}

async function askSuite(examination: Examination): Promise<void> {
  const { name, suite, counts, tell } = examination;
  tell(`${name}: ${suite.length} cases of the conformance suite\n`);
  const prepared = suite.map((line) => preparedFor(examination, line));
  counts.suite = prepared.length;
  for (let from = 0; from < prepared.length && goesOn(examination); from += SUITE_CHUNK)
    await examine(examination, prepared.slice(from, from + SUITE_CHUNK), true);
  await askAgain(examination, prepared);
}

async function askGenerated(examination: Examination): Promise<void> {
  const { name, suite, seed, budget, now, counts, answers, tell } = examination;
  const end = 'seconds' in budget ? now() + budget.seconds * 1000 : Number.POSITIVE_INFINITY;
  const most = 'runs' in budget ? budget.runs : Number.POSITIVE_INFINITY;
  const corpus = suite as readonly ModuleLine[];
  tell(
    `${name}: ${'runs' in budget ? counted(budget.runs, 'generated case') : `generated cases for ${budget.seconds} s`}\n`,
  );
  while (counts.generated < most && now() < end && goesOn(examination)) {
    const chunk: Prepared[] = [];
    for (let left = most - counts.generated; left > 0 && chunk.length < CHUNK; left -= 1) {
      const line = generateModuleCase(seed, counts.generated + chunk.length, corpus);
      chunk.push(preparedFor(examination, line));
    }
    counts.generated += chunk.length;
    answers.clear();
    await examine(examination, chunk, false);
    const some = chunk.filter((_, index) => index % AGAIN_EVERY === 0);
    await askAgain(examination, some);
  }
}

/** Asks, judges and looks into what is wrong, over and over until no case is left that can be asked. */
async function examine(examination: Examination, all: readonly Prepared[], kept: boolean): Promise<void> {
  const { recent, answers, counts } = examination;
  let left: readonly Prepared[] = all;
  for (let before = left.length + 1; left.length < before && goesOn(examination); ) {
    before = left.length;
    const cases = left.filter((one) => isSurvivable(examination, one));
    left = await askOnce(examination, cases, kept);
    recent.push(...cases);
    recent.splice(0, recent.length - CHUNK);
  }
  for (const one of all) {
    if (answers.has(one)) continue;
    counts.leftOut += 1;
    if (kept) keepRequirements(examination, one, NOTHING, { kind: 'not-run' });
  }
}

/** Returns the cases that were not run. */
async function askOnce(
  examination: Examination,
  cases: readonly Prepared[],
  kept: boolean,
): Promise<readonly Prepared[]> {
  const { runner, level, recent, answers, counts } = examination;
  const observations = await runner.run(cases);
  const later: Prepared[] = [];
  for (const [index, one] of cases.entries()) {
    const observation = observations[index];
    if (observation === undefined || examination.over) continue;
    if (observation.kind === 'not-run') {
      later.push(one);
      continue;
    }
    answers.set(one, observation);
    counts.steps += one.question.steps.length;
    const judgement = judgeObservation(one, observation, level, runner.capabilities);
    countJudgement(examination, judgement);
    if (kept) keepRequirements(examination, one, judgement, observation);
    if (judgement.problem !== null)
      await lookInto(examination, one, observation, judgement.problem, [...recent, ...cases.slice(0, index)]);
  }
  return later;
}

/** Same case, same answer: asks again in the opposite order and looks into what has changed. */
async function askAgain(examination: Examination, cases: readonly Prepared[]): Promise<void> {
  const { runner, level, recent, answers } = examination;
  if (examination.over || runner.exhausted() !== null) return;
  const reversed = cases.filter((one) => answers.has(one) && isSurvivable(examination, one)).reverse();
  const observations = await runner.run(reversed);
  for (const [at, one] of reversed.entries()) {
    const [observation, earlier] = [observations[at], answers.get(one)];
    if (observation === undefined || earlier === undefined || examination.over) continue;
    const [again, before] = [observation, earlier].map(
      (some) => judgeObservation(one, some, level, runner.capabilities).problem,
    );
    if (again === undefined || again === null || again.bucket === before?.bucket) continue;
    await lookInto(examination, one, observation, again, [...recent, ...reversed.slice(0, at)]);
  }
}

/** What went wrong between cases, one finding for each kind. */
function keepIncidents(examination: Examination): void {
  const { runner, suite, findings } = examination;
  const [line] = suite;
  if (line === undefined) return;
  for (const { verdict, message: what, stderr, cases } of runner.incidents) {
    if (findings.has(verdict)) continue;
    const message = `${what}; while it worked on ${counted(cases.length, 'case')}, '${cases[0] ?? ''}' first`;
    const one = preparedFor(examination, line);
    keepFinding(examination, { bucket: verdict, verdict, message, stderr, one, smallest: null });
  }
}

function goesOn({ over, runner, interrupted }: Examination): boolean {
  return !over && runner.exhausted() === null && !interrupted();
}

function isSurvivable({ deadly }: Examination, { question }: Prepared): boolean {
  return deadly.size === 0 || !question.steps.some(({ seamcall }) => deadly.has(seamcall.rax));
}
