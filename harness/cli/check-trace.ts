import { counted } from '../text.ts';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ReleaseName } from '../../model/module/release.ts';
import { RELEASES } from '../../model/module/release.ts';
import type { CheckSummary } from '../transcript/check.ts';
import { checkTraces } from '../transcript/check.ts';
import type { RepeatMode } from '../transcript/module-replay.ts';
import { TraceFormatError } from '../transcript/replay.ts';
import type { ExitCode } from '../user-error.ts';
import { EXIT, UserError } from '../user-error.ts';

interface Options {
  readonly json?: true;
  readonly first: number;
  readonly module: ReleaseName;
  readonly single?: true;
}

/** `seamstress check-trace FILE...`: replays recorded transcripts on the model. */
export function checkTraceCommand(): Command {
  return new Command('check-trace')
    .summary('compare recorded transcripts with the model')
    .description(
      [
        'Replays recorded transcripts (JSON Lines, plain or gzip) of the TDX module or of Linux on the model. Prints for',
        "each mismatch the case, the step, what was compared, the recorded value, the model's value and the model's",
        'reason; then what was not compared, and the totals.',
        '',
        'Exit codes: 0 all cases agree; 1 some do not; 2 a file is damaged or has another format; 3 nothing was compared;',
        '4 a file cannot be read.',
      ].join('\n'),
    )
    .argument('<file...>', 'transcripts, such as corpus/transcripts/module-1.5.01.jsonl.gz')
    .option('--json', 'print the result as JSON (harness/transcript/check-trace.schema.json)')
    .option('--first <count>', 'maximum number of mismatches to print', positiveInteger, 20)
    .addOption(
      new Option('--module <release>', 'TDX module release to compare transcripts of the module with')
        .choices(Object.keys(RELEASES))
        .default('1.5.01-recorded'),
    )
    .option('--single', 'run the calls of a repeat one by one, even if the model can count them')
    .action(async (files: string[], options: Options) => {
      const summary = await check(files, options);
      process.stdout.write(options.json === true ? `${JSON.stringify(summary)}\n` : render(summary));
      process.exitCode = exitCodeOf(summary);
    });
}

async function check(files: readonly string[], { first, module, single }: Options): Promise<CheckSummary> {
  const repeat: RepeatMode = single === true ? 'single' : 'counted';
  try {
    return await checkTraces(files, { release: RELEASES[module], repeat }, first);
  } catch (error) {
    if (error instanceof TraceFormatError) throw new UserError(error.message, EXIT.USAGE);
    if (isFileError(error)) throw new UserError(`cannot read the transcript: ${error.message}`, EXIT.CANNOT_RUN);
    throw error;
  }
}

function exitCodeOf({ matched, mismatched }: CheckSummary): ExitCode {
  if (mismatched !== 0) return EXIT.FINDING;
  return matched === 0 ? EXIT.INCONCLUSIVE : EXIT.OK;
}

function render(summary: CheckSummary): string {
  const { files, cases, steps, seamcalls, matched, mismatched, skipped, mismatches } = summary;
  const lines: string[] = [];
  for (const { file, id, step, what, expected, got, reason } of mismatches) {
    lines.push(
      `MISMATCH  ${file}: ${id}, ${step < 0 ? 'boot' : `step ${step}`}, ${what}`,
      `          recorded ${expected}`,
      `          model    ${got}`,
      `          because  ${reason}`,
    );
  }
  for (const { reason, count } of skipped) lines.push(`not compared: ${reason} (${count})`);
  lines.push(
    `${counted(cases, 'case')} in ${counted(files, 'file')}, ${counted(steps, 'step')}, ${counted(seamcalls, 'SEAMCALL')}: ${matched} agree, ${mismatched} do not`,
  );
  if (matched + mismatched === 0) lines.push('nothing was compared');
  return `${lines.join('\n')}\n`;
}

function positiveInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError(`Expected a whole number above 0, got '${text}'.`);
  return value;
}

function isFileError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}
