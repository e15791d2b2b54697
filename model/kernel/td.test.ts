import { describe, expect, test } from '@jest/globals';
import { messageText } from './message.ts';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { RELEASES } from '../module/release.ts';
import type { Platform } from '../platform/platform.ts';
import { bootWorld } from '../world/boot.ts';
import { step } from '../world/step.ts';
import type { World } from '../world/world.ts';
import type { Flow } from './flow.ts';
import type { Revision } from './revision.ts';
import { findRevision } from './revisions.ts';
import { MNG_CREATE } from './steps/kvm/td-create.ts';
import { createThread, runThread, stepThread, type Thread } from './thread.ts';

/** A machine whose kernel has initialised the module: KVM's flows run on the model of the module itself. */
function initialised(name: '6.17' | '7.3', overrides: Partial<Platform> = {}): { world: World; revision: Revision } {
  const revision = findRevision(name);
  if (revision === undefined) throw new Error(`no revision ${name}`);
  const world = bootWorld(healthyPlatform(overrides), revision, RELEASES.later);
  if (revision.cpuEnable !== null) {
    for (let lp = 0; lp < world.kernel.cpus.length; lp++) step(world, { kind: 'cpu-enable', lp });
  }
  expect(step(world, { kind: 'enable' }).errno).toBe(0);
  return { world, revision };
}

function thread(flow: Flow | null, id = 1, td = -1): Thread {
  if (flow === null) throw new Error('the revision has no such flow');
  return createThread(id, flow, 0, 0, null, td);
}

function create({ world, revision }: { world: World; revision: Revision }): number {
  const one = thread(revision.tdCreate);
  expect(runThread(world.kernel, one, world.port)).toBe('done');
  return one.error;
}

function destroy({ world, revision }: { world: World; revision: Revision }, td: number): number {
  const one = thread(revision.tdDestroy, 1, td);
  expect(runThread(world.kernel, one, world.port)).toBe('done');
  return one.error;
}

function dmesg({ kernel }: World): string[] {
  return kernel.dmesg.map(messageText);
}

describe.each(['6.17', '7.3'] as const)('%s: a guest', (name) => {
  test('takes the first guest KeyID, a TDR and six TDCS pages, and gives all of it back', () => {
    const machine = initialised(name);
    const { kernel } = machine.world;
    const { live } = kernel;
    expect(create(machine)).toBe(0);
    expect(kernel.guestKeyids).toEqual([33]);
    expect(kernel.tds[0]).toMatchObject({ hkid: 33, added: 6, alive: true });
    expect(kernel.live).toBe(live + 7);
    expect(destroy(machine, 0)).toBe(0);
    expect(kernel.guestKeyids).toEqual([]);
    expect(kernel.live).toBe(live);
    expect(destroy(machine, 0)).toBe(-22);
    // The KeyID is free in the module too: the next guest gets it.
    expect(create(machine)).toBe(0);
    expect(kernel.guestKeyids).toEqual([33]);
  });

  test('gets no KeyID when all are taken', () => {
    const machine = initialised(name, { keyids: { mktme: 31, tdx: 3 } });
    expect([create(machine), create(machine), create(machine)]).toEqual([0, 0, -28]);
  });

  test('cannot be made while a package has no CPU online, and the package is not named', () => {
    const machine = initialised(name);
    const { world } = machine;
    for (const [lp, { package: pkg }] of world.kernel.cpus.entries()) {
      if (pkg === 1) expect(step(world, { kind: 'cpu-offline', lp }).errno).toBe(0);
    }
    const { live } = world.kernel;
    expect(create(machine)).toBe(-5);
    expect(dmesg(world).at(-1)).toBe(
      'kvm_intel: All packages need to have online CPU to create TD. Online CPU and retry.',
    );
    expect(world.kernel.guestKeyids).toEqual([]);
    expect(world.kernel.live).toBe(live);
  });

  test('keeps the last CPU of every package online', () => {
    const machine = initialised(name);
    const { world } = machine;
    expect(create(machine)).toBe(0);
    const second = world.kernel.cpus.flatMap(({ package: pkg }, lp) => (pkg === 1 ? [lp] : []));
    expect(second.map((lp) => step(world, { kind: 'cpu-offline', lp }).errno)).toEqual([0, -16]);
    destroy(machine, 0);
    expect(step(world, { kind: 'cpu-offline', lp: second[1] ?? -1 }).errno).toBe(0);
  });

  test('loses its KeyID when the module does not free it', () => {
    const machine = initialised(name);
    const { world } = machine;
    expect(create(machine)).toBe(0);
    step(world, { kind: 'condition', condition: 'kot-lock-busy', leaf: 20, count: 1 });
    expect(destroy(machine, 0)).toBe(0);
    expect(dmesg(world).at(-1)).toBe('kvm_intel: tdh_mng_key_freeid() failed. HKID 33 is leaked.');
    expect(world.kernel.guestKeyids).toEqual([33]);
    expect(create(machine)).toBe(0);
    expect(world.kernel.guestKeyids).toEqual([33, 34]);
  });

  test('is lost when the module refuses it halfway', () => {
    const machine = initialised(name);
    const { world } = machine;
    const { live } = world.kernel;
    step(world, { kind: 'condition', condition: 'pconfig-other', leaf: 8, count: 1 });
    expect(create(machine)).toBe(-5);
    expect(dmesg(world).some((line) => line.startsWith('kvm_intel: SEAMCALL TDH_MNG_KEY_CONFIG failed: 0x'))).toBe(
      true,
    );
    expect(world.kernel.locks.cpus).toEqual({ owner: -1, readers: 0 });
    expect(world.kernel.locks.kvm).toEqual({ owner: -1, readers: 0 });
    // The module ends no TD whose key was never configured, so KeyID and TDR stay with it.
    expect(world.kernel.live - live).toBe(1);
    expect(world.kernel.guestKeyids).toEqual([33]);
  });

  test('waits with the module for another guest in the making', () => {
    const { world, revision } = initialised(name);
    const first = thread(revision.tdCreate, 1);
    const second = thread(revision.tdCreate, 2);
    while (first.flow.steps[first.pc]?.run !== MNG_CREATE.run) stepThread(world.kernel, first, world.port);
    expect(runThread(world.kernel, second, world.port)).toBe('blocked');
    expect(runThread(world.kernel, first, world.port)).toBe('done');
    expect(runThread(world.kernel, second, world.port)).toBe('done');
    expect([first.error, second.error]).toEqual([0, 0]);
    expect(world.kernel.guestKeyids).toEqual([33, 34]);
  });
});

test('no guests where the module is not initialised, and none on kernels without KVM for them', () => {
  const revision = findRevision('6.17');
  if (revision === undefined) throw new Error('no 6.17');
  const world = bootWorld(healthyPlatform(), revision, RELEASES.later);
  expect(create({ world, revision })).toBe(-22);
  expect(findRevision('6.12')?.tdCreate).toBeNull();
});
