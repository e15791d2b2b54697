import { defineFlow, type FlowEntry } from '../../../model/kernel/flow.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import { FLUSH_DIRTY_CPUS } from '../../../model/kernel/steps/linux/kexec.ts';
import { bootWorld } from '../../../model/world/boot.ts';
import { runFrom } from '../../../model/world/schedule.ts';
import type { World } from '../../../model/world/world.ts';
import type { Case } from '../../case.ts';
import { compareWorlds, type RunDifference } from '../host/difference.ts';
import { remoteRevision } from '../host/remote-revision.ts';
import { judgeWorld, type OpenVerdict } from '../../oracle/judge-case.ts';
import { judgeMetamorphic } from '../../oracle/metamorphic.ts';
import { findProfile } from '../../profile.ts';
import type { Verdict, Violation } from '../../oracle/verdict.ts';
import { type KernelProcess, ChildEnded, startKernelProcess } from './kernel-process.ts';
import { type Conversation, createConversation } from './conversation.ts';
import { advanceScript, beginScript } from './script.ts';
import { createWords } from './words.ts';

/** A compiled kernel that whole cases can be run on. */
export interface LinuxKernel {
  readonly child: KernelProcess;
  readonly conversation: Conversation;
  readonly revision: Revision;
  /** Takes a line about what happened on the way that is no result. */
  readonly tell: (text: string) => void;
}

const WITHOUT_VCPUS = new Map<Revision, Revision>();

/**
 * The revision as a compiled tree can be held against it. In a tree that takes CPUs down by itself, KVM has a part in that,
 * too: it flushes the vCPUs of the CPU that goes. KVM is not compiled, so no vCPU runs.
 */
export function comparable(revision: Revision): Revision {
  if (!revision.enablesAtBoot) return revision;
  const known = WITHOUT_VCPUS.get(revision) ?? { ...revision, tdRun: null };
  WITHOUT_VCPUS.set(revision, known);
  return known;
}

/** Starts the program that `buildKernel` made. `like`: the model of everything outside the compiled file. */
export function startKernel(
  program: string,
  like: Revision,
  name: string,
  tell: (text: string) => void = () => undefined,
): LinuxKernel {
  const child = startKernelProcess(program);
  const model = comparable(like);
  const conversation = createConversation(child, model);
  const source = `arch/x86/virt/vmx/tdx/tdx.c of ${name}, compiled`;
  const foreign = remoteRevision(conversation, model, name, source);
  const revision = {
    ...foreign,
    // As every CPU stops: not TDX's part of the kernel.
    kexec: defineFlow('kexec', [...foreign.kexec.steps.map((step): FlowEntry => [step]), [FLUSH_DIRTY_CPUS]]),
  };
  return { child, conversation, revision: model.enablesAtBoot ? revision : foreign, tell };
}

export interface LinuxRun {
  readonly world: World;
  readonly verdict: OpenVerdict;
}

/** Runs a case on the compiled kernel, SEAMCALL by SEAMCALL, and judges the invariants on what it did. */
export function runCompiled(kernel: LinuxKernel, input: Case): LinuxRun {
  return surviving([kernel], () => runOnce(kernel, input));
}

/**
 * The result of `run`. If the process of a kernel ends meanwhile, `run` is repeated with a new process, because the first
 * may have been killed from outside. If the new process ends too, the kernel's code is the cause, and its result holds.
 */
function surviving<T>(kernels: readonly LinuxKernel[], run: () => T): T {
  for (const { conversation } of kernels) conversation.lost = false;
  const result = run();
  const lost = kernels.filter(({ conversation }) => conversation.lost);
  if (lost.length === 0) return result;
  for (const { conversation } of lost) conversation.lost = false;
  const again = run();
  for (const { conversation, revision, tell } of lost) {
    if (!conversation.lost)
      tell(`the process of ${revision.name} ended (killed, or out of memory?); a new one ran the case again\n`);
  }
  return again;
}

function runOnce(kernel: LinuxKernel, input: Case): LinuxRun {
  const { warnings } = kernel.conversation;
  warnings.length = 0;
  const world = bootWorld(input.platform, kernel.revision, findProfile(input.profile).release, true);
  const verdict = judgeWorld(world, input.events, (events, index) => runFrom(world, events, index, undefined));
  for (const warning of warnings) {
    const [, place = '', what = ''] = /^(line \d+): (.*)$/.exec(warning) ?? [];
    verdict.violations.push(
      violation('linux/no-warnings', what, input.events.length - 1, `WARN_ON at ${place}: ${what}`),
    );
  }
  return { world, verdict };
}

/**
 * Judges a compiled kernel against the model that the case's profile names, and against the invariants. The model's run is
 * a script: where the compiled kernel follows it to the letter, one message was all it took, and the model's verdict is
 * the kernel's. Where it does not, the case runs again in conversation, and what the kernel really did is judged. A kernel
 * that keeps what the model breaks, and breaks nothing that the model keeps, may do it otherwise, as long as TDX comes up
 * wherever it does with the model, and no more stays allocated: that is `better`.
 */
export function judgeAgainstModel(kernel: LinuxKernel, input: Case, full = true): Verdict {
  return surviving([kernel], () => judgeOnce(kernel, input, full));
}

/** What a run took, in ordinary cases: a kernel that hangs is waited for while some hundred others run. */
function costOf({ kernel: { crash } }: World): number {
  return crash?.startsWith('hang: ') === true ? 50 : 1;
}

