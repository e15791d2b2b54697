import { Argument, Command } from 'commander';
import { entriesOf } from '../catalogue/catalogue.ts';
import type { Entry, EntryKind } from '../catalogue/entry.ts';
import { publishedSchema } from '../schema.ts';
import { openEvidence } from './options/evidence.ts';
import type { Context } from './screen/context.ts';

/** What a user calls all of a kind. */
const KINDS = {
  rules: 'rule',
  flaws: 'flaw',
  kernels: 'kernel',
  modules: 'module',
  moods: 'mood',
  leaves: 'leaf',
  statuses: 'status',
  buckets: 'bucket',
} as const satisfies Readonly<Record<string, EntryKind>>;

interface ListOptions {
  readonly corpus?: string;
  readonly json?: boolean;
}

/** What `list --json` prints. */
export interface ListReport {
  readonly kind: EntryKind;
  readonly entries: readonly Entry[];
}

export const LIST_SCHEMA = publishedSchema<ListReport>('./catalogue/list.schema.json');

export function listCommand(context: Context): Command {
  return new Command('list')
    .summary('list all rules, flaws, kernels, modules, moods, leaves, statuses or known buckets')
    .description('Prints a line for each: its name and what it is. `seamstress explain NAME` prints the rest.')
    .addArgument(new Argument('<kind>', 'what to list').choices(Object.keys(KINDS)))
    .option('--corpus <folder>', 'folder of known deviations (default: the corpus of this checkout)')
    .option('--json', 'print the result as JSON (harness/catalogue/list.schema.json)')
    .action((kind: keyof typeof KINDS, options: ListOptions) => {
      const { terminal, palette } = context;
      const report: ListReport = {
        kind: KINDS[kind],
        entries: entriesOf(KINDS[kind], openEvidence(context, options.corpus)),
      };
      if (options.json === true) {
        terminal.out(`${JSON.stringify(report, null, 2)}\n`);
        return;
      }
      const { strong } = palette();
      const width = Math.min(56, Math.max(...report.entries.map(({ name }) => name.length)));
      terminal.out(report.entries.map(({ name, what }) => `${strong(name.padEnd(width))}  ${what}\n`).join(''));
    });
}
