import { counted } from '../text.ts';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { Budget, Shard } from '../campaign/budget.ts';
import { type CampaignConfig, runCampaign } from '../campaign/campaign.ts';
import { type Executor, startExecutor } from '../campaign/executor.ts';
import type { Header } from '../campaign/record.ts';
import { renderScreen } from '../report/console.ts';
import { summarise } from '../report/summary.ts';
import { SHRINK_EVALUATIONS } from '../shrink/shrink.ts';
import { requireWritable, sweepTemporaries } from '../store/atomic.ts';
import { saveFinding } from '../store/case-store.ts';
import { knownOfKernel } from '../store/known.ts';
import type { Context } from './screen/context.ts';
import { openCorpus } from './options/corpus-option.ts';
import { REPORTERS, type Reporter, writeReports } from './screen/fuzz-reports.ts';
import { catchInterrupts } from './screen/interrupt.ts';
import { addProfileOptions, type ProfileOptions, profileOf } from './options/profile-options.ts';
import { progressLine } from './screen/progress.ts';
import { openRecorder } from './screen/recorder.ts';
import { mapStack } from './screen/stack.ts';
import { duration, listOf, oneOf, positiveInteger, seed, shard } from './options/values.ts';

export interface FuzzOptions extends ProfileOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly workers: number;
  readonly shard: Shard;
  readonly mood: string;
  readonly corpus?: string;
  readonly output: string;
  readonly reporter?: readonly Reporter[];
  readonly bail?: boolean;
  readonly json?: boolean;
  readonly timings: boolean;
  readonly quiet?: boolean;
}

/** Fixed, so that two people who type the same see the same. */
const DEFAULT_SEED = 'seamstress';
const DEFAULT_RUNS = 100_000;

export function fuzzCommand(context: Context): Command {
  const { stages } = context;
  const [mood = ''] = stages.moods;
  const command = new Command('fuzz')
    .description('attack a kernel revision and a TDX module with generated machines and events')
    .addOption(
      new Option('--seed <text>', 'what every case is generated from')
        .env('SEAMSTRESS_SEED')
        .argParser(seed)
        .default(DEFAULT_SEED),
    )
    .addOption(
      new Option('--runs <n>', `number of cases (default: ${DEFAULT_RUNS})`)
        .env('SEAMSTRESS_RUNS')
        .argParser(positiveInteger),
    )
    .addOption(
      new Option('--time <t>', 'for this long instead, such as 30s, 10m or 2h')
        .env('SEAMSTRESS_TIME')
        .argParser(duration)
        .conflicts('runs'),
    )
    .addOption(
      new Option('--workers <n>', 'threads; changes nothing but the speed')
        .env('SEAMSTRESS_WORKERS')
        .argParser(positiveInteger)
        .default(availableParallelism(), 'all cores'),
    )
    .addOption(
      new Option('--shard <i/n>', 'run only the ith of n parts of the campaign')
        .env('SEAMSTRESS_SHARD')
        .argParser(shard)
        .default({ index: 1, count: 1 }, '1/1'),
    )
    .addOption(
      new Option('--mood <name>', `what cases are made of: ${stages.moods.join(', ')}`)
        .env('SEAMSTRESS_MOOD')
        .argParser(oneOf(stages.moods, 'mood'))
        .default(mood),
    )
    .addOption(
      new Option(
        '--corpus <folder>',
        'known deviations and cases to start with (default: the one of this checkout)',
      ).env('SEAMSTRESS_CORPUS'),
    )
    .addOption(
      new Option('--output <folder>', 'where findings and reports go').env('SEAMSTRESS_OUTPUT').default('reports'),
    )
    .addOption(
      new Option('--reporter <names>', `reports to write besides the event stream: ${REPORTERS.join(', ')}`).argParser(
        listOf(REPORTERS, 'reporter'),
      ),
    )
    .option('--bail', 'stop at the first finding')
    .option('--json', 'print a JSON summary instead of the last screen')
    .option(
      '--no-timings',
      'leave out of records and reports what depends on the clock: same seed and runs, same bytes',
    )
    .option('-q, --quiet', 'no progress');
  return addProfileOptions(command, stages).action((options: FuzzOptions) => fuzz(context, options));
}

