import type { Stages } from '../../campaign/stages.ts';
import { describeWorld } from '../../describe/describe-case.ts';
import type { Event } from '../../../model/world/event.ts';
import type { Case } from '../../case.ts';
import type { Description } from '../../oracle/judge.ts';
import { withRules } from '../../oracle/rule.ts';
import type { Violation } from '../../oracle/verdict.ts';
import { severityOfDifference } from './difference-severity.ts';
import { HOST_RULES } from './rules.ts';
import {
  describeHostDifference,
  HOST_INVARIANTS,
  type HostIntroduction,
  type HostSubject,
  judgeHostsBetween,
} from './judge.ts';

/** The stages of a campaign against a host: cases as ever, judged on what the host does. */
export function hostStages(stages: Stages, subject: HostSubject): Stages {
  return {
    ...forHosts(stages, [subject]),
    ...judgedHostStages(stages, subject),
    judge: subject.judge,
    describe: (input, violation) => describing(subject, input, violation),
  };
}

/** The stages of a campaign that compares a second host with a first. */
export function betweenHostsStages(stages: Stages, first: HostSubject, second: HostSubject): Stages {
  return {
    ...forHosts(stages, [first, second]),
    ...judgedHostStages(stages, null),
    judge: (input) => judgeHostsBetween(first, second, input),
    describe: (input) => ({
      lines: ['first host:', ...describing(first, input).lines, 'second host:', ...describing(second, input).lines],
      broken: null,
    }),
  };
}

/** What campaigns over hosts judge, and what they must see; `null`: what two do differently. */
export function judgedHostStages(
  stages: Stages,
  subject: HostIntroduction | null,
): Pick<Stages, 'invariants' | 'sometimes' | 'ruleOf'> {
  const ruleOf = withRules(HOST_RULES, stages.ruleOf, severityOfDifference);
  if (subject === null) return { invariants: ['host/hosts-agree'], sometimes: () => [], ruleOf };
  return {
    ruleOf,
    invariants: [...stages.invariants, ...HOST_INVARIANTS],
    // A host that claims to equal no known kernel promises only that TDX initialises in some cases.
    sometimes: (profile) =>
      subject.model === null
        ? stages
            .sometimes(profile)
            .filter(({ id }) => id === INITIALISES)
            .map((one) => ({ ...one, budget: INITIALISES_WITHIN }))
        : stages.sometimes(profile).filter(({ id }) => isReachable(id)),
  };
}

const INITIALISES = 'flow/some-initialisation-succeeds';
/** Cases: two of five generated machines are healthy. */
const INITIALISES_WITHIN = 50;

/** Events that a host is told of by some command, or that happen to the machine around it. */
const CARRIED: ReadonlySet<string> = new Set<Event['kind']>([
  ...(['vmxon', 'vmxoff', 'cpu-online', 'cpu-offline', 'cpu-enable', 'enable', 'kexec'] as const),
  ...(['acpi-cpu-add', 'acpi-cpu-remove', 'memory-add', 'memory-remove', 'machine-check'] as const),
  ...(['allocation-failure', 'condition', 'cmr-corruption', 'late-load', 'module-unload'] as const),
  ...(['seam-death', 'seamcall'] as const),
]);

/** Why a host cannot be asked all of a case; null: it can. */
export function whyNot(
  { capabilities }: HostIntroduction,
  { events, schedule = [] }: Pick<Case, 'events' | 'schedule'>,
): string | null {
  const commands: readonly string[] = capabilities.commands;
  for (const { kind } of events) {
    if (kind.startsWith('td-')) return 'guests are no part of the protocol';
    if (!CARRIED.has(kind)) return `the protocol has no command for ${kind}`;
    if (kind === 'memory-add' && !commands.includes('memory-online') && !commands.includes('memory-add'))
      return 'the host has no command memory-online';
  }
  return schedule.length > 0 ? 'a host does one thing at a time' : null;
}

/** What a host cannot be asked is taken out of generated cases: the rest of such a case is as good as any. */
function forHosts(stages: Stages, subjects: readonly HostSubject[]): Stages {
  return {
    ...stages,
    generate(seed, index, options) {
      const { schedule: _, ...input } = stages.generate(seed, index, options);
      const events = input.events.filter((event) =>
        subjects.every((subject) => whyNot(subject, { events: [event] }) === null),
      );
      return { ...input, events };
    },
  };
}

/** Families of what a host cannot come to: it does one thing at a time, has no guests, and is not put to sleep. */
const UNREACHABLE = ['threads/', 'td/', 'suspend/'];

function isReachable(id: string): boolean {
  return !UNREACHABLE.some((family) => id.startsWith(family));
}

function describing(subject: HostSubject, input: Case, violation?: Violation): Description {
  const { run, failure } = subject.play(input);
  if (run === null) return { lines: [`the host does not get to the end: ${failure.message}`], broken: 0 };
  const { lines, broken } = describeWorld(run.world, violation);
  return { lines: [...lines, ...describeHostDifference(subject, input, run)], broken };
}
