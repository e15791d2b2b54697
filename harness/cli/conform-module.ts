import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RELEASES, type ReleaseName } from '../../model/module/release.ts';
import type { Level } from '../implementations/compare.ts';
import { conformModule } from '../implementations/conform.ts';
import type { Question } from '../implementations/messages.ts';
import { openModule } from '../implementations/open.ts';
import type { ImplementationName } from '../implementations/registry.ts';
import type { ConformReport, ImplementationReport } from '../implementations/report.ts';
import type { Timeouts } from '../implementations/timeouts.ts';
import { readJSONLines } from '../trace/json-lines.ts';
import type { Context } from './context.ts';
import { EXIT, UserError } from './exit.ts';
import type { Interrupts } from './interrupt.ts';

export interface ModuleConformOptions {
  readonly module: ReleaseName;
  readonly compare: Level;
  readonly seed: string;
  readonly budget: { readonly runs: number } | { readonly seconds: number };
  readonly timeouts: Timeouts;
  readonly restarts: number;
  readonly bail: boolean;
  readonly suite: string;
}

/** Runs `conform` for implementations that answer SEAMCALLs, one after the other. */
export async function conformModules(
  { terminal, version }: Context,
  names: readonly ImplementationName[],
  options: ModuleConformOptions,
  interrupts: Interrupts,
): Promise<ConformReport> {
  const { module, compare: level, seed, budget, timeouts, restarts, bail } = options;
  const suite = await readSuite(options.suite);
  const implementations: ImplementationReport[] = [];
  for (const name of names) {
    const runner = await openModule(name, {
      timeouts,
      version,
      now: Date.now,
      validate: 'sampled',
      profile: { module },
      withState: level === 'state',
      restartsMax: restarts,
    });
    try {
      const report = await conformModule(name.text, runner, {
        release: RELEASES[module],
        level,
        suite,
        seed,
        budget,
        now: Date.now,
        interrupted: () => interrupts.signal() !== undefined,
        bail,
        tell: terminal.err,
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

/** The conformance suite: every `.jsonl` of the folder, in the order of their names. */
export async function readSuite(folder: string): Promise<readonly Question[]> {
  const cases: Question[] = [];
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  } catch {
    throw new UserError(`cannot read the conformance suite in ${folder}`);
  }
  for (const name of [...names].sort()) {
    for await (const { value } of readJSONLines(join(folder, name))) cases.push(value as Question);
  }
  if (cases.length === 0) throw new UserError(`no case in ${folder}: expected *.jsonl`);
  return cases;
}
