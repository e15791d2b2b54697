import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CONDITION_NAMES } from '../../model/module/conditions.ts';
import { runMCHECK } from '../../model/platform/mcheck.ts';
import { onlineAtBoot } from '../../model/platform/topology.ts';
import type { Event } from '../../model/world/event.ts';
import { decodeCaseFile, encodeCaseFile } from '../case.ts';
import { UserError } from '../user-error.ts';
import { healthyPlatform } from '../testing/platform.ts';
import { caseArbitrary, eventsArbitrary } from './arbitraries.ts';
import type { GeneratedCase, GenerateOptions } from './generate-case.ts';
import { generateCase } from './generate-case.ts';
import { reonline } from './memory-event.ts';
import { MOOD_NAMES, parseMood } from './mood.ts';
import { PERTURBATIONS } from './perturbation.ts';
import { startPlan } from './plan.ts';
import { randomFor } from './seed.ts';

const REAL = [healthyPlatform({ fms: [0xc06f2] })];
const DEFAULT: GenerateOptions = { mood: 'default', platforms: REAL };

describe('case k of a seed', () => {
  test('is the same alone and in any order', () => {
    const forwards = [0, 1, 2, 3, 4].map((index) => generateCase('seed', index, DEFAULT));
    const backwards = [4, 3, 2, 1, 0].map((index) => generateCase('seed', index, DEFAULT)).reverse();
    expect(backwards).toEqual(forwards);
    const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);
    expect(new Set(forwards.map((generated) => JSON.stringify(generated, text))).size).toBe(5);
  });

  test('another seed gives other cases', () => {
    expect(generateCase('a', 0, DEFAULT)).not.toEqual(generateCase('b', 0, DEFAULT));
  });
});

describe.each(MOOD_NAMES)('mood %s', (mood) => {
  test('generates cases that survive encoding and decoding', () => {
    fc.assert(
      fc.property(caseArbitrary({ mood, platforms: REAL }), ({ platform, events }) => {
        const whole = { formatVersion: 1, profile: { kernel: '6.12', module: '1.5.01' }, platform, events } as const;
        expect(decodeCaseFile(encodeCaseFile({ case: whole }), 'generated').case).toEqual(whole);
      }),
      { seed: 7, numRuns: 150 },
    );
  });
});

test('memory brought back next to a block of less than a page begins at 0, not below', () => {
  const memory = [
    { base: 0, size: 1, node: 0 },
    { base: 1, size: 2 ** 31, node: 0 },
  ];
  const bases = Array.from({ length: 40 }, (_, index) => {
    const plan = startPlan(randomFor('tiny', index), healthyPlatform({ memory }));
    reonline(plan);
    return plan.events.map((event) => ('base' in event ? event.base : -1));
  }).flat();
  expect(bases.filter((base) => base < 0)).toEqual([]);
  expect(bases).toContain(0);
});

test('an unknown mood is a usage error that lists the moods', () => {
  expect(() => parseMood('gloomy')).toThrow(UserError);
  expect(() => parseMood('gloomy')).toThrow(/default, legal/);
});

const SAMPLE = Array.from({ length: 6000 }, (_, index) => generateCase('share', index, DEFAULT));

/** The share of default cases that satisfy the condition. */
function share(holds: (generated: GeneratedCase) => boolean): number {
  return SAMPLE.filter(holds).length / SAMPLE.length;
}

const indexOf = (events: readonly Event[], kind: Event['kind'], from = 0): number =>
  events.findIndex((event, index) => index >= from && event.kind === kind);
