import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { generateCase } from '../../harness/generate/generate-case.ts';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { messageText } from '../kernel/message.ts';
import { REVISIONS } from '../kernel/revisions.ts';
import type { Revision } from '../kernel/revision.ts';
import { RELEASES } from '../module/release.ts';
import { bootWorld } from './boot.ts';
import type { Event } from './event.ts';
import { runFrom, type Preemption } from './schedule.ts';
import { step } from './step.ts';
import type { World } from './world.ts';

const ENABLE_CPUS: readonly Event[] = [0, 1, 2, 3].map((lp) => ({ kind: 'cpu-enable', lp }));

function revisionOf(name: string): Revision {
  const found = REVISIONS.find((revision) => revision.name === name);
  if (found === undefined) throw new Error(`no revision ${name}`);
  return found;
}

function run(
  name: string,
  events: readonly Event[],
  schedule?: readonly Preemption[],
  platform = healthyPlatform(),
): World {
  const world = bootWorld(platform, revisionOf(name), RELEASES['1.5.01']);
  for (let index = 0; index < events.length; ) index = runFrom(world, events, index, schedule);
  return world;
}

/** Everything a world holds that is data, as text: equal worlds, equal bytes. */
function bytes({ records, trace, kernel, module, overlaps }: World): string {
  const plain = (_: string, value: unknown): unknown =>
    typeof value === 'bigint'
      ? value.toString(16)
      : value instanceof Map
        ? [...value]
        : typeof value === 'function'
          ? undefined
          : value;
  const turns = overlaps.map(({ record, ...turn }) => ({ ...turn, record: records.indexOf(record) }));
  const told = records.map(({ kernel: _, ...record }) => record);
  const { revision: __, ...state } = kernel;
  return JSON.stringify([told, trace, state, module, turns], plain);
}

const schedules = fc.array(
  fc.record({ event: fc.nat({ max: 12 }), after: fc.nat({ max: 40 }), run: fc.nat({ max: 4 }) }),
  { minLength: 1, maxLength: 6 },
);
const generated = fc
  .nat({ max: 100_000 })
  .map((index) => generateCase('schedules', index, { mood: index % 2 === 0 ? 'events' : 'hostile', platforms: [] }));

describe.each(REVISIONS.map(({ name }) => name))('%s', (name) => {
  test('an empty schedule changes nothing, nor does one that names no event', () => {
    fc.assert(
      fc.property(generated, ({ platform, events }) => {
        const world = bootWorld(platform, revisionOf(name), RELEASES['1.5.01']);
        for (const event of events) step(world, event);
        const alone = bytes(world);
        expect(bytes(run(name, events, [], platform))).toBe(alone);
        expect(bytes(run(name, events, [{ event: events.length, after: 0, run: 0 }], platform))).toBe(alone);
      }),
      { seed: 1, numRuns: 12 },
    );
  });

  test('the same schedule gives the same bytes, every schedule ends, and every event has its record', () => {
    fc.assert(
      fc.property(generated, schedules, ({ platform, events }, schedule) => {
        const world = run(name, events, schedule, platform);
        expect(bytes(run(name, events, schedule, platform))).toBe(bytes(world));
        const own = world.records.filter(({ event }) => event.kind !== 'boot').map(({ event }) => event);
        expect(own).toEqual(events);
        // Records tile the trace: nothing is lost, and nothing is anybody else's.
        let end = 0;
        for (const record of world.records) {
          expect(record.from).toBe(end);
          end = record.to;
        }
        expect(end).toBe(world.trace.length);
        expect(world.kernel.crash ?? '').not.toContain('deadlock');
      }),
      { seed: 2, numRuns: 20 },
    );
  });
});

describe('threads that overlap', () => {
  const outcomes = ({ records }: World): string[] =>
    records.slice(1).map(({ event, outcome, errno }) => `${event.kind} ${outcome} ${errno}`);

  test('a CPU that wants to go offline waits for an initialisation under way', () => {
    const events: readonly Event[] = [...ENABLE_CPUS, { kind: 'enable' }, { kind: 'cpu-offline', lp: 3 }];
    const world = run('6.12', events, [{ event: 4, after: 12, run: 0 }]);
    expect(outcomes(world).slice(4)).toEqual(['enable done 0', 'cpu-offline done 0']);
    const [enable, offline] = world.records.slice(5);
    expect(offline?.statusBefore).toBe('uninitialised');
    expect(offline?.statusAfter).toBe('initialised');
    const turns = world.overlaps.map(({ record }) => record.event.kind);
    expect(turns).toEqual(['enable', 'cpu-offline', 'enable', 'cpu-offline']);
    expect(enable?.to).toBe(offline?.from);
  });

  test('the first CPU stopped before SYS.INIT: the others wait, and none repeats it', () => {
    const events: readonly Event[] = [...ENABLE_CPUS, { kind: 'enable' }];
    const world = run('6.12', events, [{ event: 0, after: 4, run: 9 }]);
    expect(outcomes(world)).toEqual([...ENABLE_CPUS.map(() => 'cpu-enable done 0'), 'enable done 0']);
    const inits = world.trace.filter((entry) => entry.kind === 'seamcall' && entry.leaf === 33);
    expect(inits).toHaveLength(1);
  });

  test('an initialisation that begins before the last CPU is up fails, as 6.12 leaves it to its caller', () => {
    const events: readonly Event[] = [...ENABLE_CPUS, { kind: 'enable' }];
    const world = run('6.12', events, [{ event: 3, after: 3, run: 9 }]);
    expect(outcomes(world).slice(3)).toEqual(['cpu-enable done 0', 'enable done -5']);
  });

  test("two initialisations at once: the second one's silence is its own", () => {
    const events: readonly Event[] = [{ kind: 'enable' }, { kind: 'enable' }];
    const world = run('6.12', events, [{ event: 0, after: 4, run: 9 }]);
    const lines = world.records
      .slice(1)
      .map((record) => record.kernel.dmesg.slice(record.dmesgFrom, record.dmesgTo).map(messageText));
    expect(outcomes(world)).toEqual(['enable done -5', 'enable done -22']);
    expect(lines[0]?.at(-1)).toBe('virt/tdx: module initialization failed (-5)');
    expect(lines[1]).toEqual([]);
  });

  test('a CPU that is gone when its turn comes is not brought up', () => {
    const events: readonly Event[] = [
      { kind: 'cpu-enable', lp: 3 },
      { kind: 'cpu-offline', lp: 3 },
    ];
    const world = run('6.12', events, [{ event: 0, after: 0, run: 0 }]);
    expect(outcomes(world)).toEqual(['cpu-enable ignored 0', 'cpu-offline done 0']);
  });

  test('what a crash interrupts is told apart from what crashed', () => {
    const events: readonly Event[] = [
      { kind: 'vmxoff', lp: 0 },
      { kind: 'cpu-online', lp: 3 },
      { kind: 'enable' },
      { kind: 'enable' },
    ];
    const world = run('v5', events, [{ event: 2, after: 2, run: 0 }]);
    expect(outcomes(world).slice(2)).toEqual(['enable crashed 0', 'enable ignored 0']);
  });
});
