import { expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import type { Revision } from '../kernel/revision.ts';
import { findRevision } from '../kernel/revisions.ts';
import { RELEASES } from '../module/release.ts';
import type { Platform } from '../platform/platform.ts';
import { bootWorld } from '../world/boot.ts';
import type { Event } from '../world/event.ts';
import { type Preemption, runFrom } from '../world/schedule.ts';
import type { Always } from './invariant.ts';
import { CMR_NO_ENTRY_IS_DROPPED } from './cmr.ts';
import { KEXEC_CACHES_ARE_FLUSHED } from './kexec.ts';
import { RETRY_ENTROPY_AT_MOST_TEN } from './retry.ts';

// Cases that campaigns came upon and that a rule blamed wrongly.

/** What a rule says while `events` happen to a machine, overlapping as `schedule` has them. */
function said(
  rule: Always,
  kernel: string,
  events: readonly Event[],
  platform: Partial<Platform> = {},
  schedule: readonly Preemption[] = [],
): string[] {
  const world = bootWorld(healthyPlatform(platform), findRevision(kernel) as Revision, RELEASES.later);
  const offences: string[] = [];
  for (let index = 0, seen = 1; index < events.length; seen = world.records.length) {
    index = runFrom(world, events, index, schedule);
    for (const record of world.records.slice(seen))
      if (rule.after === 'all' || rule.after.includes(record.kind))
        rule.check(world, record, ({ message }) => offences.push(message));
  }
  return offences;
}

test('a kernel has no caches to flush of SEAMCALLs that the kernel before it made', () => {
  const events: Event[] = [
    { kind: 'cpu-enable', lp: 1 },
    { kind: 'cpu-offline', lp: 1 },
    { kind: 'kexec' },
    { kind: 'kexec' },
  ];
  // A CPU model with the partial-write erratum would refuse the kexec.
  expect(said(KEXEC_CACHES_ARE_FLUSHED, '6.17', events, { fms: [0xa06d0] })).toEqual([]);
});

test('eleven LPs without entropy are no eleven tries of one', () => {
  const lps = Array.from({ length: 11 }, (_, core) => ({
    ...{ package: 0, core, thread: 0 },
    ...{ bios: true, online: true, vmx: true },
  }));
  const noEntropy: Event = { kind: 'condition', condition: 'no-entropy', leaf: 35, count: 11 };
  expect(said(RETRY_ENTROPY_AT_MOST_TEN, 'v7', [noEntropy, { kind: 'enable' }], { lps })).toEqual([]);
});

test('a kernel that another thread crashes in the meantime has dropped no CMR', () => {
  const cmrs = [
    { base: 0, size: 0 },
    { base: 0, size: 0x40000000 },
  ];
  const events: Event[] = [
    { kind: 'enable' },
    { kind: 'memory-remove', how: 'acpi', base: 0x8000000, size: 0x8000000 },
  ];
  const platform = { cmrs, mcheck: 'bypass' } as const;
  // Wherever it happens; somewhere it is after TDH.SYS.INFO and before a line is printed.
  for (let after = 1; after < 40; after += 1)
    expect([after, said(CMR_NO_ENTRY_IS_DROPPED, 'v5', events, platform, [{ event: 0, after, run: 0 }])]).toEqual([
      after,
      [],
    ]);
});
