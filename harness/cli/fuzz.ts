import { counted } from '../text.ts';
import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import type { Budget, Shard } from '../campaign/budget.ts';
import type { CampaignConfig } from '../campaign/campaign.ts';
import type { Header } from '../campaign/record.ts';
import { SHRINK_EVALUATIONS } from '../shrink/shrink.ts';
import { saveFinding } from '../store/case-store.ts';
import { knownOfKernel } from '../store/known.ts';
import type { Context } from './screen/context.ts';
import { openCorpus } from './options/corpus-option.ts';
import { REPORTERS } from './screen/fuzz-reports.ts';
import { openOutput, type OutputOptions, runAndReport } from './screen/run-and-report.ts';
import { addProfileOptions, type ProfileOptions, profileOf } from './options/profile-options.ts';
import { duration, listOf, oneOf, positiveInteger, seed, shard } from './options/values.ts';

export interface FuzzOptions extends ProfileOptions, OutputOptions {
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly workers: number;
  readonly shard: Shard;
  readonly mood: string;
  readonly corpus?: string;
  readonly bail?: boolean;
}

/** Fixed, so that the same command gives the same result on every machine. */
const DEFAULT_SEED = 'seamstress';
const DEFAULT_RUNS = 100_000;

const DESCRIPTION = [
  'Runs generated cases, each a machine and events, on the models of a kernel revision and of a TDX module, and',
  'checks every rule after every event. A failure is a finding: it is shrunk, saved in findings/ of the output',
  'folder, and printed with the command that replays it. Known deviations are listed apart and do not fail.',
  '',
  'Exit codes: 0 ok, or known deviations only; 1 a finding; 3 no case was run, or something that a campaign must',
  'reach never happened.',
].join('\n');

export function fuzzCommand(context: Context): Command {
  const { stages } = context;
  const [mood = ''] = stages.moods;
  const command = new Command('fuzz')
    .summary('fuzz a kernel revision and a TDX module with generated machines and events')
    .description(DESCRIPTION)
    .addOption(
      new Option('--seed <text>', 'seed of the generated cases')
        .env('SEAMSTRESS_SEED')
        .argParser(seed)
        .default(DEFAULT_SEED),
    )
    .addOption(
      new Option('--runs <n>', `number of cases to generate (default: ${DEFAULT_RUNS})`)
        .env('SEAMSTRESS_RUNS')
        .argParser(positiveInteger),
    )
    .addOption(
      new Option('--time <t>', 'run for this long instead, such as 30s, 10m or 2h')
        .env('SEAMSTRESS_TIME')
        .argParser(duration)
        .conflicts('runs'),
    )
    .addOption(
      new Option('--workers <n>', 'number of threads; changes only the speed')
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
      new Option('--mood <name>', `kind of cases: ${stages.moods.join(', ')}`)
        .env('SEAMSTRESS_MOOD')
        .argParser(oneOf(stages.moods, 'mood'))
        .default(mood),
    )
    .addOption(
      new Option(
        '--corpus <folder>',
        'folder of known deviations and of cases to start with (default: the corpus of this checkout)',
      ).env('SEAMSTRESS_CORPUS'),
    )
    .addOption(
      new Option('--output <folder>', 'folder for findings and reports').env('SEAMSTRESS_OUTPUT').default('reports'),
    )
    .addOption(
      new Option('--reporter <names>', `reports to write besides the event stream: ${REPORTERS.join(', ')}`).argParser(
        listOf(REPORTERS, 'reporter'),
      ),
    )
    .option('--bail', 'stop at the first finding')
    .option('--json', 'print the summary as JSON (harness/report/summary.schema.json)')
    .option(
      '--no-timings',
      'leave out values that depend on the clock: the same seed and --runs then give the same bytes',
    )
    .option('-q, --quiet', 'do not print progress');
  return addProfileOptions(command, stages).action((options: FuzzOptions) => fuzz(context, options));
}

async function fuzz(context: Context, options: FuzzOptions): Promise<void> {
  const { stages, terminal } = context;
  const profile = profileOf(options, stages);
  const budget: Budget = options.time === undefined ? { runs: options.runs ?? DEFAULT_RUNS } : { time: options.time };
  const { known, cases } = openCorpus(context, options.corpus);
  const findings = openOutput(options.output);
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
  await runAndReport(
    context,
    {
      config,
      header,
      source: { module: context.pipeline },
      workers: options.workers,
      name,
      total: 'runs' in budget && options.shard.count === 1 ? budget.runs + config.given.length : null,
      save: (bucket, file) => saveFinding(findings, bucket, file),
      crashed: (origin) => `; please report this bug with the stack below\ncase ${origin}`,
    },
    options,
  );
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
