import { openStages as openBase, type OpenStages, type Stages, type StagesSource } from '../../campaign/stages.ts';
import type { Profile } from '../../case.ts';
import { SOMETIMES } from '../../../model/invariants/sometimes.ts';
import type { World } from '../../../model/world/world.ts';
import { describeWorld } from '../../describe/describe-case.ts';
import { runCase } from '../../oracle/judge-case.ts';
import { findProfile } from '../../profile.ts';
import { compareWorlds } from '../host/difference.ts';
import { comparable, type LinuxKernel, judgeAgainstModel, judgeBetween, runCompiled, startKernel } from './judge.ts';
import { describeSideBySide, type Side } from '../../describe/side-by-side.ts';
import { withRules } from '../../oracle/rule.ts';
import { severityOfDifference } from '../host/difference-severity.ts';
import { LINUX_RULES } from './rules.ts';

/** What a thread is told so that it can start compiled kernels of its own. */
export interface LinuxInput {
  /** File URL of the module with the stages that these are made from. */
  readonly base: string;
  readonly profile: Profile;
  /** One kernel to be judged, or two to be compared: program and name. */
  readonly kernels: readonly { readonly program: string; readonly name: string }[];
}

/** Where threads get stages over compiled kernels from. */
export function linuxSource(input: LinuxInput): StagesSource {
  return { module: import.meta.url, input, waits: true };
}

/** What campaigns over compiled kernels judge, and what they must see: the same whether or not a kernel is running. */
export function judgedStages(base: Stages, between: boolean): Pick<Stages, 'invariants' | 'sometimes' | 'ruleOf'> {
  const ruleOf = withRules(LINUX_RULES, base.ruleOf, severityOfDifference);
  if (between) return { invariants: ['linux/trees-agree'], sometimes: () => [], ruleOf };
  return {
    ruleOf,
    invariants: [...base.invariants, 'linux/is-its-model', 'linux/no-warnings'],
    sometimes(profile) {
      const revision = comparable(findProfile(profile).revision);
      const reachable = new Set(
        SOMETIMES.filter(({ appliesTo }) => appliesTo?.(revision) !== false).map(({ id }) => id),
      );
      // A compiled kernel runs one call at a time: nothing can overlap there.
      return base.sometimes(profile).filter(({ id }) => reachable.has(id) && !id.startsWith('threads/'));
    },
  };
}

/** Starts the kernels of a `LinuxInput`. The stages judge the real code, or the differences of the second from the first. */
export async function openStages(input: unknown): Promise<OpenStages> {
  const { base, profile, kernels } = input as LinuxInput;
  const { stages } = await openBase({ module: base });
  const { revision } = findProfile(profile);
  const tell = (text: string): void => void process.stderr.write(`seamstress conform: ${text}`);
  const started = kernels.map(({ program, name }) => startKernel(program, revision, name, tell));
  const [first, second] = started;
  if (first === undefined) throw new Error('no kernel to judge');
  const judged = judgedStages(stages, second !== undefined);
  return {
    stages: { ...stages, ...judged, ...(second === undefined ? againstModel(first) : between(first, second)) },
    close() {
      for (const { child } of started) child.close();
    },
  };
}

function againstModel(kernel: LinuxKernel): Pick<Stages, 'judge' | 'describe'> {
  return {
    judge: (input, full) => judgeAgainstModel(kernel, input, full),
    describe(input, violation) {
      const model = runCase(input, comparable);
      const { world } = runCompiled(kernel, input);
      if (compareWorlds(model, world) === null) return describeWorld(world, violation);
      const name = `the model of ${input.profile.kernel}`;
      return describeSideBySide({ name, lines: describeWorld(model).lines }, sideOf(kernel, world));
    },
  };
}

function between(first: LinuxKernel, second: LinuxKernel): Pick<Stages, 'judge' | 'describe'> {
  return {
    judge: (input) => judgeBetween(first, second, input),
    describe: (input) =>
      describeSideBySide(
        sideOf(first, runCompiled(first, input).world),
        sideOf(second, runCompiled(second, input).world),
      ),
  };
}

function sideOf({ revision }: LinuxKernel, world: World): Side {
  return { name: revision.name, lines: describeWorld(world).lines };
}
