import type { Release } from '../../../model/module/release.ts';
import { bootWorld } from '../../../model/world/boot.ts';
import { step } from '../../../model/world/step.ts';
import type { World } from '../../../model/world/world.ts';
import type { Revision } from '../../../model/kernel/revision.ts';
import type { Case } from '../../case.ts';
import { judgeWorld, type OpenVerdict } from '../../oracle/judge-case.ts';
import { findProfile } from '../../oracle/profile.ts';
import type { Violation } from '../../oracle/verdict.ts';
import { type Child, startChild } from './child.ts';
import { compiledRevision } from './compiled-revision.ts';
import { type Conversation, createConversation } from './conversation.ts';
import { compareWorlds, type Difference } from './difference.ts';

/** A compiled kernel with whom whole cases can be run. */
export interface CompiledKernel {
  readonly child: Child;
  readonly conversation: Conversation;
  readonly revision: Revision;
  readonly name: string;
}

export function startKernel(program: string, like: Revision, name: string): CompiledKernel {
  const child = startChild(program);
  const conversation = createConversation(child);
  return { child, conversation, revision: compiledRevision(conversation, like, name), name };
}

/** The machine of a case with the compiled kernel booted on it. */
export function bootCompiled({ conversation, revision }: CompiledKernel, { platform }: Case, release: Release): World {
  conversation.world = null;
  conversation.warnings.length = 0;
  const world = bootWorld(platform, revision, release, true);
  conversation.world = world;
  return world;
}

/** Runs a case on the compiled kernel, step by step, and judges the invariants on what it did. */
export function judgeCompiled(
  kernel: CompiledKernel,
  input: Case,
): { readonly world: World; readonly verdict: OpenVerdict } {
  const { release } = findProfile(input.profile);
  const world = bootCompiled(kernel, input, release);
  const verdict = judgeWorld(world, input.events);
  for (const warning of kernel.conversation.warnings)
    verdict.violations.push(
      violation(
        'linux/warns',
        warning.replace(/^line \d+: /, ''),
        input.events.length - 1,
        `the kernel warns: ${warning}`,
      ),
    );
  return { world, verdict };
}

/** Runs a case on the model that the case's profile names. */
export function runModel({ platform, events, profile }: Case): World {
  const { revision, release } = findProfile(profile);
  const world = bootWorld(platform, revision, release, true);
  for (const event of events) step(world, event);
  return world;
}

/** What the compiled kernel does otherwise than its model, if anything. */
export function compareWithModel(input: Case, got: World): Difference | null {
  return compareWorlds(runModel(input), got);
}

export function differenceViolation({ event, what, expected, got }: Difference): Violation {
  return violation(
    'linux/differs-from-model',
    what,
    event,
    `${what}: the model says ${expected}; the compiled kernel ${got}`,
  );
}

function violation(invariant: string, state: string, event: number, message: string): Violation {
  return { invariant, bucket: `${invariant}|${state}`, event: event < 0 ? 0 : event, message };
}
