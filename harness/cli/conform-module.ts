import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Level } from '../implementations/module/compare-answers.ts';
import { conformModule } from '../implementations/module/conform.ts';
import type { ModuleCaseText } from '../implementations/protocol/messages.ts';
import type { IdentifiedModule } from '../implementations/open.ts';
import { withoutAnswers } from '../implementations/module/prepare.ts';
import type { ConformReport, ModuleFinding, ImplementationReport } from '../implementations/module/report.ts';
import {
  renderConformHTML,
  renderConformJUnit,
  renderConformMarkdown,
} from '../implementations/module/report-pages.ts';
import { renderConformText } from '../implementations/module/report-screen.ts';
import type { Timeouts } from '../implementations/process/timeouts.ts';
import { findRelease } from '../profile.ts';
import { requireWritable, writeAtomic } from '../store/atomic.ts';
import { readJSONLines } from '../transcript/json-lines.ts';
import { readModuleInputs } from '../transcript/module-case.ts';
import { TraceFormatError } from '../transcript/replay.ts';
import type { Context } from './screen/context.ts';
import { EXIT, UserError } from '../user-error.ts';
import { catchInterrupts, type Interrupts } from './screen/interrupt.ts';

export interface ModuleOptions {
  readonly module?: string;
  readonly compare: Level;
  readonly case?: readonly string[];
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly timeout: Timeouts;
  readonly restarts: number;
  readonly output: string;
  readonly reporter?: readonly string[];
  readonly bail?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const DEFAULT_MODULE = '1.5.01';
const DEFAULT_SECONDS = 30;

/** Runs the conformance suite and generated cases against implementations that answer SEAMCALLs. Sets the exit code. */
export async function conformModules(
  context: Context,
  modules: readonly IdentifiedModule[],
  options: ModuleOptions,
): Promise<void> {
  const { terminal } = context;
  const folder = join(options.output, 'conform');
  requireWritable(folder);
  const interrupts = catchInterrupts(terminal);
  try {
    const report = await examineAll(context, modules, options, interrupts);
    const files = new Map<ModuleFinding, string>();
    for (const [index, one] of report.implementations.entries()) {
      const { name } = one.identity;
      const namesakes = report.implementations.slice(0, index).filter(({ identity }) => identity.name === name).length;
      const label = namesakes === 0 ? name : `${name} ${namesakes + 1}`;
      for (const finding of one.findings) {
        const file = join(folder, `${fileName(label)}-${fileName(finding.bucket)}.jsonl`);
        writeAtomic(file, `${JSON.stringify(finding.case)}\n`);
        files.set(finding, file);
      }
    }
    const written = writeReports(report, options);
    if (files.size !== 0) written.push(`${files.size} ${files.size === 1 ? 'case' : 'cases'} in ${folder}`);
    if (written.length !== 0 && options.quiet !== true) terminal.err(`wrote ${written.join(', ')}\n`);
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

const RENDERERS: readonly (readonly [string, string, (report: ConformReport) => string])[] = [
  ['json', 'json', (report) => `${JSON.stringify(report, null, 2)}\n`],
  ['junit', 'xml', renderConformJUnit],
  ['markdown', 'md', renderConformMarkdown],
  ['html', 'html', renderConformHTML],
];

/** Writes the reports of --reporter and returns their files. */
function writeReports(report: ConformReport, { output, reporter = [] }: ModuleOptions): string[] {
  return RENDERERS.filter(([name]) => reporter.includes(name)).map(([, ending, render]) => {
    const file = join(output, `conform.${ending}`);
    writeAtomic(file, render(report));
    return file;
  });
}

async function examineAll(
  { terminal, version, root }: Context,
  modules: readonly IdentifiedModule[],
  options: ModuleOptions,
  interrupts: Interrupts,
): Promise<ConformReport> {
  const { module = DEFAULT_MODULE, compare: level, seed, restarts, bail = false, quiet } = options;
  const release = findRelease(module);
  const suite =
    options.case === undefined ? await readSuite(join(root, 'corpus/conformance')) : await readCases(options.case);
  const budget =
    options.case !== undefined
      ? { runs: 0 }
      : options.runs === undefined
        ? { seconds: options.time ?? DEFAULT_SECONDS }
        : { runs: options.runs };
  const implementations: ImplementationReport[] = [];
  for (const { name, open } of modules) {
    const runner = await open({ profile: { module }, withState: level === 'state', restartsMax: restarts });
    try {
      const report = await conformModule(name.text, runner, {
        release,
        level,
        suite,
        seed,
        budget,
        now: Date.now,
        interrupted: () => interrupts.signal() !== undefined,
        bail,
        tell: quiet === true ? () => undefined : terminal.err,
      });
      implementations.push(report);
    } finally {
      await runner.close();
    }
  }
  const exitCode = exitCodeOf(implementations, interrupts);
  return { format: 'seamstress-conform', formatVersion: 1, version, module, seed, implementations, exitCode };
}

function exitCodeOf(reports: readonly ImplementationReport[], interrupts: Interrupts): number {
  const signal = interrupts.signal();
  if (signal !== undefined) return EXIT[signal];
  if (reports.some(({ exhausted }) => exhausted !== null)) return EXIT.CANNOT_RUN;
  if (reports.some(({ findings }) => findings.length !== 0)) return EXIT.FINDING;
  return reports.every(({ counts }) => counts.observed !== 0) ? EXIT.OK : EXIT.INCONCLUSIVE;
}

/** The conformance suite: every `.jsonl` of the folder, in the order of the names. */
export async function readSuite(folder: string): Promise<readonly ModuleCaseText[]> {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  } catch {
    throw new UserError(`cannot read the conformance suite: expected a folder ${folder} with *.jsonl`);
  }
  const cases = await readCases([...names].sort().map((name) => join(folder, name)));
  if (cases.length === 0) throw new UserError(`no case in ${folder}: expected *.jsonl`);
  return cases;
}

/** Cases in the shape of recordings, with or without answers. Throws a UserError for a file that is not of this shape. */
async function readCases(files: readonly string[]): Promise<readonly ModuleCaseText[]> {
  const cases: ModuleCaseText[] = [];
  for (const file of files) {
    try {
      for await (const { value } of readJSONLines(file)) {
        readModuleInputs(withoutAnswers(value as ModuleCaseText));
        cases.push(value as ModuleCaseText);
      }
    } catch (error) {
      if (error instanceof TraceFormatError) throw new UserError(`${file}: ${error.message}`);
      if (error instanceof Error && 'syscall' in error) throw new UserError(`cannot read ${file}: ${error.message}`);
      throw error;
    }
  }
  return cases;
}

function fileName(text: string): string {
  return text
    .replace(/[^A-Za-z0-9.]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(-100);
}
