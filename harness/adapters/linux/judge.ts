import type { Revision } from '../../../model/kernel/revision.ts';
import { bootWorld } from '../../../model/world/boot.ts';
import { runFrom } from '../../../model/world/schedule.ts';
import type { World } from '../../../model/world/world.ts';
import type { Case } from '../../case.ts';
import type { ForeignHost } from '../../implementations/host/command.ts';
import { compareWorlds, type Difference } from '../../implementations/host/difference.ts';
import { foreignRevision } from '../../implementations/host/foreign-revision.ts';
import { judgeWorld, type OpenVerdict, runCase } from '../../oracle/judge-case.ts';
import { judgeMetamorphic } from '../../oracle/metamorphic.ts';
import { findProfile } from '../../oracle/profile.ts';
import type { Verdict, Violation } from '../../oracle/verdict.ts';
import { type Child, startChild } from './child.ts';
import { createConversation } from './conversation.ts';
import { advanceScript, beginScript } from './script.ts';
import { createWords } from './words.ts';

/** A compiled kernel that whole cases can be run on. */
export interface CompiledKernel {
  readonly child: Child;
  readonly conversation: ForeignHost;
  readonly revision: Revision;
}

/** Starts the program that `buildKernel` made. `like`: the model of everything outside the compiled file. */
export function startKernel(program: string, like: Revision, name: string): CompiledKernel {
  const child = startChild(program);
  const conversation = createConversation(child);
  return {
    child,
    conversation,
    revision: foreignRevision(conversation, like, name, `arch/x86/virt/vmx/tdx/tdx.c of ${name}, compiled`),
  };
}

export interface CompiledRun {
  readonly world: World;
  readonly verdict: OpenVerdict;
}

/** Runs a case on the compiled kernel, SEAMCALL by SEAMCALL, and judges the invariants on what it did. */
export function runCompiled(kernel: CompiledKernel, input: Case): CompiledRun {
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
 * the kernel's. Where it does not, the case runs again in conversation, and what the kernel really did is judged.
 */
export function judgeAgainstModel(kernel: CompiledKernel, input: Case, full = true): Verdict {
  const { revision, release } = findProfile(input.profile);
  const model = bootWorld(input.platform, revision, release, true);
  beginScript(script, model);
  const verdict = judgeWorld(model, input.events, (events, index) => {
    const event = events[index];
    if (event !== undefined) advanceScript(script, model, event);
    return index + 1;
  });
  kernel.child.send(script, true);
  const agrees = kernel.child.receive()[0] === 0;
  if (agrees && !full) return verdict;
  const { world, verdict: own } = runCompiled(kernel, input);
  if (full) judgeMetamorphic(input, world, own.violations);
  if (!agrees)
    own.violations.push(differenceOf('linux/is-its-model', compareWorlds(model, world) ?? ORDER, 'the model'));
  return own;
}

const script = createWords();

/** Effects are compared one by one, and so is dmesg; what is left is how the two are interleaved, and the node of an allocation. */
const ORDER: Difference = {
  event: -1,
  what: 'order of effects and lines, or the node of an allocation',
  expected: 'another',
  got: 'the same effects and lines',
};

/** Judges what a second kernel does otherwise than a first, and nothing else. */
export function judgeBetween(first: CompiledKernel, second: CompiledKernel, input: Case): Verdict {
  const { world: before } = runCompiled(first, input);
  const { world: after, verdict } = runCompiled(second, input);
  const difference = compareWorlds(before, after);
  const violations = difference === null ? [] : [differenceOf('linux/trees-agree', difference, 'the first tree')];
  return { ...verdict, violations };
}

/** Where the compiled kernel parts from its model, as text. */
export function describeDifference(kernel: CompiledKernel, input: Case): readonly string[] {
  const difference = compareWorlds(runCase(input), runCompiled(kernel, input).world);
  if (difference === null) return [];
  const { what, expected, got } = difference;
  return [`differs from the model in ${what}`, `    model     ${expected}`, `    compiled  ${got}`];
}

function differenceOf(invariant: string, { event, what, expected, got }: Difference, whose: string): Violation {
  return violation(invariant, what, event, `${what}: ${whose} has ${expected}; this kernel ${got}`);
}

function violation(invariant: string, state: string, event: number, message: string): Violation {
  return { invariant, bucket: `${invariant}|${state}`, event: event < 0 ? 0 : event, message };
}
