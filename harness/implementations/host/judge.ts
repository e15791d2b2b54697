import type { Revision } from '../../../model/kernel/revision.ts';
import { findRevision } from '../../../model/kernel/revisions.ts';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import { bootWorld } from '../../../model/world/boot.ts';
import { runFrom } from '../../../model/world/schedule.ts';
import type { World } from '../../../model/world/world.ts';
import { type Case, encodeCaseLine } from '../../case.ts';
import { EXIT, UserError } from '../../user-error.ts';
import { judgeWorld } from '../../oracle/judge-case.ts';
import { judgeMetamorphic } from '../../oracle/metamorphic.ts';
import { findRelease } from '../../profile.ts';
import type { Verdict, Violation } from '../../oracle/verdict.ts';
import { ImplementationFailure, MANNERS } from '../process/failure.ts';
import { compareWorlds, type RunDifference } from './difference.ts';
import { remoteRevision } from './remote-revision.ts';
import type { HostImplementation } from './implementation.ts';
import { type ListenedHost, listenTo } from './listener.ts';
import type { Answer, Ask, CommandMessage, Done, HostCapabilities } from '../protocol/host-messages.ts';

/** A host that can be started as often as it takes. */
export interface StartableHost {
  readonly name: string;
  /** A new life, with nothing of an earlier one. Throws an ImplementationFailure if it cannot be started. */
  readonly start: () => HostProcess;
}

export interface HostProcess extends HostImplementation {
  readonly close: () => void;
}

/** A host and what it says of itself. */
export interface HostIntroduction {
  readonly name: string;
  readonly capabilities: HostCapabilities;
  /** The revision it claims to do the same as. */
  readonly model: Revision | null;
}

/** A host that whole cases can be judged on. */
export interface HostSubject extends HostIntroduction {
  readonly judge: (input: Case, full?: boolean) => Verdict;
  /** Runs a case once. */
  readonly play: (input: Case) => Played;
  readonly close: () => void;
}

export interface HostRun {
  readonly world: World;
  readonly verdict: Verdict;
  readonly untold: ReadonlySet<string>;
  /** It did what the model does that it claims to be. */
  readonly asModel: boolean;
}

/** What a case came to: a run, or how the host failed to get to its end. */
export type Played =
  | { readonly run: HostRun; readonly failure: null }
  | { readonly run: null; readonly failure: Violation; readonly cause: ImplementationFailure };

/** Invariants of hosts behind the protocol beyond those of every kernel. */
export const HOST_INVARIANTS = [
  'host/answers',
  'host/is-its-model',
  'host/frees-what-it-has',
  'host/is-deterministic',
  'host/boot-forgets',
];

/** A host and what is known of it: its process, if it has one at the moment, and the cases it was judged on. */
interface Subject {
  readonly start: StartableHost['start'];
  /** `null`: the last one failed, or a new one is wanted. */
  life: HostProcess | null;
  /** The command under way, or the last one. */
  doing: CommandMessage['type'];
  readonly model: Revision | null;
  readonly listened: ListenedHost;
  readonly revision: Revision;
  /** Buckets that were found again when they were looked at again. */
  readonly confirmed: Set<string>;
  /** Verdicts on cases that need not come to the same when they are run again. */
  readonly settled: Map<string, Verdict>;
}

/** Starts a host and says hello. Throws an ImplementationFailure where that cannot be done. */
export function openHost({ name, start }: StartableHost): HostSubject {
  const life = start();
  const { identity, capabilities } = life;
  let model: Revision | null;
  try {
    model = modelOf(name, capabilities.behavesLike);
  } catch (error) {
    life.close();
    throw error;
  }
  const listened = listenTo({ perform: (command, ask) => perform(subject, command, ask) }, capabilities);
  const subject: Subject = {
    start,
    life,
    doing: 'boot',
    model,
    listened,
    revision: remoteRevision(listened, likeOf(model, listened), name, `${identity.name} ${identity.version}`),
    confirmed: new Set(),
    settled: new Map(),
  };
  return {
    name,
    capabilities,
    model,
    play: (input) => play(subject, input, false),
    judge: (input, full = true) => judge(subject, input, full),
    close: () => restart(subject),
  };
}

/** Lets the host carry out a command, in a new process where it has none. */
function perform(subject: Subject, command: CommandMessage, ask: (ask: Ask) => Answer | null): Done {
  subject.doing = command.type;
  subject.life ??= subject.start();
  return subject.life.perform(command, ask);
}

function restart(subject: Subject): void {
  subject.life?.close();
  subject.life = null;
}

function run({ listened, model, revision }: Subject, input: Case): HostRun {
  listened.warnings.length = 0;
  const world = bootWorld(input.platform, revision, findRelease(input.profile.module), true);
  const verdict = judgeWorld(world, input.events, (events, index) => runFrom(world, events, index, undefined));
  for (const warning of new Set(listened.warnings))
    verdict.violations.push(violation('host/frees-what-it-has', warning, input.events.length - 1, warning));
  const untold = new Set(listened.untold);
  if (model === null) return { world, verdict, untold, asModel: false };
  const difference = compareWorlds(runModel(model, input), world, untold);
  if (difference !== null) verdict.violations.push(differenceOf('host/is-its-model', difference, 'the model'));
  return { world, verdict, untold, asModel: difference === null };
}

function play(subject: Subject, input: Case, full: boolean): Played {
  try {
    const done = run(subject, input);
    const violations = [...done.verdict.violations];
    if (full) judgeMetamorphic(input, done.world, violations);
    return { run: { ...done, verdict: { ...done.verdict, violations } }, failure: null };
  } catch (error) {
    if (!(error instanceof ImplementationFailure)) throw error;
    restart(subject);
    return { run: null, failure: failureOf(error, subject.doing), cause: error };
  }
}

