import { expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import type { Revision } from '../kernel/revision.ts';
import { findRevision } from '../kernel/revisions.ts';
import { RELEASES } from '../module/release.ts';
import type { Platform } from '../platform/platform.ts';
import { bootWorld } from '../world/boot.ts';
import type { Event } from '../world/event.ts';
import { step } from '../world/step.ts';
import type { Always } from './invariant.ts';
import { CACHES_ARE_FLUSHED_BEFORE_KEXEC } from './hotplug.ts';
import { NO_ENTROPY_IS_RETRIED_TEN_TIMES_AT_MOST } from './retry.ts';

// Cases that campaigns came upon and that a rule blamed wrongly.

/** What a rule says while `events` happen to a machine. */
function said(rule: Always, kernel: string, events: readonly Event[], platform: Partial<Platform> = {}): string[] {
  const world = bootWorld(healthyPlatform(platform), findRevision(kernel) as Revision, RELEASES.later);
  const offences: string[] = [];
  for (const event of events) {
    const record = step(world, event);
    if (rule.after === 'all' || rule.after.includes(event.kind))
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
  expect(said(CACHES_ARE_FLUSHED_BEFORE_KEXEC, '6.17', events, { fms: [0xa06d0] })).toEqual([]);
});

test('eleven LPs without entropy are no eleven tries of one', () => {
  const lps = Array.from({ length: 11 }, (_, core) => ({
    ...{ package: 0, core, thread: 0 },
    ...{ bios: true, online: true, vmx: true },
  }));
  const noEntropy: Event = { kind: 'condition', condition: 'no-entropy', leaf: 35, count: 11 };
  expect(said(NO_ENTROPY_IS_RETRIED_TEN_TIMES_AT_MOST, 'v7', [noEntropy, { kind: 'enable' }], { lps })).toEqual([]);
});
