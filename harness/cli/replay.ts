import { sourceLines } from '../describe/source-text.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import { counted } from '../text.ts';
import { Command } from 'commander';
import type { Stages } from '../campaign/stages.ts';
import type { Case, CaseFile, Known } from '../case.ts';
import { describePlatform } from '../describe/describe-platform.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { Violation } from '../oracle/verdict.ts';
import { bucketLine } from '../describe/bucket-text.ts';
import type { Palette } from '../report/console.ts';
import { publishedSchema } from '../schema.ts';
import { stackOf } from '../shrink/probe.ts';
import { type KnownDeviation, knownOfKernel } from '../store/known.ts';
import { locateCases } from './options/case-argument.ts';
import type { Context } from './screen/context.ts';
import { openCorpus } from './options/corpus-option.ts';
import { EXIT, type ExitCode, UserError } from '../user-error.ts';
import { refuseForeign } from './options/foreign-finding.ts';
import { addProfileOptions, type ProfileOptions, profileOfCase } from './options/profile-options.ts';
import { mapStack } from './screen/stack.ts';
import { oneOf } from './options/values.ts';

interface ReplayOptions extends ProfileOptions {
  readonly corpus?: string;
  readonly output: string;
  readonly mood: string;
  readonly json?: boolean;
  readonly trace?: boolean;
}

/** What `replay --json` prints. */
export interface ReplayReport {
  /** The value of `--kernel`; null without it. */
  readonly kernel: string | null;
  readonly broken: number;
  readonly fixed: number;
  readonly errors: number;
  /** Number of `broken` cases of which every violation is known. */
  readonly known: number;
  readonly results: readonly ReplayResult[];
}

export interface ReplayResult {
  readonly name: string;
  /** broken: an invariant is violated. fixed: none is. error: the case could not be run. */
  readonly status: 'broken' | 'fixed' | 'error';
  /** Every violation is a known deviation of that kernel. */
  readonly known: boolean;
  readonly kernel?: string;
  readonly module?: string;
  readonly events?: number;
  readonly violations: readonly ReplayViolation[];
  /** The status as a sentence. */
  readonly message: string;
  /** The known deviations among the violations, with reason and source, one per bucket. */
  readonly deviations?: readonly Known[];
  /** The machine in a few lines. Present if `trace` is. */
  readonly machine?: readonly string[];
  readonly trace?: readonly string[];
  /** Index in `trace` of the line that broke the rule. Present if `trace` is. */
  readonly broken?: number | null;
}

interface ReplayViolation extends Violation {
  readonly rule: RuleText;
}

export const REPLAY_SCHEMA = publishedSchema<ReplayReport>('./report/replay.schema.json');

export function replayCommand(context: Context): Command {
  const { stages } = context;
  const command = new Command('replay')
    .summary('run saved cases again')
    .description(
      [
        'Runs cases again and reports each as broken (it violates a rule), known (broken, but every violation is a known',
        'deviation), fixed (no violation) or error (it cannot be run). Prints for a broken case the machine, the run, the',
        'rule, its source and severity, and the reason if the deviation is known.',
        '',
        'Exit codes: 0 no case is broken, or known deviations only; 1 a case is broken; 2 a case cannot be run; 3 no case',
        'was found.',
      ].join('\n'),
    )
    .argument('<case...>', 'case file, folder of case files, bucket, or SEED:INDEX')
    .option('--mood <name>', 'mood that SEED:INDEX was generated with', oneOf(stages.moods, 'mood'), stages.moods[0])
    .option('--corpus <folder>', 'folder of known deviations (default: the corpus of this checkout)')
    .option('--output <folder>', 'output folder of `fuzz`, whose findings are searched for buckets', 'reports')
    .option('--trace', 'print the run of every case (default: of a single case, and of new breakage)')
    .option('--json', 'print the results as JSON (harness/report/replay.schema.json)');
  return addProfileOptions(command, stages, "the case's own").action(
    (names: readonly string[], options: ReplayOptions) => replay(context, names, options),
  );
}

function replay(context: Context, names: readonly string[], options: ReplayOptions): void {
  const { terminal, stages } = context;
  const corpus = openCorpus(context, options.corpus);
  const located = locateCases(names, { ...options, corpus, stages });
  let stack: string | undefined;
  const results = located.map(({ name, load }) => {
    try {
      return replayOne(stages, name, load(), options, corpus.known, options.trace === true || located.length === 1);
    } catch (error) {
      if (!(error instanceof UserError)) stack ??= stackOf(error);
      const message = error instanceof UserError ? error.message : `${name}: internal error`;
      return { name, status: 'error', known: false, violations: [], message } as const;
    }
  });
  const count = (status: ReplayResult['status']): number => results.filter((one) => one.status === status).length;
  const report: ReplayReport = {
    kernel: options.kernel ?? null,
    ...{ broken: count('broken'), fixed: count('fixed'), errors: count('error') },
    known: results.filter(({ known }) => known).length,
    results,
  };
  if (options.json === true) terminal.out(`${JSON.stringify(report, null, 2)}\n`);
  else terminal.out(render(report, context));
  if (stack !== undefined)
    terminal.err(`seamstress: internal error; please report this bug with the stack below\n${mapStack(stack)}\n`);
  process.exitCode = exitCodeOf(report, stack !== undefined);
}

