import type { Event } from '../../model/world/event.ts';
import type { Stages } from '../campaign/stages.ts';
import type { Case } from '../case.ts';
import { UserError } from '../user-error.ts';
import type { Verdict, Violation } from '../oracle/verdict.ts';
import { samplePlatform } from './sample.ts';

/**
 * A small world for tests of the engine: two rules that some random cases break, a failure that only shrinking finds, a
 * `sometimes` that is easy to reach and one that no case reaches. It is independent of TDX. The profile selects what is
 * broken: kernel `sound` breaks nothing, `unsound` breaks all rules, `fragile` makes the judge itself throw. `patched`
 * is compared with `unsound` and fixes one of its rules.
 */
export const stages: Stages = {
  kernels: ['unsound', 'sound', 'fragile'],
  modules: ['plain', 'later'],
  moods: ['swarm', 'calm'],
  defaultKernel: 'unsound',
  defaultModule: () => 'plain',
  invariants: ['order/kexec-last', 'lp/offline-twice', 'size/single'],
  sometimes: ({ module }) => [
    { id: 'enabled', budget: 200 },
    ...(module === 'later' ? [{ id: 'never', budget: 1000 }] : []),
  ],
  generate,
  judge,
  ruleOf: (bucket) => ({
    statement: `The fake rule behind ${bucket} holds.`,
    source: 'harness/testing/fake-stages.ts',
    severity: bucket.startsWith('size/') ? 'cosmetic' : 'tdx-lost',
  }),
  describe: (input, violation) => ({
    lines: input.events.map(({ kind }, index) => `${index} ${kind}`),
    broken: violation?.event ?? null,
  }),
  boot(machine, { kernel, module }) {
    if ('file' in machine && (typeof machine.file !== 'object' || machine.file === null || !('cmrs' in machine.file))) {
      throw new UserError(`${machine.name}: expected a platform file`);
    }
    const boot = {
      kernel,
      module,
      errno: -28,
      errnoName: 'ENOSPC',
      initialised: false,
      pamtKB: 0,
      keyids: [32, 64] as const,
    };
    return {
      ...boot,
      tdmrs: [{ base: '0x0', size: '0x40000000', reserved: 3 }],
      dmesg: ['module initialization failed (-28)'],
      defaults: ['one LP: the file names none'],
      reported: {
        ...{ text: 'initialised', kernel: null, module: null, comparable: true },
        ...{ difference: 'it came up', why: ['The file does not say.'] },
      },
    };
  },
};

const KINDS = ['vmxoff', 'cpu-online', 'cpu-offline', 'enable', 'kexec', 'late-load'] as const;

/** A linear congruential generator: sufficient for a fake, and independent of the real generator. */
function generate(seed: string, index: number, { profile, mood }: { profile: Case['profile']; mood: string }): Case {
  let state = index + 1;
  for (let at = 0; at < seed.length; at++) state = (state * 31 + seed.charCodeAt(at)) % 2147483647;
  const next = (end: number): number => {
    state = (state * 48271) % 2147483647;
    return Math.floor(state / 65536) % end;
  };
  next(2);
  const count = (mood === 'calm' ? 1 : 3) + next(6);
  const events = Array.from({ length: count }, (): Event => {
    const kind = KINDS[next(KINDS.length)] ?? 'enable';
    return kind === 'enable' || kind === 'kexec' || kind === 'late-load' ? { kind } : { kind, lp: next(4) };
  });
  return { formatVersion: 1, profile, platform: samplePlatform(), events };
}

function judge(input: Case): Verdict {
  const { profile, platform, events } = input;
  if (profile.kernel === 'fragile' && events.length > 4) throw new Error('the fake judge broke');
  if (profile.kernel === 'endless' && events.length > 4) for (;;);
  if (profile.kernel === 'patched') return judgePatched(input);
  const violations = profile.kernel === 'unsound' ? [...kexecLast(events), ...offlineTwice(events)] : [];
  return {
    violations,
    edges: events.map(({ kind }, index) => KINDS.indexOf(kind as (typeof KINDS)[number]) * 16 + index),
    sometimes: events.some(({ kind }) => kind === 'enable') ? ['enabled'] : [],
    seamcalls: events.length * platform.lps.length,
    complete: events.length > 3,
  };
}

/** A second kexec breaks a rule; it is another rule if the case has no other event. */
function kexecLast(events: readonly Event[]): readonly Violation[] {
  const first = events.findIndex(({ kind }) => kind === 'kexec');
  const second = events.findIndex(({ kind }, index) => kind === 'kexec' && index > first);
  if (first < 0 || second < 0) return [];
  const followed = events.length > 2;
  return [
    {
      invariant: followed ? 'order/kexec-last' : 'size/single',
      bucket: followed ? 'order/kexec-last|kexec' : 'size/single|kexec',
      event: second,
      message: `kexec at ${first} and again at ${second}`,
    },
  ];
}

function offlineTwice(events: readonly Event[]): readonly Violation[] {
  const offline = new Set<number>();
  for (const [event, { kind, ...rest }] of events.entries()) {
    if (kind !== 'cpu-offline' || !('lp' in rest)) continue;
    if (offline.has(rest.lp))
      return [
        { invariant: 'lp/offline-twice', bucket: 'lp/offline-twice|cpu-offline', event, message: `LP ${rest.lp}` },
      ];
    offline.add(rest.lp);
  }
  return [];
}

/** Differs from its model whenever a CPU goes offline, and on any kexec. */
function judgePatched(input: Case): Verdict {
  const verdict = judge({ ...input, profile: { ...input.profile, kernel: 'sound' } });
  const kept = offlineTwice(input.events).map(({ bucket }) => bucket);
  const event = input.events.findIndex(({ kind }) => kind === 'cpu-offline' || kind === 'kexec');
  if (event === -1) return verdict;
  const bucket = `is-its-model|${kept.length > 0 ? 'cpu-offline' : (input.events[event]?.kind ?? '')}`;
  if (kept.length > 0) return { ...verdict, better: { kept, difference: bucket, excuses: true } };
  return {
    ...verdict,
    violations: [{ invariant: 'is-its-model', bucket, event, message: 'it differs from its model' }],
  };
}
