import { sourceLines } from '../describe/source-text.ts';
import { Command } from 'commander';
import { replayLine } from '../campaign/finding-text.ts';
import type { Case } from '../case.ts';
import { encodeCaseFile } from '../case.ts';
import type { Violation } from '../oracle/verdict.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import type { Description } from '../oracle/judge.ts';
import type { RuleText } from '../oracle/rule.ts';
import { publishedSchema } from '../schema.ts';
import { SHRINK_EVALUATIONS, shrink } from '../shrink/shrink.ts';
import { writeAtomic } from '../store/atomic.ts';
import { readCaseFile } from '../store/case-store.ts';
import { kindOfPath } from '../store/read.ts';
import type { Context } from './screen/context.ts';
import { refuseForeign } from './options/foreign-finding.ts';
import { UserError } from '../user-error.ts';
import { addProfileOptions, type ProfileOptions, profileOfCase } from './options/profile-options.ts';
import { positiveInteger } from './options/values.ts';

interface ShrinkOptions extends ProfileOptions {
  readonly bucket?: string;
  readonly evaluations: number;
  readonly output?: string;
  readonly json?: boolean;
}

/** What `shrink --json` prints. */
export interface ShrinkReport {
  readonly bucket: string;
  readonly invariant: string;
  readonly message: string;
  readonly before: { readonly events: number; readonly lps: number };
  readonly events: number;
  readonly lps: number;
  readonly minimal: boolean;
  readonly evaluations: number;
  /** File. */
  readonly case: string;
  readonly replay: string;
  readonly slipped: readonly Violation[];
  readonly rule: RuleText;
}

export const SHRINK_SCHEMA = publishedSchema<ShrinkReport>('./report/shrink.schema.json');

export function shrinkCommand(context: Context): Command {
  const command = new Command('shrink')
    .summary('make a failing case smaller')
    .description(
      'Makes a saved case smaller as long as it fails in the same bucket, and writes it back. Prints the rule, the run,\n' +
        'and the command that replays the case. A case that does not fail is an error.',
    )
    .argument('<case>', 'case file')
    .option(
      '--bucket <bucket>',
      'bucket to keep (default: the one that the file was saved for, else the first that it fails in)',
    )
    .option('--evaluations <n>', 'maximum number of cases to try', positiveInteger, 10 * SHRINK_EVALUATIONS)
    .option('--output <file>', 'file for the result (default: the case file itself)')
    .option('--json', 'print the result as JSON (harness/report/shrink.schema.json)');
  return addProfileOptions(command, context.stages, "the case's own").action((path: string, options: ShrinkOptions) =>
    run(context, path, options),
  );
}

function run({ stages, terminal }: Context, path: string, options: ShrinkOptions): void {
  if (kindOfPath(path) === 'folder') throw new UserError(`${path} is a folder: expected one case file`);
  const file = readCaseFile(path);
  refuseForeign(file, path, stages);
  const input: Case = { ...file.case, profile: profileOfCase(file.case.profile, options, stages, path) };
  const { violations } = stages.judge(input);
  const bucket = options.bucket ?? file.known?.bucket ?? file.finding?.bucket ?? violations[0]?.bucket;
  const result =
    bucket === undefined ? undefined : shrink(input, bucket, stages.judge, { evaluations: options.evaluations });
  if (bucket === undefined || result === undefined) {
    const others = violations.map((one) => `'${one.bucket}'`).join(', ');
    const instead = others === '' ? 'every invariant holds' : `it fails in ${others} (choose with --bucket)`;
    throw new UserError(
      `${path} does not fail${bucket === undefined ? '' : ` in '${bucket}'`} on kernel ${input.profile.kernel}: ${instead}`,
    );
  }
  const { invariant, message, event } = result.violation;
  const target = options.output ?? path;
  const finding = { invariant, bucket, message, event, minimal: result.minimal, origin: file.finding?.origin ?? path };
  writeAtomic(target, encodeCaseFile({ ...file, case: result.case, finding }));
  const report: ShrinkReport = {
    ...{ bucket, invariant, message, rule: stages.ruleOf(bucket) },
    before: { events: input.events.length, lps: input.platform.lps.length },
    events: result.case.events.length,
    lps: result.case.platform.lps.length,
    minimal: result.minimal,
    evaluations: result.evaluations,
    case: target,
    replay: replayLine(target),
    slipped: result.slipped.map(({ violation: { invariant: id, bucket: other, event: at, message: what } }) => ({
      ...{ invariant: id, bucket: other, event: at, message: what },
    })),
  };
  terminal.out(
    options.json === true
      ? `${JSON.stringify(report, null, 2)}\n`
      : render(report, stages.describe(result.case, result.violation)),
  );
}

function render(
  { before, events, lps, minimal, evaluations, invariant, message, slipped, replay, rule }: ShrinkReport,
  { lines, broken }: Description,
): string {
  return [
    `breaks ${invariant}: ${message}`,
    `severity ${rule.severity} (worst case of the rule): ${SEVERITIES[rule.severity]}`,
    `rule     ${rule.statement}`,
    ...sourceLines(rule.source).map((line, index) => `${index === 0 ? 'source' : '      '}   ${line}`),
    ...lines.map((line, index) => `  ${index === broken ? '>' : '|'} ${line}`),
    `${before.events} events on ${before.lps} LPs, now ${events} on ${lps} (${evaluations} tries); ${minimal ? 'nothing can be removed' : 'not proved minimal'}`,
    ...slipped.map(({ bucket }) => `another failure met while shrinking: ${bucket}`),
    replay,
    '',
  ].join('\n');
}