describe('each condition that reveals a known flaw occurs at least once in 300 cases', () => {
  test.each<[string, (generated: GeneratedCase) => boolean]>([
    [
      'nosmt on a machine with siblings',
      ({ platform }) => platform.commandLine.nosmt && platform.lps.some((lp) => lp.thread > 0),
    ],
    [
      'a counted LP that is offline at boot',
      ({ platform }) => platform.lps.some((lp, index) => lp.bios && onlineAtBoot(platform)[index] === false),
    ],
    [
      'a package without online CPU at boot',
      ({ platform }) => {
        const online = onlineAtBoot(platform);
        return platform.lps.some(
          (lp) =>
            lp.bios && !platform.lps.some((other, index) => other.package === lp.package && online[index] === true),
        );
      },
    ],
    ['a package that goes offline before enable', ({ broken }) => broken.includes('package-offline-before-enable')],
    [
      'the first cpu_enable outside VMX operation',
      ({ platform, events }) => {
        const first = events.find((event) => event.kind === 'cpu-enable');
        if (first?.kind !== 'cpu-enable') return false;
        const before = events
          .slice(0, events.indexOf(first))
          .findLast((event) => (event.kind === 'vmxon' || event.kind === 'vmxoff') && event.lp === first.lp);
        return before === undefined ? platform.lps[first.lp]?.vmx === false : before.kind === 'vmxoff';
      },
    ],
    [
      'a BIOS that announces KeyIDs though MCHECK refuses the machine',
      ({ platform }) => platform.keyids.tdx > 1 && runMCHECK(platform).verdict === 'refused',
    ],
    ['VMX off at enable', ({ broken }) => broken.includes('vmx-off-at-enable')],
    ...([33, 35, 45, 31, 36] as const).map((leaf): [string, (generated: GeneratedCase) => boolean] => [
      `a condition at leaf ${leaf} before enable`,
      ({ events }) => {
        const at = events.findIndex((event) => event.kind === 'condition' && event.leaf === leaf);
        return at !== -1 && indexOf(events, 'enable', at) !== -1;
      },
    ]),
    [
      'memory outside the CMRs before enable',
      ({ platform, events }) => {
        const top = Math.max(...platform.cmrs.map(({ base, size }) => base + size));
        const at = events.findIndex(
          (event) => event.kind === 'memory-add' && event.how !== 'zone-device' && event.base >= top,
        );
        return at !== -1 && indexOf(events, 'enable', at) !== -1;
      },
    ],
    [
      'sixteen memory blocks inside one CMR',
      ({ platform }) =>
        platform.cmrs.some(
          (cmr) => platform.memory.filter(({ base }) => base >= cmr.base && base < cmr.base + cmr.size).length >= 16,
        ),
    ],
    [
      'memory blocks that touch',
      ({ platform: { memory } }) =>
        memory.some(
          ({ base }, index) => base === (memory[index - 1]?.base ?? 0) + (memory[index - 1]?.size ?? 0) && index > 0,
        ),
    ],
    [
      'an allocation failure before enable',
      ({ events }) =>
        indexOf(events, 'allocation-failure') !== -1 &&
        indexOf(events, 'enable', indexOf(events, 'allocation-failure')) !== -1,
    ],
    ['a second enable', ({ events }) => events.filter(({ kind }) => kind === 'enable').length > 1],
    [
      'a machine check after enable',
      ({ events }) =>
        indexOf(events, 'enable') !== -1 && indexOf(events, 'machine-check', indexOf(events, 'enable')) !== -1,
    ],
    ['a real machine as the platform', ({ platform }) => platform.fms[0] === 0xc06f2 && platform.cmrs.length === 2],
  ])('%s', (_, holds) => {
    expect(share(holds)).toBeGreaterThan(1 / 300);
  });

  test('an allocation failure occurs at each of the first twelve allocations', () => {
    const places = new Set<number>();
    for (const { events } of SAMPLE)
      for (const event of events) if (event.kind === 'allocation-failure') places.add(event.nth);
    for (let nth = 1; nth <= 12; nth += 1) expect(places).toContain(nth);
  });
});

describe('events', () => {
  test('include every kind of event, condition and perturbation', () => {
    const kinds = new Set<string>();
    const conditions = new Set<string>();
    const names = new Set<string>();
    for (const { events, broken } of SAMPLE) {
      for (const event of events) {
        kinds.add(event.kind);
        if (event.kind === 'condition') conditions.add(event.condition);
      }
      for (const name of broken) names.add(name);
    }
    expect([...kinds].sort()).toEqual([
      ...[
        'acpi-cpu-add',
        'acpi-cpu-remove',
        'allocation-failure',
        'cmr-corruption',
        'condition',
        'cpu-enable',
        'cpu-offline',
        'cpu-online',
        'enable',
        'kexec',
        'late-load',
      ],
      ...['machine-check', 'memory-add', 'memory-remove', 'module-unload', 'seam-death', 'seamcall', 'suspend'],
      ...['td-create', 'td-destroy', 'td-run', 'vmxoff', 'vmxon'],
    ]);
    expect(conditions.size).toBe(CONDITION_NAMES.length);
    for (const { name, breaks } of PERTURBATIONS) if (breaks) expect(names).toContain(name);
  });

  test('legal sequences break nothing, broken ones exactly one thing, and most have 3 to 16 events', () => {
    const platform = healthyPlatform();
    fc.assert(
      fc.property(eventsArbitrary('legal', platform), ({ value, broken }) => {
        expect(broken).toEqual([]);
        for (const { kind } of value)
          expect([
            'vmxoff',
            'condition',
            'allocation-failure',
            'seamcall',
            'seam-death',
            'kexec',
            'module-unload',
            'suspend',
          ]).not.toContain(kind);
      }),
      { seed: 3, numRuns: 500 },
    );
    fc.assert(
      fc.property(eventsArbitrary('broken', platform), ({ broken }) => {
        expect(broken).toHaveLength(1);
      }),
      { seed: 3, numRuns: 500 },
    );
    expect(share(({ events }) => events.length >= 3 && events.length <= 16)).toBeGreaterThan(0.85);
  });
});
