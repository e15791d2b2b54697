import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildKernel, enablesAtBoot } from '../implementations/linux/build.ts';
import { type LinuxInput, linuxSource, judgedStages } from '../implementations/linux/stages.ts';
import { findTree } from '../implementations/linux/tree.ts';
import type { Budget } from '../campaign/budget.ts';
import type { CampaignConfig } from '../campaign/campaign.ts';
import type { Given } from '../campaign/range.ts';
import type { Header } from '../campaign/record.ts';
import { shellWord } from '../text.ts';
import type { Stages, StagesSource } from '../campaign/stages.ts';
import type { Case, CaseFile } from '../case.ts';
import { findRevision } from '../../model/kernel/revisions.ts';
import type { ImplementationName } from '../implementations/name.ts';
import type { IdentifiedHost } from '../implementations/open.ts';
import type { Timeouts } from '../implementations/process/timeouts.ts';
import { SHRINK_EVALUATIONS } from '../shrink/shrink.ts';
import { bucketFileName, listCaseFiles, readCaseFile, saveFinding } from '../store/case-store.ts';
import { kindOfPath } from '../store/read.ts';
import { knownOfKernel } from '../store/known.ts';
import type { Context } from './screen/context.ts';
import { openCorpus } from './options/corpus-option.ts';
import { UserError } from '../user-error.ts';
import { openOutput, type OutputOptions, runAndReport } from './screen/run-and-report.ts';
import { type ProfileOptions, profileOf } from './options/profile-options.ts';
import { introduce, remoteSource } from '../implementations/speaking-stages.ts';

export interface HostOptions extends ProfileOptions, OutputOptions {
  readonly between?: boolean;
  readonly known?: boolean;
  readonly case?: readonly string[];
  readonly seed: string;
  readonly runs?: number;
  readonly time?: number;
  readonly workers: number;
  readonly mood: string;
  readonly corpus?: string;
  readonly timeout: Timeouts;
  readonly extra?: string;
  readonly cc?: string;
  readonly bail?: boolean;
}

const DEFAULT_SECONDS = 60;
/** Cases per range: a compiled kernel runs a few hundred per second. */
const RANGE_SIZE = 64;

/**
 * Judges a host by the invariants and by the model that it claims to be, or compares two hosts of one kind. Sets the exit
 * code.
 */
export async function conformHosts(
  context: Context,
  hosts: readonly IdentifiedHost[],
  options: HostOptions,
): Promise<void> {
  const implementations = hosts.map(({ name }) => name.text);
  const { terminal } = context;
  const between = options.between === true;
  requireNumber(hosts.length, between);
  const { judged, source, profile, whyNot, shrinkEvaluations } = prepare(context, hosts, options);
  const stages = { ...context.stages, ...judged };
  const config = {
    ...configOf(context, implementations, profile, stages, whyNot, options),
    shrinkEvaluations,
    // Known deviations are cases of the model, and are minimal on the model only.
    looksIfMinimal: false,
  };
  const findings = openOutput(options.output);
  // Single cases are one task: more lanes would be idle.
  const workers = options.case === undefined ? options.workers : 1;
  const header = headerOf(context, stages, implementations, config, workers);
  terminal.err(
    `seamstress conform: ${implementations.join(' and ')}, seed ${options.seed}, module ${profile.module}, model ${profile.kernel}, ${workers} ${workers === 1 ? 'worker' : 'workers'}\n`,
  );
  const cases = options.case ?? [];
  await runAndReport(
    context,
    {
      config,
      header,
      source,
      workers,
      name: 'conform',
      // Saved cases are run in addition to the generated ones.
      total: 'runs' in config.budget ? config.budget.runs + config.given.length : null,
      save: (bucket, file) => keepFinding(findings, bucket, file, implementations, cases),
      discard: (file) => takeBack(file, cases),
      crashed: (origin) => ` on case ${origin}`,
    },
    options,
  );
}

/**
 * Saves a finding with the names of the implementations, and returns its path. A file that the user named is not
 * overwritten.
 */
function keepFinding(
  folder: string,
  bucket: string,
  file: CaseFile,
  implementations: readonly string[],
  named: readonly string[],
): string {
  const target = resolve(folder, bucketFileName(bucket));
  const own = named.find((path) => resolve(path) === target);
  if (own !== undefined) return own;
  const { finding } = file;
  return saveFinding(
    folder,
    bucket,
    finding === undefined ? file : { ...file, finding: { ...finding, implementations } },
  );
}

