import { parseU64 } from '../../../model/abi/u64.ts';
import type { DefectName } from './defect.ts';
import { diagnose } from './diagnose.ts';
import { type Examination, keepFinding, preparedFor, type Smallest } from './examination.ts';
import { judgeObservation, type Problem } from './judge-answer.ts';
import type { ModuleFinding } from './report.ts';
import type { Observation, Prepared } from './runner.ts';
import { shrinkModuleCase } from './shrink-case.ts';
import { leafOf } from './suite/reach.ts';

/** Leaves that are not survived before there is no point in asking further. */
const DEADLY_MAX = 4;
/** Differences that a leak is found to explain; past that there is no point in asking further. */
const ATTRIBUTED_MAX = 4;
/** Findings that are looked into; each costs some processes. Past that they are counted. */
const DIAGNOSES_MAX = 40;

/** Finds out what a problem comes from and keeps it as a finding, once. `before`: the cases asked before `one`. */
export async function lookInto(
  examination: Examination,
  one: Prepared,
  observation: Observation,
  problem: Problem,
  before: readonly Prepared[],
): Promise<void> {
  const { led } = examination;
  const known = led.get(problem.bucket);
  if (known !== undefined) known.hits += 1;
  if (known !== undefined || examination.diagnoses >= DIAGNOSES_MAX || examination.over) return;
  examination.diagnoses += 1;
  if (observation.kind === 'failed') {
    await keepFailure(examination, one, problem);
    return;
  }
  if (await isWorkOfLeak(examination, one, problem)) return;
  const { runner, release, level } = examination;
  const repeats = examination.genuine === 0 ? 3 : 1;
  const diagnosis = await diagnose(runner, one, observation, before, release, level, repeats);
  if (diagnosis.verdict !== null) {
    const { verdict, message, stderr } = diagnosis;
    led.set(problem.bucket, keepOrCount(examination, verdict, verdict, message, stderr, one));
    // No answer from here on means anything.
    if (verdict === 'ignores-reset') examination.over = true;
    return;
  }
  examination.genuine += 1;
  const smallest = await shrink(examination, one, problem);
  const { bucket, verdict } = problem;
  const { message } = smallest.problem;
  led.set(bucket, keepFinding(examination, { bucket, verdict, message, stderr: '', one: smallest.one, smallest }));
}

/** A case that was not survived: one finding for each leaf that its shortest failing beginning ends in. */
async function keepFailure(examination: Examination, one: Prepared, problem: Problem): Promise<void> {
  const { deadly } = examination;
  const { verdict, message, stderr } = problem;
  const shortest = await shortestPrefix(examination, one);
  const rax = shortest.question.steps.at(-1)?.seamcall.rax ?? '';
  deadly.add(rax);
  keepOrCount(examination, `${verdict}|${leafOf(parseU64(rax) ?? 0)}`, verdict, message, stderr, shortest);
  // What fails in leaf after leaf fails altogether.
  if (deadly.size >= DEADLY_MAX) examination.over = true;
}

/** Where state is known to leak: a case that is right in a new process is a further hit of the leak. */
async function isWorkOfLeak(examination: Examination, one: Prepared, problem: Problem): Promise<boolean> {
  const leak = examination.findings.get('state-leak');
  if (leak === undefined || !(await isRightWhenFresh(examination, one))) return false;
  leak.hits += 1;
  examination.led.set(problem.bucket, leak);
  examination.attributed += 1;
  if (examination.attributed >= ATTRIBUTED_MAX) examination.over = true;
  return true;
}

/** The finding of that bucket: hit once more, or new. */
function keepOrCount(
  examination: Examination,
  bucket: string,
  verdict: DefectName,
  message: string,
  stderr: string,
  one: Prepared,
): ModuleFinding {
  const same = examination.findings.get(bucket);
  if (same === undefined) return keepFinding(examination, { bucket, verdict, message, stderr, one, smallest: null });
  same.hits += 1;
  return same;
}

async function isRightWhenFresh({ runner, level }: Examination, one: Prepared): Promise<boolean> {
  const [observation] = await runner.runFresh([one]);
  return observation !== undefined && judgeObservation(one, observation, level, runner.capabilities).problem === null;
}

async function shrink(examination: Examination, one: Prepared, problem: Problem): Promise<Smallest> {
  const { runner, level } = examination;
  let best = { one, problem };
  const first = problem.difference?.step ?? 0;
  const { question, minimal } = await shrinkModuleCase(one.question, first, async (candidate) => {
    const tried = preparedFor(examination, candidate);
    const [observation] = await runner.run([tried]);
    if (observation === undefined) return false;
    const { problem: found } = judgeObservation(tried, observation, level, runner.capabilities);
    if (found?.bucket !== problem.bucket) return false;
    best = { one: tried, problem: found };
    return true;
  });
  return { ...best, one: { ...best.one, question }, minimal };
}

/** The fewest steps of a case that still end in failure; each try costs a process, so nothing else is tried. */
async function shortestPrefix(examination: Examination, one: Prepared): Promise<Prepared> {
  const { steps } = one.question;
  let [low, best] = [1, one];
  for (let high = steps.length; low < high; ) {
    const middle = (low + high) >> 1;
    const tried = preparedFor(examination, { ...one.question, steps: steps.slice(0, middle) });
    const [observation] = await examination.runner.runFresh([tried]);
    if (observation?.kind === 'failed') [high, best] = [middle, tried];
    else low = middle + 1;
  }
  return best;
}
