import type { Release } from '../../../model/module/release.ts';
import type { Level } from './compare-answers.ts';
import type { ModuleCaseText, ModuleStepText } from '../protocol/messages.ts';
import { playModuleCase } from './play.ts';
import type { Prepared } from './runner.ts';

/** A case with what the model answers to it, ready to be sent. Throws TraceFormatError for one of another shape. */
export function prepare(line: ModuleCaseText, release: Release, level: Level): Prepared {
  const question = withoutAnswers(line);
  const withState = level === 'state';
  const expected = playModuleCase(question, release, withState);
  const compared = expected.outcome === 'observed' && expected.steps.every(isDefinite);
  return {
    question,
    text: JSON.stringify(question),
    expected,
    expectedText: compared ? JSON.stringify(expected) : null,
  };
}

/** The text of a fatal answer is free, words that the model keeps abstractly are not compared. */
function isDefinite({
  fatal,
  unsupported,
  resultMem,
}: {
  readonly fatal?: string;
  readonly unsupported?: string;
  readonly resultMem?: readonly (readonly (string | null)[])[];
}): boolean {
  return fatal === undefined && unsupported === undefined && resultMem?.some((words) => words.includes(null)) !== true;
}

const ANSWERS = new Set(['label', 'result', 'runs', 'resultMem', 'fatal']);

/** A recorded line as a question: its answers left out. */
export function withoutAnswers({ id, platform, steps }: ModuleCaseText): ModuleCaseText {
  const asked = steps.map(
    (step) =>
      Object.fromEntries(Object.entries(step).filter(([name]) => !ANSWERS.has(name))) as unknown as ModuleStepText,
  );
  return { id, platform, steps: asked };
}
