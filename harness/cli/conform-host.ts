import { join } from 'node:path';
import { compiledStages, betweenStages } from '../adapters/linux/stages.ts';
import { buildKernel } from '../adapters/linux/build.ts';
import { type CompiledKernel, startKernel } from '../adapters/linux/judge.ts';
import { findTree } from '../adapters/linux/tree.ts';
import type { Budget } from '../campaign/budget.ts';
import { type CampaignConfig, runCampaign } from '../campaign/campaign.ts';
import { executorOf } from '../campaign/executor.ts';
import type { Given } from '../campaign/range.ts';
import type { Header } from '../campaign/record.ts';
import { shellWord } from '../campaign/rendering.ts';
import type { Stages } from '../campaign/stages.ts';
import type { Case, Profile } from '../case.ts';
import { betweenHostsStages, hostStages, whyNot } from '../implementations/host/host-stages.ts';
import type { HostSubject } from '../implementations/host/judge-host.ts';
import { openNamedHost } from '../implementations/open.ts';
import type { ImplementationName } from '../implementations/registry.ts';
import type { Timeouts } from '../implementations/timeouts.ts';
import { findProfile } from '../oracle/profile.ts';
import { renderScreen } from '../report/console.ts';
import { summarise } from '../report/summary.ts';
import { SHRINK_EVALUATIONS } from '../shrink/shrink.ts';
import { requireWritable, sweepTemporaries } from '../store/atomic.ts';
import { kindOfPath, listCaseFiles, readCaseFile, saveFinding } from '../store/case-store.ts';
import { knownOfKernel } from '../store/known.ts';
import type { Context } from './context.ts';
import { openCorpus } from './corpus-option.ts';
import { UserError } from './exit.ts';
import { type Reporter, writeReports } from './fuzz-reports.ts';
import { catchInterrupts } from './interrupt.ts';
import { type ProfileOptions, profileOf } from './profile-options.ts';
import { progressLine } from './progress.ts';
import { openRecorder } from './recorder.ts';
import { mapStack } from './stack.ts';

export interface HostOptions extends ProfileOptions {
  readonly between?: boolean;
  readonly known?: boolean;
  readonly case?: readonly string[];
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly mood: string;
  readonly corpus?: string;
  readonly output: string;
  readonly reporter?: readonly Reporter[];
  readonly timeout: Timeouts;
  readonly extra?: string;
  readonly cc?: string;
  readonly bail?: boolean;
  readonly json?: boolean;
  readonly timings: boolean;
  readonly quiet?: boolean;
}

const DEFAULT_SECONDS = 60;

/**
 * Judges hosts that are not ours by the invariants and by the model they claim to be, or compares two of a kind. Sets the
 * exit code.
 */
