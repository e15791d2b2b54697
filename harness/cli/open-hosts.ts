import { resolve } from 'node:path';
import { buildKernel, enablesAtBoot } from '../adapters/linux/build.ts';
import { type CompiledInput, compiledSource, judgedStages } from '../adapters/linux/stages.ts';
import { findTree } from '../adapters/linux/tree.ts';
import { type Executor, executorOf, startExecutor } from '../campaign/executor.ts';
import type { Stages } from '../campaign/stages.ts';
import type { Case, Profile } from '../case.ts';
import { findRevision } from '../../model/kernel/revisions.ts';
import { betweenHostsStages, hostStages, whyNot } from '../implementations/host/host-stages.ts';
import type { HostSubject } from '../implementations/host/judge-host.ts';
import { openNamedHost } from '../implementations/open.ts';
import type { ImplementationName } from '../implementations/registry.ts';
import type { Timeouts } from '../implementations/timeouts.ts';
import { SHRINK_EVALUATIONS } from '../shrink/shrink.ts';
import { kindOfPath } from '../store/case-store.ts';
import type { Context } from './context.ts';
import { UserError } from './exit.ts';
import { type ProfileOptions, profileOf } from './profile-options.ts';

export interface OpenOptions extends ProfileOptions {
  readonly between?: boolean;
  readonly workers: number;
  readonly timeout: Timeouts;
  readonly extra?: string;
  readonly cc?: string;
}

/** Hosts as a campaign sees them. */
export interface OpenHosts {
  /** What is judged and generated; `execute` runs them. */
  readonly stages: Stages;
  readonly profile: Profile;
  /** Why a saved case cannot be asked of all of them; null: it can. */
  readonly whyNot: (input: Case) => string | null;
  readonly shrinkEvaluations: number;
  /** Cases in a range of a campaign. */
  readonly rangeSize: number;
  /** Threads that `start` makes use of. */
  readonly workers: number;
  readonly start: (workers: number) => Promise<Executor>;
  readonly close: () => void;
}

/** Builds or starts the hosts of a command line: kernel trees, or hosts behind seam-stdio/1 or in this process. */
export async function openHosts(
  context: Context,
  named: readonly ImplementationName[],
  options: OpenOptions,
): Promise<OpenHosts> {
  const linux = named.flatMap((name) => (name.kind === 'linux' ? [name] : []));
  if (linux.length === named.length) return openLinux(context, linux, options);
  if (linux.length > 0) throw new UserError('--between compares two kernel trees, or two hosts behind seam-stdio/1');
  return openSpeaking(context, named, options);
}

type LinuxName = Extract<ImplementationName, { readonly kind: 'linux' }>;

/** A compiled kernel does a few hundred cases a second. */
const LINUX_RANGE_SIZE = 64;

function openLinux(
  { terminal, stages, pipeline }: Context,
  named: readonly LinuxName[],
  { cc, extra, between, workers, ...options }: OpenOptions,
): OpenHosts {
  const profile = profileOf(options, stages);
  const build = {
    ...(cc === undefined ? {} : { compiler: cc }),
    ...(extra === undefined ? {} : { extra: header(extra) }),
  };
  const kernels = named.map(({ text, tree }) => {
    terminal.err(`seamstress conform: building ${text}\n`);
    return { program: buildKernel(findTree(tree), build), name: text };
  });
  requireComparable(kernels);
  for (const kernel of kernels) requireSameKind(kernel, profile.kernel, stages.kernels);
  return {
    stages: { ...stages, ...judgedStages(stages, between === true) },
    profile,
    whyNot: () => null,
    shrinkEvaluations: SHRINK_EVALUATIONS,
    rangeSize: LINUX_RANGE_SIZE,
    workers,
    start: (lanes) => startExecutor(lanes, compiledSource({ base: pipeline, profile, kernels }), Date.now),
    close: () => undefined,
  };
}

/** The compiler looks for it from elsewhere. */
function header(path: string): string {
  if (kindOfPath(path) !== 'file')
    throw new UserError(`--extra ${path}: expected a C header, and there is no such file`);
  return resolve(path);
}

function requireComparable([first, second]: CompiledInput['kernels']): void {
  if (first === undefined || second === undefined) return;
  if (enablesAtBoot(first.program) !== enablesAtBoot(second.program))
    throw new UserError(
      `${first.name} and ${second.name} cannot be compared: one initialises TDX by itself at boot, the other when asked`,
    );
}

/** A tree and its model start TDX in the same way, or everything would differ. */
function requireSameKind(
  { program, name }: CompiledInput['kernels'][number],
  kernel: string,
  kernels: readonly string[],
): void {
  const atBoot = enablesAtBoot(program);
  if (findRevision(kernel)?.enablesAtBoot === atBoot) return;
  const others = kernels.filter((one) => findRevision(one)?.enablesAtBoot === atBoot);
  throw new UserError(
    `${name} ${atBoot ? 'initialises TDX by itself at boot' : 'initialises TDX when it is asked to'}, and its model ${kernel} does not; ` +
      `choose another with --kernel: ${others.join(', ')}`,
  );
}

/** Each evaluation of a case may cost a process that hangs. */
const SPEAKING_SHRINK_EVALUATIONS = 400;
const SPEAKING_RANGE_SIZE = 64;

/** Hosts behind seam-stdio/1 or in this process. The profile's kernel is the one they claim to be. */
async function openSpeaking(
  { stages, version }: Context,
  named: readonly ImplementationName[],
  options: OpenOptions,
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
    const judged = second === undefined ? hostStages(stages, first) : betweenHostsStages(stages, first, second);
    return {
      stages: judged,
      profile: profileOf(model === null ? options : { ...options, kernel: model.name }, stages),
      whyNot: (input) => subjects.map((subject) => whyNot(subject, input)).find((why) => why !== null) ?? null,
      shrinkEvaluations: SPEAKING_SHRINK_EVALUATIONS,
      rangeSize: SPEAKING_RANGE_SIZE,
      workers: 1,
      start: async () => executorOf({ stages: judged, close: () => undefined }, Date.now),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
