import { describe, expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { replaced } from '../../harness/testing/mutant.ts';
import { DONE } from '../kernel/flow.ts';
import { messageText } from '../kernel/message.ts';
import type { Revision } from '../kernel/revision.ts';
import { findRevision, REVISIONS } from '../kernel/revisions.ts';
import { DISABLE_S3 } from '../kernel/steps/linux/detect.ts';
import { RELEASES } from '../module/release.ts';
import type { Platform } from '../platform/platform.ts';
import { bootWorld } from '../world/boot.ts';
import type { Event } from '../world/event.ts';
import { step } from '../world/step.ts';
import { modulePhase, type World } from '../world/world.ts';
import { ALWAYS } from './catalogue.ts';
import { SUSPEND_REFUSAL_IS_EXPLAINED, SUSPEND_EVERY_CPU_COMES_BACK } from './suspend.ts';

const BRING_UP: readonly Event[] = [0, 1, 2, 3].map((lp) => ({ kind: 'cpu-enable', lp }));
const ENABLE: Event = { kind: 'enable' };
const S3: Event = { kind: 'suspend', state: 's3' };
const HIBERNATE: Event = { kind: 'suspend', state: 'hibernation' };

/** A machine of two packages of two LPs to which `events` happen, and which rules about sleep they break. */
function ran(
  kernel: string | Revision,
  events: readonly Event[],
  platform: Partial<Platform> = {},
): { world: World; broken: string[] } {
  const revision = typeof kernel === 'string' ? (findRevision(kernel) as Revision) : kernel;
  const world = bootWorld(healthyPlatform(platform), revision, RELEASES.later);
  const broken: string[] = [];
  for (const event of events) {
    const record = step(world, event);
    for (const { id, after: kinds, check } of ALWAYS)
      if (id.startsWith('suspend/') && kinds !== 'all' && kinds.includes(event.kind))
        check(world, record, ({ state }) => broken.push(`${id}|${state}`));
  }
  return { world, broken };
}

const online = ({ kernel }: World): boolean[] => kernel.cpus.map((cpu) => cpu.online);
const lines = ({ kernel }: World): string[] => kernel.dmesg.map(messageText);

describe.each(['v5', 'v7', 'v11'])('%s: nothing minds sleep', (name) => {
  test.each([
    [S3, 's3', 'ABSENT'],
    [HIBERNATE, 'hibernation', 'PENDING'],
  ] as const)('the module is lost and the kernel does not notice (%o)', (event, state, phase) => {
    const { world, broken } = ran(name, [...BRING_UP, ENABLE, event], { hibernation: true });
    expect(broken).toEqual([`suspend/tdx-ends-with-its-module|${state}, initialised`]);
    expect([world.kernel.status, modulePhase(world)]).toEqual(['initialised', phase]);
    expect(online(world)).toEqual([true, true, true, true]);
    expect(world.hardware.lps.map(({ vmx }) => vmx)).toEqual([true, true, true, true]);
    // A second attempt reports success and makes no call.
    const record = step(world, ENABLE);
    expect([record.errno, record.to - record.from]).toEqual([0, 0]);
  });
});

test('v11 counts what was done to the module that is gone', () => {
  const { world, broken } = ran('v11', [...BRING_UP, S3]);
  expect(broken).toEqual(['suspend/tdx-ends-with-its-module|s3, begun']);
  expect(step(world, ENABLE).errno).not.toBe(0);
  expect(ran('v11', [S3]).broken).toEqual(['suspend/tdx-ends-with-its-module|s3, offered']);
});

describe.each(['6.12', '6.17', '7.3'])('%s: TDX and sleep exclude each other', (name) => {
  test('S3 is refused once every other CPU has gone, and all of them come back', () => {
    const { world, broken } = ran(name, [...BRING_UP, ENABLE, S3]);
    expect(broken).toEqual(['suspend/refusal-comes-first|']);
    expect(world.records.at(-1)).toMatchObject({ outcome: 'refused', errno: -38 });
    expect([world.kernel.status, modulePhase(world)]).toEqual(['initialised', 'READY']);
    expect(online(world)).toEqual([true, true, true, true]);
    expect(world.hardware.lps.map(({ vmx }) => vmx)).toEqual([true, true, true, true]);
    expect(lines(world).slice(-5)).toEqual([
      'Disabling non-boot CPUs ...',
      'Enabling non-boot CPUs ...',
      'CPU1 is up',
      'CPU2 is up',
      'CPU3 is up',
    ]);
  });

  test('hibernation is turned off, or TDX is', () => {
    const off = ran(name, [...BRING_UP, ENABLE, HIBERNATE]);
    expect(off.world.records.at(-1)).toMatchObject({ outcome: 'refused', errno: -1 });
    const on = ran(name, [...BRING_UP, ENABLE, HIBERNATE, S3], { hibernation: true });
    expect([...off.broken, ...on.broken]).toEqual([]);
    expect(on.world.records.slice(-2).map(({ outcome }) => outcome)).toEqual(['done', 'done']);
  });

  test('S3 that is refused without a word about TDX is noticed', () => {
    const revision = findRevision(name) as Revision;
    const mute = replaced(revision.boot, DISABLE_S3, () => (kernel) => {
      kernel.s3Available = false;
      return DONE;
    });
    const { broken } = ran({ ...revision, boot: mute }, [S3]);
    expect(broken).toContain(`${SUSPEND_REFUSAL_IS_EXPLAINED.id}|`);
  });
});

test('a guest keeps the last CPU of a package awake: S3 fails there, and those that went come back', () => {
  const { world, broken } = ran('6.17', [...BRING_UP, ENABLE, { kind: 'td-create' }, S3]);
  expect(world.records.at(-1)).toMatchObject({ outcome: 'refused', errno: -16 });
  expect(online(world)).toEqual([true, true, true, true]);
  expect(lines(world)).toContain('Error taking CPU2 down: -16');
  expect(broken).toEqual(['suspend/refusal-comes-first|']);
});

test('a CPU that cannot enter VMX operation any more stays away after an S3 that never was', () => {
  const { world, broken } = ran('7.3', [ENABLE, { kind: 'vmxoff', lp: 1 }, S3]);
  expect(online(world)).toEqual([true, false, true, true]);
  expect(broken).toContain(`${SUSPEND_EVERY_CPU_COMES_BACK.id}|s3`);
});

describe('strict', () => {
  test('says no by name while TDX is in use, before any CPU goes', () => {
    const { world, broken } = ran('strict', [ENABLE, S3]);
    expect(broken).toEqual([]);
    expect(world.records.at(-1)).toMatchObject({ outcome: 'refused', errno: -16 });
    expect(lines(world).at(-1)).toBe('virt/tdx: no S3 while TDX is in use: the TDX module would not survive it');
  });

  test('sleeps while it is not, and TDX is over until the machine is reset', () => {
    const { world, broken } = ran('strict', [...BRING_UP, S3, ENABLE]);
    expect(broken).toEqual([]);
    expect(world.records.slice(-2).map(({ errno }) => errno)).toEqual([0, -19]);
    expect(lines(world).at(-1)).toBe('virt/tdx: the machine has been in S3: no TDX until it is reset');
  });
});

test('after S3 no SEAMRR is valid; after hibernation the module waits for its first call, on every revision', () => {
  for (const { name } of REVISIONS) {
    const { world } = ran(name, [S3]);
    if (world.records.at(-1)?.outcome === 'done')
      expect([name, world.hardware.lps.some((lp) => lp.seamrrValid), modulePhase(world)]).toEqual([
        name,
        false,
        'ABSENT',
      ]);
    const { world: fresh } = ran(name, [...BRING_UP, HIBERNATE], { hibernation: true });
    expect([name, fresh.records.at(-1)?.outcome, modulePhase(fresh)]).toEqual([name, 'done', 'PENDING']);
  }
});

test('hibernation brings back what S3 has taken: the machine starts anew', () => {
  const { world } = ran('v11', [S3, HIBERNATE], { hibernation: true });
  expect([world.hardware.lps.every((lp) => lp.seamrrValid), modulePhase(world)]).toEqual([true, 'PENDING']);
});