export async function conformHosts(
  context: Context,
  named: readonly ImplementationName[],
  options: HostOptions,
): Promise<void> {
  const implementations = named.map(({ text }) => text);
  const { terminal, palette } = context;
  requireCount(named, options);
  const { stages, profile, whyNot, shrinkEvaluations, close } = await openAll(context, named, options);
  try {
    const config = { ...configOf(context, implementations, profile, stages, whyNot, options), shrinkEvaluations };
    const findings = join(options.output, 'findings');
    for (const folder of [options.output, findings]) {
      requireWritable(folder);
      sweepTemporaries(folder);
    }
    const header = headerOf(context, stages, implementations.join(' '), config);
    terminal.err(
      `seamstress conform: ${implementations.join(' and ')}, seed ${options.seed}, module ${profile.module}, model ${profile.kernel}\n`,
    );
    const recorder = openRecorder(join(options.output, 'conform.ndjson'), options.timings, Date.now);
    const interrupts = catchInterrupts(terminal);
    const runs = 'runs' in config.budget && config.budget.runs > 0 ? config.budget.runs : null;
    const progress = progressLine(terminal, runs, Date.now);
    try {
      recorder.emit(header);
      await runCampaign(config, {
        executor: executorOf(stages, Date.now),
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
    }
    const { records } = recorder;
    writeReports(options.output, 'conform', records, options.reporter ?? []);
    const summary = summarise(records);
    terminal.out(options.json === true ? `${JSON.stringify(summary, null, 2)}\n` : renderScreen(records, palette()));
    if (summary.crash !== null) {
      terminal.err(`seamstress: internal error on case ${summary.crash.origin}\n${mapStack(summary.crash.stack)}\n`);
    }
    process.exitCode = summary.exitCode;
  } finally {
    close();
  }
}

/** Hosts that run, as a campaign sees them. */
interface OpenHosts {
  readonly stages: Stages;
  readonly profile: Profile;
  /** Why a saved case cannot be asked of all of them; null: it can. */
  readonly whyNot: (input: Case) => string | null;
  readonly shrinkEvaluations: number;
  readonly close: () => void;
}

async function openAll(
  context: Context,
  named: readonly ImplementationName[],
  options: HostOptions,
): Promise<OpenHosts> {
  const linux = named.flatMap((name) => (name.kind === 'linux' ? [name] : []));
  if (linux.length === named.length) return openLinux(context, linux, options);
  if (linux.length > 0) throw new UserError('--between compares two kernel trees, or two hosts behind seam-stdio/1');
  return openSpeaking(context, named, options);
}

type LinuxName = Extract<ImplementationName, { readonly kind: 'linux' }>;

function openLinux(
  { terminal, stages }: Context,
  named: readonly LinuxName[],
  { cc, extra, ...options }: HostOptions,
): OpenHosts {
  const profile = profileOf(options, stages);
  const build = { ...(cc === undefined ? {} : { compiler: cc }), ...(extra === undefined ? {} : { extra }) };
  const kernels = named.map(({ text, tree }) => {
    terminal.err(`seamstress conform: building ${text}\n`);
    return startKernel(buildKernel(findTree(tree), build), findProfile(profile).revision, text);
  });
  const [first, second] = kernels as [CompiledKernel, CompiledKernel | undefined];
  return {
    stages: second === undefined ? compiledStages(stages, first) : betweenStages(stages, first, second),
    profile,
    whyNot: () => null,
    shrinkEvaluations: SHRINK_EVALUATIONS,
    close: () => {
      for (const { child } of kernels) child.close();
    },
  };
}

/** Each evaluation of a case may cost a process that hangs. */
const SPEAKING_SHRINK_EVALUATIONS = 400;

/** Hosts behind seam-stdio/1 or in this process. The profile's kernel is the one they claim to be. */
async function openSpeaking(
  { stages, version }: Context,
  named: readonly ImplementationName[],
  options: HostOptions,
): Promise<OpenHosts> {
  const subjects: HostSubject[] = [];
  const close = (): void => {
    for (const subject of subjects) subject.close();
  };
  try {
    for (const name of named)
      subjects.push(await openNamedHost(name, { timeouts: options.timeout, version, now: () => performance.now() }));
    const [first, second] = subjects as [HostSubject, HostSubject | undefined];
    const { model } = first;
    if (options.kernel !== undefined && model !== null && model.name !== options.kernel)
      throw new UserError(`${first.name} says that it behaves like ${model.name}, not ${options.kernel}`);
    return {
      stages: second === undefined ? hostStages(stages, first) : betweenHostsStages(stages, first, second),
      profile: profileOf(model === null ? options : { ...options, kernel: model.name }, stages),
      whyNot: (input) => subjects.map((subject) => whyNot(subject, input)).find((why) => why !== null) ?? null,
      shrinkEvaluations: SPEAKING_SHRINK_EVALUATIONS,
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function requireCount({ length }: readonly ImplementationName[], { between }: HostOptions): void {
  if (length === (between === true ? 2 : 1)) return;
  throw new UserError(
    between === true
      ? '--between compares two implementations'
      : 'one implementation at a time; --between compares two',
  );
}

function configOf(
  context: Context,
  implementations: readonly string[],
  profile: Profile,
  stages: Stages,
  whyNot: (input: Case) => string | null,
  options: HostOptions,
): Omit<CampaignConfig, 'shrinkEvaluations'> {
  const { path, known, cases: anyCases } = openCorpus(context, options.corpus);
  const cases = [...anyCases, ...hostCases(path)];
  const own = new Map([...knownOfKernel(known, profile.kernel)].filter(([, one]) => whyNot(one.case) === null));
  const single = options.case !== undefined;
  // Cases known to show a deviation are where to look first, whether or not it is to be told apart.
  const corpus: readonly Given[] = [
    ...[...own.values()].map((one) => ({ origin: one.path, case: one.case })),
    ...cases,
  ];
  const given = single
    ? (options.case ?? []).map((origin) => ({ origin, case: readCaseFile(origin).case }))
    : options.known === true
      ? cases
      : corpus;
  const budget: Budget = single
    ? { runs: 0 }
    : options.runs === undefined
      ? { time: options.time ?? DEFAULT_SECONDS }
      : { runs: options.runs };
  const profiled = given.map((one) => ({ ...one, case: { ...one.case, profile } }));
  const possible = profiled.filter(({ case: input }) => whyNot(input) === null);
  const skipped = profiled.find(({ case: input }) => whyNot(input) !== null);
  if (skipped !== undefined) {
    const count = profiled.length - possible.length;
    const cases = count === 1 ? '1 saved case is' : `${count} saved cases are`;
    context.terminal.err(`seamstress conform: ${cases} skipped: ${whyNot(skipped.case)} (${skipped.origin})\n`);
  }
  const again = ['npx seamstress conform', ...(options.between === true ? ['--between'] : [])];
  return {
    ...{ seed: options.seed, profile, mood: options.mood, budget, shard: { index: 1, count: 1 } },
    bail: options.bail ?? false,
    known: options.known === true && !single && options.between !== true ? own : new Map(),
    given: possible,
    sometimes: single ? [] : stages.sometimes(profile),
    again: (file) => [...again, ...implementations.map(shellWord), '--case', shellWord(file)].join(' '),
  };
}

/** What a host must get right and campaigns seldom come upon: the files below the corpus' `host/`. */
function hostCases(corpus: string): readonly Given[] {
  const folder = join(corpus, 'host');
  if (kindOfPath(folder) !== 'folder') return [];
  return listCaseFiles(folder).map((origin) => ({ origin, case: readCaseFile(origin).case }));
}

function headerOf({ version }: Context, stages: Stages, kernel: string, config: CampaignConfig): Header {
  const { seed: seedText, profile, mood, budget, bail, known, given } = config;
  return {
    record: 'header',
    format: 'seamstress-campaign',
    formatVersion: 1,
    version,
    seed: seedText,
    profile: { kernel, module: profile.module },
    mood,
    budget: 'runs' in budget ? { runs: Math.max(budget.runs, given.length) } : budget,
    shard: '1/1',
    bail,
    invariants: stages.invariants,
    corpus: { known: known.size, cases: given.length },
    timing: { startedAt: new Date().toISOString(), workers: 1 },
  };
}