function judgeOnce(kernel: LinuxKernel, input: Case, full: boolean): Verdict {
  const { revision: modelled, release } = findProfile(input.profile);
  const revision = comparable(modelled);
  const model = bootWorld(input.platform, revision, release, true);
  beginScript(script, model);
  const verdict = judgeWorld(model, input.events, (events, index) => {
    const event = events[index];
    if (event !== undefined) advanceScript(script, model, event);
    return index + 1;
  });
  // Who holds a CPU in VMX operation is counted outside of the script, so a kernel that asks for it is not given one.
  const agrees = !revision.enablesAtBoot && followsScript(kernel);
  if (agrees && !full) return verdict;
  const { world, verdict: own } = runOnce(kernel, input);
  // Before the metamorphic rules, which the model was not asked.
  const kept = agrees ? [] : keptOnlyBy(own, verdict);
  if (full) judgeMetamorphic(input, world, own.violations);
  if (agrees) return own;
  const difference = compareWorlds(model, world) ?? (revision.enablesAtBoot ? null : ORDER);
  if (difference === null) return { ...own, violations: withoutConsequences(own.violations) };
  const change = changeOfAnswer(model, world);
  const what = change === null || SAYS_SO.test(difference.what) ? difference.what : `${difference.what}, ${change}`;
  const found = differenceOf('linux/is-its-model', { ...difference, what }, 'the model', kernel.revision.name);
  if (kept.length > 0 && mayBeBetter(change, kept))
    // Another answer is right where an invariant wants it, and says nothing of other cases.
    return { ...own, better: { kept, difference: found.bucket, excuses: change === null } };
  own.violations.push(found);
  return { ...own, violations: withoutConsequences(own.violations), cost: costOf(world) };
}

/** Buckets that the model fails in and the kernel does not; none if the kernel fails in one that the model does not. */
function keptOnlyBy(own: Verdict, model: Verdict): readonly string[] {
  const broken = new Set(own.violations.map(({ bucket }) => bucket));
  const before = new Set(model.violations.map(({ bucket }) => bucket));
  if ([...broken].some((bucket) => !before.has(bucket))) return [];
  return [...before].filter((bucket) => !broken.has(bucket));
}

/** Changes for which no rule need be broken, and which are worse than another order of effects. */
const LOST = 'TDX lost';
const LEFT = 'left allocated';
const OTHERWISE = 'answered otherwise';
type Change = typeof LOST | typeof LEFT | typeof OTHERWISE;
/** Differences that are a crash or another answer by themselves. */
const SAYS_SO = /: (?:crash|outcome|answer)$/;

/**
 * The worst difference from the model that a kernel's callers notice; `null`: none. An initialisation fails that succeeds
 * in the model, objects stay allocated that the model frees, or the answer about a page of memory differs.
 */
function changeOfAnswer(model: World, world: World): Change | null {
  let change: Change | null = world.kernel.live > model.kernel.live && world.kernel.crash === null ? LEFT : null;
  for (const [index, { kind, outcome, errno, hint }] of model.records.entries()) {
    const other = world.records[index];
    if (other === undefined) return LOST;
    if (kind === 'enable' || kind === 'cpu-enable') {
      if (outcome === 'done' && errno === 0 && (other.outcome !== 'done' || other.errno !== 0)) return LOST;
    } else if (outcome !== other.outcome || hint !== other.hint) change ??= OTHERWISE;
  }
  return change;
}

/** TDX may not be lost for it, and nothing kept from being freed but PAMTs, where that is what was wrong. */
function mayBeBetter(change: Change | null, kept: readonly string[]): boolean {
  if (change === LEFT) return kept.some((bucket) => bucket.startsWith('pamt/'));
  return change !== LOST;
}

/**
 * A lock that is kept is told once: not again as a state that differs from the model's, nor as the deadlock of a later
 * event that wants it.
 */
function withoutConsequences(violations: readonly Violation[]): readonly Violation[] {
  const kept = violations.find(({ invariant }) => invariant === 'balance/locks');
  if (kept === undefined) return violations;
  return violations.filter(
    ({ invariant, bucket, event }) =>
      bucket !== 'linux/is-its-model|at the end: locks' &&
      (event <= kept.event || (invariant !== 'linux/is-its-model' && invariant !== 'threads/no-deadlock')),
  );
}

const script = createWords();

/** Does the compiled kernel do what is in `script`? */
function followsScript({ child, conversation }: LinuxKernel): boolean {
  try {
    child.send(script, true);
    return child.receive()[0] === 0;
  } catch (error) {
    if (!(error instanceof ChildEnded)) throw error;
    conversation.lost = !error.late;
    return false;
  }
}

/** Effects are compared one by one, and so is dmesg; what is left is how the two are interleaved, and the node of an allocation. */
const ORDER: RunDifference = {
  event: -1,
  what: 'order of effects and lines, or the node of an allocation',
  where: 'order of effects and lines, or the node of an allocation',
  expected: 'another',
  got: 'this one',
};

/** Judges the differences between a second kernel and a first, and nothing else. */
export function judgeBetween(first: LinuxKernel, second: LinuxKernel, input: Case): Verdict {
  const [{ world: before }, { world: after, verdict }] = surviving([first, second], () => [
    runOnce(first, input),
    runOnce(second, input),
  ]);
  const difference = compareWorlds(before, after);
  const violations =
    difference === null
      ? []
      : [differenceOf('linux/trees-agree', difference, first.revision.name, second.revision.name)];
  return { ...verdict, violations, cost: costOf(before) + costOf(after) - 1 };
}

function differenceOf(invariant: string, difference: RunDifference, before: string, after: string): Violation {
  const { event, what, where, expected, got } = difference;
  return violation(invariant, what, event, `${where}: ${before} has ${expected}, ${after} has ${got}`);
}

function violation(invariant: string, state: string, event: number, message: string): Violation {
  return { invariant, bucket: `${invariant}|${state}`, event: event < 0 ? 0 : event, message };
}