function takeBack(file: string, named: readonly string[]): void {
  if (!named.some((path) => resolve(path) === resolve(file))) rmSync(file, { force: true });
}

/** Hosts as a campaign sees them. */
interface Prepared {
  readonly judged: Pick<Stages, 'invariants' | 'sometimes' | 'ruleOf'>;
  readonly source: StagesSource;
  readonly profile: CampaignConfig['profile'];
  /** Why some of the hosts cannot run a saved case; null if all can. */
  readonly whyNot: (input: Case) => string | null;
  readonly shrinkEvaluations: number;
}

function prepare(context: Context, hosts: readonly IdentifiedHost[], options: HostOptions): Prepared {
  const linux = hosts.flatMap(({ name }) => (name.kind === 'linux' ? [name] : []));
  if (linux.length === hosts.length) return prepareLinux(context, linux, options);
  if (linux.length > 0)
    throw new UserError(
      'cannot compare a kernel tree with another kind of host: --between takes two kernel trees, or two hosts behind seam-stdio/1',
    );
  return prepareSpeaking(context, hosts, options);
}

function prepareLinux(
  { terminal, stages, pipeline }: Context,
  named: readonly LinuxName[],
  options: HostOptions,
): Prepared {
  const profile = profileOf(options, stages);
  const kernels = named.map((name) => built(name, options, terminal.err));
  requireComparable(kernels);
  for (const kernel of kernels) requireSameKind(kernel, profile.kernel, stages.kernels);
  const atBoot = findRevision(profile.kernel)?.enablesAtBoot === true;
  return {
    judged: judgedStages(stages, options.between === true),
    source: linuxSource({ base: pipeline, profile, kernels }),
    profile,
    whyNot: ({ events }) =>
      atBoot && events.some(({ kind }) => kind === 'td-run')
        ? 'the case runs a vCPU, and this tree flushes vCPUs in KVM, which is not compiled, when a CPU goes offline'
        : null,
    shrinkEvaluations: SHRINK_EVALUATIONS,
  };
}

/** Fewer than for compiled kernels: each evaluation may cost a process that hangs. */
const SPEAKING_SHRINK_EVALUATIONS = 400;

/** Hosts behind seam-stdio/1 or in this process. The kernel of the profile is the one that they claim to be. */
function prepareSpeaking(
  { stages, version, pipeline }: Context,
  hosts: readonly IdentifiedHost[],
  options: HostOptions,
): Prepared {
  const named = hosts.map(({ name }) => name);
  const { judged, model, whyNot } = introduce(stages, hosts);
  if (options.kernel !== undefined && model !== null && model !== options.kernel)
    throw new UserError(
      `${named[0]?.text} claims to behave like ${model}, not ${options.kernel}: leave out --kernel, or pass ${model}`,
    );
  return {
    judged,
    source: remoteSource({ base: pipeline, named, timeouts: options.timeout, version }),
    profile: profileOf(model === null ? options : { ...options, kernel: model }, stages),
    whyNot,
    shrinkEvaluations: SPEAKING_SHRINK_EVALUATIONS,
  };
}

/** A kernel tree, as the command line names it. */
type LinuxName = Extract<ImplementationName, { readonly kind: 'linux' }>;

function requireNumber(count: number, between: boolean): void {
  if (between && count !== 2) throw new UserError(`--between compares two implementations: expected two, got ${count}`);
  if (!between && count !== 1) throw new UserError(`expected one host, got ${count}; to compare two, add --between`);
}

/** Absolute, because the compiler runs in another folder. */
function header(path: string): string {
  if (kindOfPath(path) !== 'file')
    throw new UserError(`--extra ${path}: expected a C header, but there is no such file`);
  return resolve(path);
}

function requireComparable([first, second]: LinuxInput['kernels']): void {
  if (first === undefined || second === undefined) return;
  if (enablesAtBoot(first.program) !== enablesAtBoot(second.program))
    throw new UserError(
      `cannot compare ${first.name} with ${second.name}: one initialises TDX at boot, the other on request`,
    );
}

