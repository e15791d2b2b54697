import { healthyPlatform, step } from './suite/draft.ts';
import type { Release } from '../../../model/module/release.ts';
import { compareAnswers, type Level } from './compare-answers.ts';
import type { CaseAnswer } from '../protocol/messages.ts';
import { prepare } from './prepare.ts';
import type { Failed, Observation, Prepared, Runner } from './runner.ts';
import type { DefectName } from './defect.ts';

/** Whether an answer that differs is the implementation's own, or the work of what came before. */
export interface Diagnosis {
  /** `null`: the answer is its own, the difference a difference. */
  readonly verdict: DefectName | null;
  readonly message: string;
  readonly stderr: string;
}

const GENUINE: Diagnosis = { verdict: null, message: '', stderr: '' };
/** Cases that are tried one by one as what a leak comes from. */
const SUSPECTS_MAX = 8;

/**
 * Finds out why `one` was answered as it was. `processes` fresh processes answer it, three if they do not all say what was
 * said: if they do not agree, it is chance. If they agree with the answer in question, it is that. Otherwise something survived a reset: everything (a call of
 * TDH.SYS.INIT, made twice, says so), or something of the `before`, the cases that ran before it.
 */
export async function diagnose(
  runner: Runner,
  one: Prepared,
  seen: Observation,
  before: readonly Prepared[],
  release: Release,
  level: Level,
  processes: number,
): Promise<Diagnosis> {
  const strict = level === 'state' ? 'state' : 'registers';
  const isSame = (a: CaseAnswer, b: CaseAnswer): boolean => {
    const { difference, unobserved } = compareAnswers(a, b, strict);
    return difference === null && unobserved === null && refusalIn(a) === refusalIn(b);
  };
  const had = answerOf(one, seen);
  const fresh: CaseAnswer[] = [];
  for (let wanted = processes; fresh.length < wanted; ) {
    const [observation] = await runner.runFresh([one]);
    if (observation === undefined || observation.kind === 'not-run') return GENUINE;
    if (observation.kind === 'failed') return broken(observation.failure);
    const answer = answerOf(one, observation);
    fresh.push(answer);
    if (!isSame(answer, had)) wanted = 3;
  }
  const [first, ...others] = fresh;
  if (first === undefined) return GENUINE;
  const id = one.question.id;
  if (others.some((other) => !isSame(first, other)))
    return {
      verdict: 'non-deterministic',
      message: `case '${id}' alone in a new process is answered in different ways`,
      stderr: '',
    };
  if (isSame(first, had) || !isObserved(had)) return GENUINE;
  if (await ignoresReset(runner, release, level)) {
    const message = 'TDH.SYS.INIT as the only call of a case, twice: the second case finds the module of the first';
    return { verdict: 'ignores-reset', message, stderr: '' };
  }
  const suspects = before
    .slice(-SUSPECTS_MAX)
    .reverse()
    .map((suspect) => [suspect]);
  for (const group of [...suspects, before]) {
    const observation = (await runner.runFresh([...group, one])).at(-1);
    if (observation?.kind === 'failed') return broken(observation.failure);
    if (observation === undefined || observation.kind === 'not-run' || isSame(first, answerOf(one, observation)))
      continue;
    const [culprit] = group;
    const cause = group.length === 1 ? `case '${culprit?.question.id}'` : `${group.length} others`;
    return { verdict: 'state-leak', message: `case '${id}' is answered otherwise after ${cause}`, stderr: '' };
  }
  const message = `case '${id}' was answered in a way that neither a new process nor the same cases before it bring back`;
  return { verdict: 'non-deterministic', message, stderr: '' };
}

function broken({ verdict, message, stderr }: Failed): Diagnosis {
  return { verdict, message, stderr };
}

/** The step that was called unsupported; nothing comes after it. */
function refusalIn(answer: CaseAnswer): number {
  return answer.outcome === 'observed' ? answer.steps.findIndex(({ unsupported }) => unsupported !== undefined) : -1;
}

function isObserved({ outcome }: CaseAnswer): boolean {
  return outcome === 'observed';
}

function answerOf({ expected }: Prepared, observation: Observation): CaseAnswer {
  return observation.kind === 'answered' ? observation.answer : expected;
}

async function ignoresReset(runner: Runner, release: Release, level: Level): Promise<boolean> {
  const { label: _label, ...call } = step('TDH.SYS.INIT');
  const probe = prepare({ id: 'reset', platform: healthyPlatform(), steps: [call] }, release, level);
  const [first, second] = await runner.runFresh([probe, probe]);
  if (first?.kind !== 'as-expected' && first?.kind !== 'answered') return false;
  if (second?.kind !== 'as-expected' && second?.kind !== 'answered') return false;
  return compareAnswers(answerOf(probe, first), answerOf(probe, second), 'status').difference !== null;
}
