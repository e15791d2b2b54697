import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Evidence, SuiteAnswer } from '../../catalogue/entry.ts';
import { reachedBy } from '../../implementations/module/suite/reach.ts';
import { kindOfPath } from '../../store/read.ts';
import { readModuleCase } from '../../transcript/module-case.ts';
import type { Context } from '../screen/context.ts';
import { nameOf, openCorpus } from './corpus-option.ts';

/** What the corpus shows: the known deviations, and the answers that each leaf gives in the conformance suite. */
export function openEvidence(context: Context, corpus: string | undefined): Evidence {
  const { known } = openCorpus(context, corpus);
  return { known, nameOf, answers: readAnswers(join(context.root, 'corpus/conformance')) };
}

/** Empty if an installation has no suite. */
function readAnswers(folder: string): readonly SuiteAnswer[] {
  if (kindOfPath(folder) !== 'folder') return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  return files.sort().flatMap((name) => {
    const path = join(folder, name);
    const lines = readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '');
    return lines.flatMap((line) => {
      const value = JSON.parse(line) as { readonly id: string };
      const input = readModuleCase(value);
      const at = { file: nameOf(path), id: value.id, steps: input.steps.length };
      return reachedBy(input).map(({ leaf, status, details }) => ({ leaf, status, details, ...at }));
    });
  });
}
