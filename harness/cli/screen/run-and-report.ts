import { join } from 'node:path';
import { type CampaignConfig, type CampaignPorts, runCampaign } from '../../campaign/campaign.ts';
import { type Executor, startExecutor } from '../../campaign/executor.ts';
import type { CampaignRecord, Header } from '../../campaign/record.ts';
import type { StagesSource } from '../../campaign/stages.ts';
import { renderScreen } from '../../report/console.ts';
import { summarise } from '../../report/summary.ts';
import type { CaseFile } from '../../case.ts';
import { requireWritable } from '../../store/atomic.ts';
import { bucketFileName } from '../../store/case-store.ts';
import { UserError } from '../../user-error.ts';
import type { Context } from './context.ts';
import { type Reporter, writeReports } from './fuzz-reports.ts';
import { catchInterrupts } from './interrupt.ts';
import { progressLine } from './progress.ts';
import { openRecorder } from './recorder.ts';
import { mapStack } from './stack.ts';

/** The options that choose the output. */
export interface OutputOptions {
  readonly output: string;
  readonly reporter?: readonly Reporter[];
  readonly json?: boolean;
  readonly timings: boolean;
  readonly quiet?: boolean;
}

/** A campaign and its place on the screen and on disk. */
export interface ReportedRun extends Pick<CampaignPorts, 'save' | 'discard'> {
  readonly config: CampaignConfig;
  readonly header: Header;
  readonly source: StagesSource;
  readonly workers: number;
  /** Name of the event stream and of the reports, without its ending. */
  readonly name: string;
  /** Total number of cases, for the progress line; `null` if it is not known in advance. */
  readonly total: number | null;
  /** Text after "internal error", above the stack, if judging the case `origin` threw. */
  readonly crashed: (origin: string) => string;
}

/** Checks that `output` can be written to, and returns its folder of findings. Throws a UserError if it cannot. */
export function openOutput(output: string): string {
  const findings = join(output, 'findings');
  for (const folder of [output, findings]) requireWritable(folder);
  return findings;
}

/**
 * Runs a campaign, writes its records and reports, prints the last screen or the summary, and sets the exit code. If a
 * file cannot be written (a full disk), the campaign ends, prints its findings, and then throws a UserError.
 */
export async function runAndReport(context: Context, run: ReportedRun, options: OutputOptions): Promise<void> {
  const { records, failure } = await recordCampaign(context, run, options);
  const { terminal, palette } = context;
  const summary = summarise(records);
  terminal.out(options.json === true ? `${JSON.stringify(summary, null, 2)}\n` : renderScreen(records, palette()));
  const { crash } = summary;
  if (crash !== null)
    terminal.err(`seamstress: internal error${run.crashed(crash.origin)}\n${mapStack(crash.stack)}\n`);
  process.exitCode = summary.exitCode;
  if (failure !== null) throw failure;
  writeReports(options.output, run.name, records, options.reporter ?? []);
}

interface Recorded {
  readonly records: readonly CampaignRecord[];
  /** Why some record or finding is not on disk; `null` if all are. */
  readonly failure: UserError | null;
}

async function recordCampaign(
  { terminal }: Context,
  { config, header, source, workers, name, total, save, discard }: ReportedRun,
  { output, timings, quiet = false }: OutputOptions,
): Promise<Recorded> {
  const recorder = openRecorder(join(output, `${name}.ndjson`), timings, Date.now);
  let executor: Executor | undefined;
  const unsaved: { first: UserError | null } = { first: null };
  const interrupts = catchInterrupts(terminal, () => executor?.stop());
  const progress = progressLine(terminal, total, Date.now);
  try {
    executor = await startExecutor(workers, source);
    if (!quiet) progress.follow(executor.tries);
    recorder.emit(header);
    await runCampaign(config, {
      executor,
      now: Date.now,
      interrupted: interrupts.signal,
      failed: () => recorder.failure() !== null || unsaved.first !== null,
      save: (bucket, file) => saveOrNote(save, bucket, file, unsaved),
      ...(discard !== undefined && { discard }),
      emit: recorder.emit,
      progress: quiet ? () => undefined : progress.show,
    });
  } finally {
    progress.end();
    interrupts.release();
    recorder.close();
    await executor?.close();
  }
  return { records: recorder.records, failure: unsaved.first ?? recorder.failure() };
}

/** A finding that cannot be saved is still printed, with "(not saved: ...)" in place of its path. */
function saveOrNote(
  save: ReportedRun['save'],
  bucket: string,
  file: CaseFile,
  unsaved: { first: UserError | null },
): string {
  try {
    return save(bucket, file);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    unsaved.first ??= error;
    return `(not saved: ${bucketFileName(bucket)})`;
  }
}