function replayOne(
  stages: Stages,
  name: string,
  file: CaseFile,
  options: ReplayOptions,
  known: readonly KnownDeviation[],
  withTrace: boolean,
): ReplayResult {
  refuseForeign(file, name, stages);
  const profile = profileOfCase(file.case.profile, options, stages, name);
  const input: Case = { ...file.case, profile };
  const violations = stages.judge(input).violations.map((one) => ({ ...one, rule: stages.ruleOf(one.bucket) }));
  const expected = file.known?.bucket ?? file.finding?.bucket;
  const buckets = knownOfKernel(known, profile.kernel);
  const status = violations.length > 0 ? 'broken' : 'fixed';
  const isKnown = status === 'broken' && violations.every(({ bucket }) => buckets.has(bucket));
  return {
    name,
    status,
    known: isKnown,
    ...profile,
    events: input.events.length,
    violations,
    message: describeOutcome(violations, expected),
    deviations: deviationsOf(violations, buckets, file, profile.kernel),
    ...(withTrace || (status === 'broken' && !isKnown)
      ? { machine: describePlatform(input.platform), ...runOf(stages, input, shownOf(violations, expected)) }
      : {}),
  };
}

function runOf({ describe }: Stages, input: Case, violation?: Violation): Pick<ReplayResult, 'trace' | 'broken'> {
  const { lines, broken } = describe(input, violation);
  return { trace: lines, broken };
}

/** The violation that a case was saved for, else the first one. */
function shownOf<T extends Violation>(violations: readonly T[], expected: string | undefined): T | undefined {
  return violations.find(({ bucket }) => bucket === expected) ?? violations[0];
}

/** The known deviations among the violations: from the corpus, or from the case file on its own kernel. */
function deviationsOf(
  violations: readonly Violation[],
  buckets: ReadonlyMap<string, Known>,
  { known: own, case: { profile } }: CaseFile,
  kernel: string,
): readonly Known[] {
  return [...new Set(violations.map(({ bucket }) => bucket))].flatMap((bucket) => {
    const found = own?.bucket === bucket && profile.kernel === kernel ? own : buckets.get(bucket);
    if (found === undefined) return [];
    const { invariant, reason, source } = found;
    return [{ invariant, bucket, reason, source }];
  });
}

function describeOutcome(violations: readonly Violation[], expected: string | undefined): string {
  if (violations.length === 0)
    return expected === undefined ? 'every invariant holds' : `no longer fails in '${expected}'`;
  const shown = shownOf(violations, expected);
  const what = `breaks ${shown?.invariant}: ${shown?.message}`;
  const moved = expected !== undefined && violations.every(({ bucket }) => bucket !== expected);
  return moved ? `${what} (was saved for '${expected}', which no longer occurs)` : what;
}

function exitCodeOf({ results, broken, known, errors }: ReplayReport, internal: boolean): ExitCode {
  if (internal) return EXIT.INTERNAL;
  if (broken > known) return EXIT.FINDING;
  if (errors > 0) return EXIT.USAGE;
  return results.length === 0 ? EXIT.INCONCLUSIVE : EXIT.OK;
}

function render({ results, broken, fixed, errors, known }: ReplayReport, { palette }: Context): string {
  const { bad, good, strong, dim } = palette();
  const lines = results.flatMap((result) => {
    const { name, status, known: isKnown, violations, message, kernel, module } = result;
    const { deviations = [], machine = [], trace = [], broken = null } = result;
    const paint = status === 'fixed' || isKnown ? good : bad;
    const profile = kernel === undefined ? '' : dim(` (kernel ${kernel}, module ${module})`);
    return [
      `${paint(isKnown ? 'known ' : status.padEnd(6))}  ${strong(name)}${profile}`,
      ...machine.map((line) => `        ${dim(line)}`),
      ...trace.map((line, index) => `        ${index === broken ? bad('>') : dim('|')} ${line}`),
      ...(violations.length === 0 || message.includes('was saved for') ? [`        ${message}`] : []),
      ...violations.flatMap((violation, at) =>
        violations.findIndex(({ bucket }) => bucket === violation.bucket) === at
          ? [...violationLines(violation, palette()), ...reasonLines(violation.bucket, deviations)]
          : [],
      ),
    ];
  });
  if (results.length === 0) return 'no case found: nothing was replayed\n';
  const counts = `${broken} broken (${known} of them known), ${fixed} fixed, ${counted(errors, 'error')}`;
  return [...lines, '', counts, ''].join('\n');
}

function violationLines({ invariant, message, bucket, rule }: ReplayViolation, { strong, dim }: Palette): string[] {
  return [
    `        breaks ${strong(invariant)}: ${message}`,
    `        rule     ${rule.statement}`,
    ...sourceLines(rule.source).map((line, index) => `        ${index === 0 ? 'source' : '      '}   ${line}`),
    `        severity ${rule.severity} (worst case of the rule): ${SEVERITIES[rule.severity]}`,
    `        ${dim(`bucket   ${bucketLine(bucket)}`)}`,
  ];
}

/** The lines below a bucket: the reason of a known deviation, and its source. */
function reasonLines(bucket: string, deviations: readonly Known[]): string[] {
  return deviations
    .filter((one) => one.bucket === bucket)
    .flatMap(({ reason, source }) => [`        why      ${reason}`, `        seen in  ${source}`]);
}
