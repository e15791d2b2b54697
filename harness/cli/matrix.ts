import { join, relative, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { FLAWS } from '../flaws/flaws.ts';
import { renderMatrixHTML } from '../flaws/html.ts';
import { renderMatrixMarkdown } from '../flaws/markdown.ts';
import { buildMatrix, type Matrix } from '../flaws/grid.ts';
import { describePlatform } from '../describe/describe-platform.ts';
import { publishedSchema } from '../schema.ts';
import { requireWritable, writeAtomic } from '../store/atomic.ts';
import type { Context } from './screen/context.ts';
import { nameOf, openCorpus } from './options/corpus-option.ts';
import { EXIT } from '../user-error.ts';
import { positiveInteger, seed } from './options/values.ts';

interface MatrixOptions {
  readonly corpus?: string;
  readonly output: string;
  readonly fuzz?: number;
  readonly seed: string;
  readonly json?: boolean;
}

export const MATRIX_SCHEMA = publishedSchema<Matrix>('./flaws/flaws.schema.json');

export function matrixCommand(context: Context): Command {
  return new Command('matrix')
    .summary('judge every known flaw on every kernel revision')
    .description(
      [
        'Judges every known flaw on every kernel revision, by the cases of the corpus. Prints the table, and writes it',
        'with the case behind each cell to flaws.json, flaws.md and flaws.html.',
        '',
        'Exit codes: 1 a case shows a cell for which the corpus has no minimal case, or a cell differs from the sources',
        'without an explanation; 3 the corpus has no known deviations.',
      ].join('\n'),
    )
    .addOption(
      new Option('--corpus <folder>', 'folder of known deviations (default: the corpus of this checkout)').env(
        'SEAMSTRESS_CORPUS',
      ),
    )
    .addOption(
      new Option('--output <folder>', 'folder for flaws.{json,md,html}').env('SEAMSTRESS_OUTPUT').default('reports'),
    )
    .addOption(new Option('--fuzz <n>', 'also judge this many generated cases per revision').argParser(positiveInteger))
    .addOption(
      new Option('--seed <text>', 'seed of the generated cases')
        .env('SEAMSTRESS_SEED')
        .argParser(seed)
        .default('seamstress'),
    )
    .option('--json', 'print the table as JSON (harness/flaws/flaws.schema.json)')
    .action((options: MatrixOptions) => matrix(context, options));
}

/**
 * Exit 1 if a case shows a cell for which the corpus has no minimal case, or if a cell differs from the sources without
 * an explanation.
 */
function matrix(context: Context, { corpus, output, fuzz = 0, seed: seedText, json }: MatrixOptions): void {
  const { stages, terminal } = context;
  const { known } = openCorpus(context, corpus);
  requireWritable(output);
  const result = buildMatrix(stages, { flaws: FLAWS, known, nameOf, fuzz, seed: seedText });
  if (result.judged === 0) {
    terminal.err(
      'seamstress: nothing was judged: the corpus has no known deviations (see: seamstress corpus promote)\n',
    );
    process.exitCode = EXIT.INCONCLUSIVE;
    return;
  }
  const caseByPath = new Map(known.map((one) => [nameOf(one.path), one.case]));
  const traceOf = (path: string): readonly string[] => {
    const input = caseByPath.get(path);
    return input === undefined ? [] : [...describePlatform(input.platform), '', ...stages.describe(input).lines];
  };
  const linkTo = (path: string): string => relative(resolve(output), resolve(path));
  const text = `${JSON.stringify(MATRIX_SCHEMA.check(result, 'flaws.json'), null, 2)}\n`;
  writeAtomic(join(output, 'flaws.json'), text);
  writeAtomic(join(output, 'flaws.md'), renderMatrixMarkdown(result, linkTo));
  writeAtomic(join(output, 'flaws.html'), renderMatrixHTML(result, traceOf, linkTo));
  terminal.out(json === true ? text : screen(result, output));
  if (wrongCells(result).length > 0) process.exitCode = EXIT.FINDING;
}

function wrongCells({ rows }: Matrix): readonly string[] {
  return rows.flatMap(({ number, name, cells }) =>
    cells.flatMap(({ kernel, status, why, difference }) => [
      ...(status === 'unproven'
        ? [`flaw ${number} (${name}), ${kernel}: ${why}, and the corpus has no minimal case`]
        : []),
      ...(difference === 'not explained'
        ? [`flaw ${number} (${name}), ${kernel}: ${status}, which differs from the sources`]
        : []),
    ]),
  );
}

const SIGN = { present: 'x', absent: '.', 'not applicable': '-', unproven: '?' } as const;

function screen(result: Matrix, output: string): string {
  const { kernels, rows, judged } = result;
  const width = rows.reduce((most, { name }) => (name.length > most ? name.length : most), 0);
  const line = (number: string, name: string, cells: readonly string[]): string =>
    `${number.padStart(3)}  ${name.padEnd(width)}  ${cells.map((cell, at) => cell.padEnd(kernels[at]?.length ?? 0)).join(' ')}`.trimEnd();
  const wrong = wrongCells(result);
  return [
    line('', 'x present, . absent, - not applicable', kernels),
    ...rows.map(({ number, name, cells }) =>
      line(
        String(number),
        name,
        cells.map(({ status, difference }) => `${SIGN[status]}${difference === '' ? '' : '*'}`),
      ),
    ),
    '',
    `${rows.length} flaws, ${judged} cases judged; * differs from the sources: see ${join(output, 'flaws.md')}`,
    ...wrong,
    '',
  ].join('\n');
}
