import { join } from 'node:path';
import { Command, Option } from 'commander';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import { LEVELS, type Level } from '../implementations/compare.ts';
import { parseImplementation } from '../implementations/registry.ts';
import type { Finding } from '../implementations/report.ts';
import { renderConformHTML, renderConformJUnit, renderConformMarkdown } from '../implementations/report-matrix.ts';
import { renderConformText } from '../implementations/report-text.ts';
import type { Timeouts } from '../implementations/timeouts.ts';
import { requireWritable, writeAtomic } from '../store/atomic.ts';
import { conformModules } from './conform-module.ts';
import type { Context } from './context.ts';
import { UserError } from './exit.ts';
import { catchInterrupts } from './interrupt.ts';
import { timeoutOption } from './timeout-option.ts';
import { duration, listOf, oneOf, positiveInteger, seed } from './values.ts';

interface Options {
  readonly module: ReleaseName;
  readonly compare: Level;
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly timeout: Timeouts;
  readonly restarts: number;
  readonly output: string;
  readonly reporter?: readonly string[];
  readonly bail?: boolean;
  readonly json?: boolean;
}

const REPORTERS = ['json', 'junit', 'markdown', 'html'];
const DEFAULT_SECONDS = 30;
const DEFAULT_RESTARTS = 100;

/** `seamstress conform IMPL...`: implementations that are not ours, against the model. */
export function conformCommand(context: Context): Command {
  return new Command('conform')
    .summary('check implementations that are not ours')
    .argument('<implementation...>', 'stdio:COMMAND, or the path of a TypeScript or JavaScript module')
    .addOption(new Option('--module <release>', 'TDX module release').choices(Object.keys(RELEASES)).default('1.5.01'))
    .addOption(
      new Option('--compare <level>', `how closely: ${LEVELS.join(', ')}`)
        .argParser(oneOf(LEVELS, 'level'))
        .default('registers'),
    )
    .addOption(new Option('--seed <text>', 'what cases are generated from').argParser(seed).default('seamstress'))
    .addOption(new Option('--runs <n>', 'number of generated cases').argParser(positiveInteger))
    .addOption(
      new Option('--time <t>', `generated cases for this long (default: ${DEFAULT_SECONDS}s)`)
        .argParser(duration)
        .conflicts('runs'),
    )
    .addOption(timeoutOption())
    .addOption(
      new Option('--restarts <n>', 'failures to restart after').argParser(positiveInteger).default(DEFAULT_RESTARTS),
    )
    .addOption(new Option('--output <folder>', 'where findings and reports go').default('reports'))
    .addOption(
      new Option('--reporter <names>', `reports to write: ${REPORTERS.join(', ')}`).argParser(
        listOf(REPORTERS, 'reporter'),
      ),
    )
    .option('--bail', 'stop at the first finding')
    .option('--json', 'print the report as JSON (harness/implementations/conform.schema.json)')
    .action((names: readonly string[], options: Options) => conform(context, names, options));
}

async function conform(context: Context, names: readonly string[], options: Options): Promise<void> {
  const { terminal } = context;
  const implementations = names.map(parseImplementation);
  if (implementations.some(({ kind }) => kind === 'linux'))
    throw new UserError('linux: implementations make SEAMCALLs: not here');
  const folder = join(options.output, 'conform');
  requireWritable(folder);
  const interrupts = catchInterrupts(terminal);
  try {
    const report = await conformModules(
      context,
      implementations,
      {
        module: options.module,
        compare: options.compare,
        seed: options.seed,
        budget: options.runs === undefined ? { seconds: options.time ?? DEFAULT_SECONDS } : { runs: options.runs },
        timeouts: options.timeout,
        restarts: options.restarts,
        bail: options.bail ?? false,
        suite: join(context.root, 'corpus/conformance'),
      },
      interrupts,
    );
    const files = new Map<Finding, string>();
    for (const one of report.implementations) {
      for (const finding of one.findings) {
        const file = join(folder, `${fileName(one.name)}-${fileName(finding.bucket)}.jsonl`);
        writeAtomic(file, `${JSON.stringify(finding.case)}\n`);
        files.set(finding, file);
      }
    }
    const reporters = options.reporter ?? [];
    const base = join(options.output, 'conform');
    if (reporters.includes('json')) writeAtomic(`${base}.json`, `${JSON.stringify(report, null, 2)}\n`);
    if (reporters.includes('junit')) writeAtomic(`${base}.xml`, renderConformJUnit(report));
    if (reporters.includes('markdown')) writeAtomic(`${base}.md`, renderConformMarkdown(report));
    if (reporters.includes('html')) writeAtomic(`${base}.html`, renderConformHTML(report));
    terminal.out(
      options.json === true
        ? `${JSON.stringify(report, null, 2)}\n`
        : renderConformText(report, (finding) => files.get(finding) ?? null),
    );
    process.exitCode = report.exitCode;
  } finally {
    interrupts.release();
  }
}

function fileName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(-100);
}