/** A tree and its model must both initialise TDX at boot, or both on request: otherwise every case would differ. */
function requireSameKind(
  { program, name }: LinuxInput['kernels'][number],
  kernel: string,
  kernels: readonly string[],
): void {
  const atBoot = enablesAtBoot(program);
  if (findRevision(kernel)?.enablesAtBoot === atBoot) return;
  const others = kernels.filter((one) => findRevision(one)?.enablesAtBoot === atBoot);
  throw new UserError(
    `${name} initialises TDX ${atBoot ? 'at boot' : 'on request'}, but its model ${kernel} does not; ` +
      `choose another model with --kernel: ${others.join(', ')}`,
  );
}

function built(
  { text, tree }: LinuxName,
  { cc, extra }: HostOptions,
  print: (text: string) => void,
): LinuxInput['kernels'][number] {
  print(`seamstress conform: building ${text}\n`);
  const build = {
    ...(cc === undefined ? {} : { compiler: cc }),
    ...(extra === undefined ? {} : { extra: header(extra) }),
  };
  return { program: buildKernel(findTree(tree), build), name: text };
}

function configOf(
  context: Context,
  implementations: readonly string[],
  profile: CampaignConfig['profile'],
  stages: Stages,
  whyNot: (input: Case) => string | null,
  options: HostOptions,
): Omit<CampaignConfig, 'shrinkEvaluations'> {
  const { path, known, cases: anyCases } = openCorpus(context, options.corpus);
  const cases = [...anyCases, ...hostCases(path)];
  const own = new Map(
    // A compiled kernel runs one call at a time: a deviation that needs overlapping threads cannot show.
    [...knownOfKernel(known, profile.kernel)].filter(
      ([, one]) => (one.case.schedule ?? []).length === 0 && whyNot(one.case) === null,
    ),
  );
  const single = options.case !== undefined;
  // Cases that are known to show a deviation come first, with and without --known.
  const corpus: readonly Given[] = [
    ...[...own.values()].map((one) => ({ origin: one.path, case: one.case })),
    ...cases,
  ];
  const named = (options.case ?? []).map((origin) => ({ origin, ...readCaseFile(origin) }));
  const given: readonly Given[] = single
    ? named.map(({ origin, case: input }) => ({ origin, case: input }))
    : options.known === true && options.between !== true
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
  const again = ['npx seamstress conform', ...(options.between === true ? ['--between'] : []), ...toRepeat(options)];
  return {
    ...{ seed: options.seed, profile, mood: options.mood, budget, shard: { index: 1, count: 1 } },
    rangeSize: RANGE_SIZE,
    bail: options.bail ?? false,
    known: options.known === true && options.between !== true ? own : new Map(),
    recheck: !single,
    expected: new Set(named.flatMap(({ finding }) => (finding === undefined ? [] : [finding.bucket]))),
    given: possible,
    sometimes: single ? [] : stages.sometimes(profile),
    ruleOf: stages.ruleOf,
    again: (file) => [...again, ...implementations.map(shellWord), '--case', shellWord(file)].join(' '),
  };
}

/** Options that a repeated command needs: for the same case, to build the trees, or to recognise known deviations. */
function toRepeat({ kernel, module, cc, extra, known, between, corpus }: HostOptions): readonly string[] {
  const apart = known === true && between !== true;
  const values = Object.entries({ kernel, module, cc, extra, ...(apart && { corpus }) }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, shellWord(value)],
  );
  return [...(apart ? ['--known'] : []), ...values];
}

/** Cases that a host must handle and that campaigns seldom reach: the files below `host/` of the corpus. */
function hostCases(corpus: string): readonly Given[] {
  const folder = join(corpus, 'host');
  if (kindOfPath(folder) !== 'folder') return [];
  return listCaseFiles(folder).map((origin) => ({ origin, case: readCaseFile(origin).case }));
}

function headerOf(
  { version }: Context,
  stages: Stages,
  implementations: readonly string[],
  config: CampaignConfig,
  workers: number,
): Header {
  const { seed: seedText, profile, mood, budget, bail, known, given } = config;
  return {
    record: 'header',
    format: 'seamstress-campaign',
    formatVersion: 1,
    version,
    seed: seedText,
    profile: { kernel: implementations.join(' '), module: profile.module },
    implementations,
    mood,
    budget: 'runs' in budget ? { runs: Math.max(budget.runs, given.length) } : budget,
    shard: '1/1',
    bail,
    invariants: stages.invariants,
    corpus: { known: known.size, cases: given.length },
    timing: { startedAt: new Date().toISOString(), workers },
  };
}
