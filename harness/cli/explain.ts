import { sourceLines } from '../describe/source-text.ts';
import { Command } from 'commander';
import { catalogueNames, explain } from '../catalogue/catalogue.ts';
import type { Entry } from '../catalogue/entry.ts';
import type { Palette } from '../report/console.ts';
import { publishedSchema } from '../schema.ts';
import { UserError } from '../user-error.ts';
import { openEvidence } from './options/evidence.ts';
import { didYouMean } from './options/suggest.ts';
import type { Context } from './screen/context.ts';

interface ExplainOptions {
  readonly corpus?: string;
  readonly json?: boolean;
}

/** What `explain --json` prints. */
export interface ExplainReport {
  readonly entries: readonly Entry[];
}

export const EXPLAIN_SCHEMA = publishedSchema<ExplainReport>('./catalogue/explain.schema.json');

export function explainCommand(context: Context): Command {
  return new Command('explain')
    .summary('explain a rule, bucket, flaw, status, leaf, kernel, module or mood')
    .description(
      'Prints what a name in a report means: what it is, why it matters, where it is stated, which kernel\n' +
        'revisions break it, and the smallest case that shows it.',
    )
    .argument(
      '<name...>',
      'rule or bucket id, flaw number, status (name or 64-bit value), leaf (name or 0x2d), kernel, module, mood',
    )
    .option('--corpus <folder>', 'folder of known deviations (default: the corpus of this checkout)')
    .option('--json', 'print the result as JSON (harness/catalogue/explain.schema.json)')
    .addHelpText(
      'after',
      '\nExamples:\n  seamstress explain pamt/not-freed-while-ready\n  seamstress explain 0xc000050500000000\n  seamstress explain 42 TDH.SYS.CONFIG 6.12',
    )
    .action((names: readonly string[], options: ExplainOptions) => {
      const evidence = openEvidence(context, options.corpus);
      const entries = names.flatMap((name) => {
        const found = explain(name, evidence);
        if (found.length > 0) return found;
        const candidates = Object.values(catalogueNames(evidence)).flat();
        throw new UserError(
          `nothing is called '${name}'${didYouMean(name, candidates)}; \`seamstress list rules\` prints all rules`,
        );
      });
      const { terminal, palette } = context;
      terminal.out(
        options.json === true
          ? `${JSON.stringify({ entries } satisfies ExplainReport, null, 2)}\n`
          : entries.map((entry) => `${entryLines(entry, palette()).join('\n')}\n`).join('\n'),
      );
    });
}

/** Label and text stand in two columns. */
const COLUMN = 10;

function entryLines(entry: Entry, { strong, dim }: Palette): readonly string[] {
  const { kind, name, what, why, facts, source, brokenBy, case: shown } = entry;
  const line = (label: string, text: string): string => `${dim(label.padEnd(COLUMN))} ${text}`;
  return [
    line(kind, strong(name)),
    line('', what),
    ...why.map((sentence, index) => line(index === 0 ? 'why' : '', sentence)),
    ...facts.map(({ label, text }, index) => line(facts[index - 1]?.label === label ? '' : label, text)),
    ...sourceLines(source).map((text, index) => line(index === 0 ? 'source' : '', text)),
    ...(brokenBy.length === 0
      ? []
      : [line('seen in', `${brokenBy.length === 1 ? 'kernel' : 'kernels'} ${brokenBy.join(', ')}`)]),
    ...(shown === null ? [] : [line('case', `${shown.file} (${shown.text})`), line('replay', shown.command)]),
  ];
}
