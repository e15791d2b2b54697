import { describe, expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { defineFlow } from '../kernel/flow.ts';
import type { Revision } from '../kernel/revision.ts';
import { LINUX_6_12 } from '../kernel/revisions/6.12.ts';
import { LINUX_7_3 } from '../kernel/revisions/7.3.ts';
import * as lock from '../kernel/steps/linux/lock.ts';
import { RELEASES } from '../module/release.ts';
import { bootWorld } from '../world/boot.ts';
import type { Event } from '../world/event.ts';
import { type Preemption, runFrom } from '../world/schedule.ts';
import type { Always } from './invariant.ts';
import { inOrder } from './look.ts';
import { THREADS_ONE_LOCK_ORDER, THREADS_NO_DEADLOCK, THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT } from './threads.ts';

function offences(
  rule: Always,
  revision: Revision,
  events: readonly Event[],
  schedule: readonly Preemption[],
): string[] {
  const world = bootWorld(healthyPlatform(), revision, RELEASES.later);
  const states: string[] = [];
  for (let index = 0; index < events.length; ) {
    const seen = world.records.length;
    index = runFrom(world, events, index, schedule);
    for (const record of world.records.slice(seen))
      if (rule.after === 'all' || rule.after.includes(record.event.kind))
        rule.check(world, record, ({ state }) => states.push(state));
  }
  return states;
}

/** 6.12 whose per-CPU bring-up takes the module lock, and under it the CPU lock: the wrong way round. */
const CROSSED: Revision = {
  ...LINUX_6_12,
  cpuEnable: defineFlow('cpu-enable', [
    [lock.LOCK_MODULE],
    [lock.CPUS_WRITE_LOCK],
    [lock.CPUS_WRITE_UNLOCK],
    [lock.UNLOCK_MODULE],
  ]),
};
const CROSSING: readonly Event[] = [{ kind: 'cpu-enable', lp: 1 }, { kind: 'enable' }];

describe('locks', () => {
  test('two orders are a finding even if no thread ever waited', () => {
    expect(offences(THREADS_ONE_LOCK_ORDER, CROSSED, CROSSING, [])).toEqual(['module and cpus']);
    expect(offences(THREADS_ONE_LOCK_ORDER, LINUX_6_12, CROSSING, [])).toEqual([]);
  });

  test('two orders that meet are a deadlock', () => {
    // The first has the module lock, the second a share of the CPU lock: each wants the other's.
    const schedule = [{ event: 0, after: 1, run: 0 }];
    expect(offences(THREADS_NO_DEADLOCK, CROSSED, CROSSING, schedule)).toEqual(['cpu-enable']);
    expect(offences(THREADS_NO_DEADLOCK, CROSSED, CROSSING, [])).toEqual([]);
    expect(offences(THREADS_NO_DEADLOCK, LINUX_6_12, CROSSING, schedule)).toEqual([]);
  });
});

describe('the last CPU of a package during initialisation', () => {
  const PACKAGE_1: readonly Event[] = [
    { kind: 'cpu-offline', lp: 2 },
    { kind: 'enable' },
    { kind: 'cpu-offline', lp: 3 },
  ];

  test('7.3 lets it go in the middle', () => {
    const during = Array.from({ length: 40 }, (_, after) =>
      offences(THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT, LINUX_7_3, PACKAGE_1, [{ event: 1, after, run: 0 }]),
    );
    expect(during.some((states) => states.length > 0)).toBe(true);
    expect(offences(THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT, LINUX_7_3, PACKAGE_1, [])).toEqual([]);
  });

  test('6.12 makes it wait, wherever it comes', () => {
    for (let after = 0; after < 40; after += 1)
      expect(
        offences(THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT, LINUX_6_12, PACKAGE_1, [{ event: 1, after, run: 0 }]),
      ).toEqual([]);
  });
});

test('the order of what overlapped is known', () => {
  const world = bootWorld(healthyPlatform(), LINUX_6_12, RELEASES.later);
  const events: readonly Event[] = [
    { kind: 'cpu-enable', lp: 0 },
    { kind: 'cpu-enable', lp: 1 },
    { kind: 'cpu-enable', lp: 2 },
    { kind: 'cpu-enable', lp: 3 },
  ];
  const schedule = [
    { event: 0, after: 6, run: 9 },
    { event: 2, after: 3, run: 9 },
  ];
  for (let index = 0; index < events.length; ) index = runFrom(world, events, index, schedule);
  const calls = inOrder(world).flatMap((entry) => (entry.kind === 'seamcall' ? [[entry.leaf, entry.lp]] : []));
  // SYS.INIT (33) on LP 0, LP.INIT (35) on 1 before 0; then on 3 before 2.
  expect(calls).toEqual([
    [33, 0],
    [35, 1],
    [35, 0],
    [35, 3],
    [35, 2],
  ]);
});