function judge(subject: Subject, input: Case, full: boolean): Verdict {
  const { confirmed, settled } = subject;
  const key = settled.size === 0 ? '' : encodeCaseLine(input);
  const known = settled.get(key);
  if (known !== undefined) return known;
  const first = play(subject, input, full);
  // What the model does as well need not be looked at again.
  let suspicious =
    first.run?.asModel !== true && verdictOf(first).violations.some(({ bucket }) => !confirmed.has(bucket));
  if (full && !suspicious) suspicious = differenceBetween(first, play(subject, input, false)) !== null;
  if (!suspicious) return verdictOf(first);
  const verdict = confirm(subject, input, first);
  for (const { bucket, invariant } of verdict.violations) if (!UNSTABLE.includes(invariant)) confirmed.add(bucket);
  settled.set(encodeCaseLine(input), verdict);
  return verdict;
}

/**
 * What is found for the first time is looked at again: in a new process, once more in that one, and in another new one.
 * Where these differ, that is the finding, and nothing else of the case counts.
 */
function confirm(subject: Subject, input: Case, first: Played): Verdict {
  restart(subject);
  const fresh = play(subject, input, false);
  const again = play(subject, input, false);
  restart(subject);
  const other = play(subject, input, false);
  const chance = differenceBetween(fresh, other);
  const leak = differenceBetween(fresh, again) ?? differenceBetween(fresh, first);
  if (chance !== null) return only(differenceOf('host/is-deterministic', chance, 'another run of the same case'));
  if (leak !== null) return only(differenceOf('host/boot-forgets', leak, 'a new process'));
  return verdictOf(first);
}

const UNSTABLE: readonly string[] = ['host/is-deterministic', 'host/boot-forgets'];

/** Judges the differences between a second host and a first, and nothing else. */
export function judgeHostsBetween(first: HostSubject, second: HostSubject, input: Case): Verdict {
  const [one, other] = [first.play(input), second.play(input)];
  const difference = differenceBetween(one, other);
  const violations = difference === null ? [] : [differenceOf('host/hosts-agree', difference, 'the first host')];
  return { ...verdictOf(other), violations };
}

/** Where a host parts from the model that it claims to be, as text. */
export function describeHostDifference({ model }: HostSubject, input: Case, run: HostRun): readonly string[] {
  if (model === null) return [];
  const { world, untold } = run;
  const difference = compareWorlds(runModel(model, input), world, untold);
  if (difference === null) return [];
  const { where, expected, got } = difference;
  return [`differs from the model in ${where}`, `    model  ${expected}`, `    host   ${got}`];
}

function runModel(model: Revision, { platform, events, profile }: Case): World {
  const world = bootWorld(platform, model, findRelease(profile.module), true);
  for (let index = 0; index < events.length; ) index = runFrom(world, events, index, undefined);
  return world;
}

/** Throws a UserError for a host that claims to be a kernel that the harness does not have. */
export function introduceHost(name: string, capabilities: HostCapabilities): HostIntroduction {
  return { name, capabilities, model: modelOf(name, capabilities.behavesLike) };
}

/** The revision without what the protocol does not carry: guests. */
function modelOf(name: string, behavesLike: string | undefined): Revision | null {
  if (behavesLike === undefined) return null;
  const revision = findRevision(behavesLike);
  if (revision === undefined)
    throw new UserError(
      `${name}: its capabilities say behavesLike '${behavesLike}', and there is no such kernel`,
      EXIT.CANNOT_RUN,
    );
  return { ...revision, tdCreate: null, tdDestroy: null };
}

/** What a host is in all that it does not do itself; one that claims nothing is taken for a kernel on a plain machine. */
function likeOf(model: Revision | null, { commands }: ListenedHost): Revision {
  if (model !== null) return model;
  return {
    ...LINUX_6_12,
    failureIsFinal: false,
    machineCheck: commands.has('machine-check') ? LINUX_6_12.machineCheck : null,
  };
}

function failureOf({ kind, message, stderr }: ImplementationFailure, doing: string): Violation {
  const tail =
    stderr.trim() === '' ? '' : `; the end of its stderr: ${stderr.trimEnd().split('\n').slice(-3).join(' / ')}`;
  return violation('host/answers', `${MANNERS[kind]}|${doing}`, 0, `${doing}: ${message}${tail}`);
}

function verdictOf({ run, failure }: Played): Verdict {
  return run === null ? only(failure as Violation) : run.verdict;
}

function only(one: Violation): Verdict {
  const cost = one.bucket.startsWith(HANGS) ? HANG_COST : 1;
  return { violations: [one], edges: [], sometimes: [], seamcalls: 0, complete: false, cost };
}

const HANGS = `host/answers|${MANNERS['case-timeout']}|`;
/** A host that hangs is waited for while a dozen others answer. */
const HANG_COST = 8;

function differenceBetween(one: Played, other: Played): RunDifference | null {
  if (one.run !== null && other.run !== null)
    return compareWorlds(one.run.world, other.run.world, new Set([...one.run.untold, ...other.run.untold]));
  const [before, after] = [one, other].map(({ failure }) => failure?.bucket ?? 'a whole case');
  if (before === after) return null;
  return { event: -1, what: 'how far it gets', where: 'how far it gets', expected: before ?? '', got: after ?? '' };
}

function differenceOf(
  invariant: string,
  { event, what, where, expected, got }: RunDifference,
  whose: string,
): Violation {
  return violation(invariant, what, event, `${where}: ${whose} has ${expected}, this host has ${got}`);
}

function violation(invariant: string, state: string, event: number, message: string): Violation {
  return { invariant, bucket: `${invariant}|${state}`, event: event < 0 ? 0 : event, message };
}