async function fuzz(context: Context, options: FuzzOptions): Promise<void> {
  const { stages, terminal, palette } = context;
  const profile = profileOf(options, stages);
  const budget: Budget = options.time === undefined ? { runs: options.runs ?? DEFAULT_RUNS } : { time: options.time };
  const { known, cases } = openCorpus(context, options.corpus);
  const findings = join(options.output, 'findings');
  for (const folder of [options.output, findings]) {
    requireWritable(folder);
    sweepTemporaries(folder);
  }
  const { seed: seedText, mood, bail = false } = options;
  const config: CampaignConfig = {
    ...{ seed: seedText, profile, mood, budget, shard: options.shard, bail },
    shrinkEvaluations: SHRINK_EVALUATIONS,
    known: knownOfKernel(known, profile.kernel),
    given: cases.map((one) => ({ ...one, case: { ...one.case, profile } })),
    sometimes: stages.sometimes(profile),
    ruleOf: stages.ruleOf,
  };
  const header = headerOf(context, config, options);
  terminal.err(`${describeRun(header, options)}\n`);

  const name = options.shard.count === 1 ? 'fuzz' : `fuzz-${options.shard.index}-of-${options.shard.count}`;
  const recorder = openRecorder(join(options.output, `${name}.ndjson`), options.timings, Date.now);
  let executor: Executor | undefined;
  const interrupts = catchInterrupts(terminal, () => executor?.stop());
  const total = 'runs' in budget && options.shard.count === 1 ? budget.runs + config.given.length : null;
  const progress = progressLine(terminal, total, Date.now);
  try {
    executor = await startExecutor(options.workers, { module: context.pipeline }, Date.now);
    const { tries } = executor;
    if (options.quiet !== true) progress.follow(tries);
    recorder.emit(header);
    await runCampaign(config, {
      executor,
      now: Date.now,
      interrupted: interrupts.signal,
      save: (bucket, file) => saveFinding(findings, bucket, file),
      emit: recorder.emit,
      progress: options.quiet === true ? () => undefined : progress.show,
    });
  } finally {
    progress.end();
    interrupts.release();
    recorder.close();
    await executor?.close();
  }

  const { records } = recorder;
  writeReports(options.output, name, records, options.reporter ?? []);
  terminal.out(
    options.json === true ? `${JSON.stringify(summarise(records), null, 2)}\n` : renderScreen(records, palette()),
  );
  const { crash, exitCode } = summarise(records);
  if (crash !== null) {
    terminal.err(
      `seamstress: internal error: this is our bug; please report it with what follows\ncase ${crash.origin}\n${mapStack(crash.stack)}\n`,
    );
  }
  process.exitCode = exitCode;
}

function headerOf({ stages, version }: Context, config: CampaignConfig, { workers }: FuzzOptions): Header {
  const { seed: seedText, profile, mood, budget, shard: part, bail, known, given } = config;
  return {
    record: 'header',
    format: 'seamstress-campaign',
    formatVersion: 1,
    version,
    seed: seedText,
    profile,
    mood,
    budget,
    shard: `${part.index}/${part.count}`,
    bail,
    invariants: stages.invariants,
    corpus: { known: known.size, cases: given.length },
    timing: { startedAt: new Date().toISOString(), workers },
  };
}

function describeRun(
  { seed: seedText, profile, mood, budget, shard: part, corpus }: Header,
  { workers, output }: FuzzOptions,
): string {
  const amount = 'runs' in budget ? counted(budget.runs, 'case') : `${budget.time} s`;
  return [
    `seamstress fuzz: seed ${seedText}, kernel ${profile.kernel}, module ${profile.module}, mood ${mood}, ${amount}`,
    `shard ${part}, ${counted(workers, 'worker')}, ${counted(corpus.known, 'known deviation')}, ${counted(corpus.cases, 'corpus case')}, output ${output}`,
  ].join(', ');
}
