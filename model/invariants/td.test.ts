import { describe, expect, test } from '@jest/globals';
import { replaced } from '../../harness/testing/mutant.ts';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { DONE, type Flow, type Step } from '../kernel/flow.ts';
import { messageText } from '../kernel/message.ts';
import type { Revision } from '../kernel/revision.ts';
import { findRevision } from '../kernel/revisions.ts';
import { TDX_RECLAIM_TD_CONTROL_PAGES } from '../kernel/steps/kvm/td-destroy.ts';
import { RELEASES } from '../module/release.ts';
import { bootWorld } from '../world/boot.ts';
import type { Event } from '../world/event.ts';
import { step } from '../world/step.ts';
import type { World } from '../world/world.ts';
import { ALWAYS } from './catalogue.ts';

const TDH_MNG_CREATE = 9;
const TDH_VP_FLUSH = 18;
const TDH_MNG_VPFLUSHDONE = 19;
const TDH_MNG_KEY_FREEID = 20;

/** A machine of two packages of two LPs with TDX initialised, and which rules `events` break there. */
function ran(
  kernel: string | Revision,
  events: readonly Event[],
  spoil?: (world: World) => void,
): { world: World; broken: string[] } {
  const revision = typeof kernel === 'string' ? (findRevision(kernel) as Revision) : kernel;
  const world = bootWorld(healthyPlatform(), revision, RELEASES.later);
  for (let lp = 0; lp < 4; lp += 1) step(world, { kind: 'cpu-enable', lp });
  expect(step(world, { kind: 'enable' }).errno).toBe(0);
  const broken = new Set<string>();
  for (const event of events) {
    spoil?.(world);
    const record = step(world, event);
    for (const { id, after: kinds, check } of ALWAYS)
      if (kinds === 'all' || kinds.includes(event.kind)) check(world, record, () => broken.add(id));
  }
  return { world, broken: [...broken].sort() };
}

const lines = ({ kernel }: World): string[] => kernel.dmesg.map(messageText);
const create: Event = { kind: 'td-create' };
const destroy: Event = { kind: 'td-destroy', td: 0 };
const offline = (lp: number): Event => ({ kind: 'cpu-offline', lp });
const run = (lp: number): Event => ({ kind: 'td-run', td: 0, lp });
/** The next call of `leaf` finds its page locked. */
const locked = (leaf: number, count = 1): Event => ({ kind: 'condition', condition: 'pamt-lock-busy', leaf, count });
const busy = (leaf: number, count = 1): Event => ({ kind: 'condition', condition: 'kot-lock-busy', leaf, count });

describe('strict', () => {
  test('a CPU that the module does not let go of a vCPU on stays, by name', () => {
    const { world, broken } = ran('strict', [
      create,
      run(3),
      locked(TDH_VP_FLUSH, 10),
      offline(3),
      offline(3),
      destroy,
    ]);
    expect(broken).toEqual([]);
    expect(world.records.slice(-3).map(({ errno }) => errno)).toEqual([-16, 0, 0]);
    expect(lines(world)).toContain(
      'virt/tdx: CPU 3 in package 1 stays online: the module does not let go of a vCPU there',
    );
  });

  test('a guest comes and goes and leaves nothing', () => {
    const { world, broken } = ran('strict', [create, create, destroy, destroy]);
    expect(broken).toEqual([]);
    expect(world.records.slice(-4).map(({ outcome }) => outcome)).toEqual(['done', 'done', 'done', 'done']);
    expect([world.module.tds.size, world.kernel.guestKeyids]).toEqual([0, []]);
  });

  test('a guest without a CPU in every package is refused by name, and the module hears nothing of it', () => {
    const { world, broken } = ran('strict', [offline(2), offline(3), create]);
    expect(broken).toEqual([]);
    expect(world.records.at(-1)).toMatchObject({ outcome: 'refused', errno: -22 });
    expect(lines(world).at(-1)).toBe('kvm_intel: no TD can be created: no online CPUs in package 1');
    expect(world.module.tds.size).toBe(0);
  });

  test('the last CPU of a package stays for a guest, by name, however it is to go', () => {
    const { world, broken } = ran('strict', [create, offline(2), offline(3), { kind: 'acpi-cpu-remove', lp: 3 }]);
    expect(broken).toEqual([]);
    expect(world.records.slice(-2).map(({ errno }) => errno)).toEqual([-16, -16]);
    expect(lines(world).at(-1)).toBe(
      'virt/tdx: CPU 3 stays online: TDs need a CPU in package 1, and it is the last one there',
    );
  });

  test('a module that is busy nine times costs no KeyID; one that is busy for ever does, and it is said', () => {
    expect(ran('strict', [create, busy(TDH_MNG_KEY_FREEID, 9), destroy]).world.kernel.guestKeyids).toEqual([]);
    const { world, broken } = ran('strict', [create, busy(TDH_MNG_KEY_FREEID, 10), destroy, create]);
    expect(broken).toEqual([]);
    expect(lines(world)).toContain('kvm_intel: tdh_mng_key_freeid() failed. HKID 33 is leaked.');
    expect(world.kernel.guestKeyids).toEqual([33, 34]);
  });

  test('a vCPU whose move the module refuses is flushed when its CPU goes', () => {
    const { world, broken } = ran('strict', [create, run(3), locked(TDH_VP_FLUSH, 10), run(2), offline(3), destroy]);
    expect(broken).toEqual([]);
    expect(world.records.slice(-3).map(({ errno }) => errno)).toEqual([-5, 0, 0]);
    expect(world.module.tds.size).toBe(0);
  });

  test('ten tries count as ten whatever each of them met', () => {
    const both = [busy(TDH_MNG_CREATE, 4), locked(TDH_MNG_CREATE, 6)];
    expect(ran('strict', [...both, create]).broken).toEqual([]);
  });
});

describe.each(['6.17', '7.3'])('%s', (name) => {
  test.each([
    ['a package without CPU', [offline(2), offline(3), create], ['naming/refused-td-names-the-package']],
    ['a last CPU that stays', [create, offline(2), offline(3)], ['naming/cpu-that-stays-names-the-package']],
    ['a busy module', [create, busy(TDH_MNG_KEY_FREEID), destroy], ['keyid/transient-status-costs-no-keyid']],
    ['a busy module, earlier', [create, busy(TDH_MNG_VPFLUSHDONE), destroy], ['keyid/transient-status-costs-no-keyid']],
    [
      'a package taken out of the machine',
      [{ kind: 'acpi-cpu-remove', lp: 2 }, { kind: 'acpi-cpu-remove', lp: 3 }, create],
      ['td/create-needs-every-package'],
    ],
  ] satisfies [string, Event[], string[]][])('%s', (_, events, rules) => {
    expect(ran(name, events).broken).toEqual(rules);
  });

  test('a KeyID handed out twice, the global one, and one lost in silence are noticed', () => {
    const reuse = ran(name, [create, create], ({ kernel }) => kernel.guestKeyids.splice(0));
    expect(reuse.broken).toContain('keyid/never-reused-after-leak');
    const global = ran(name, [create], ({ kernel }) => {
      kernel.globalKeyID = kernel.keyidStart - 1;
      kernel.guestKeyids.length = 0;
    });
    expect(global.broken).toContain('keyid/global-never-handed-out');
  });

  test('a vCPU that the module does not let go of: its CPU goes, and its KeyID is lost in silence', () => {
    const { world, broken } = ran(name, [create, run(3), locked(TDH_VP_FLUSH), offline(3), destroy]);
    expect(broken).toEqual(['keyid/leak-is-told', 'td/no-vcpu-stays-on-a-cpu-that-goes']);
    expect(world.kernel.guestKeyids).toEqual([33]);
    const quiet = ran(name, [create, run(3), run(2), offline(3), run(0), offline(2), destroy]);
    expect(quiet.broken).toEqual(['naming/cpu-that-stays-names-the-package']);
    expect(quiet.world.kernel.guestKeyids).toEqual([]);
    expect(quiet.world.kernel.live).toBe(ran(name, []).world.kernel.live);
  });

  test('a guest that is given up because the module was busy is noticed, and one that was refused for good is not', () => {
    expect(ran(name, [busy(TDH_MNG_CREATE), create]).broken).toEqual(['td/transient-status-costs-no-td']);
    expect(ran(name, [busy(TDH_MNG_CREATE, 20), create]).broken).toEqual(['td/transient-status-costs-no-td']);
    expect(ran('strict', [busy(TDH_MNG_CREATE, 20), create]).broken).toEqual([]);
  });

  test('a TD whose key is not everywhere, and one that is left behind, are noticed', () => {
    const half = ran(name, [create, create], ({ module }) => {
      for (const td of module.tds.values()) td.lifecycle = 'HKID_ASSIGNED';
    });
    expect(half.broken).toContain('td/has-its-key-on-every-package');
    const gone = ran(name, [create, offline(2), offline(3)], ({ kernel }) => {
      kernel.guestKeyids.length = 0;
    });
    expect(gone.broken).toContain('td/last-cpu-of-package-stays');
  });

  test("a guest whose pages are forgotten, or freed while they are the module's, is noticed", () => {
    const reclaiming = (run: Step['run']): Revision => {
      const revision = findRevision(name) as Revision;
      const flow = revision.tdDestroy as Flow;
      return { ...revision, tdDestroy: replaced(flow, TDX_RECLAIM_TD_CONTROL_PAGES, () => run) };
    };
    expect(
      ran(
        reclaiming(() => DONE),
        [create, destroy],
      ).broken,
    ).toContain('td/gives-everything-back');
    const hasty = reclaiming((kernel, thread, port) => {
      port.free('k', kernel.tds[thread.td]?.tdr ?? -1, 4096);
      return DONE;
    });
    expect(ran(hasty, [create, destroy]).broken).toContain('td/no-control-page-is-freed-too-early');
  });

  test('guests wait for TDX, and old kernels have none', () => {
    const world = bootWorld(healthyPlatform(), findRevision(name) as Revision, RELEASES.later);
    expect(step(world, create).outcome).toBe('ignored');
    expect(
      ran('6.12', [create, destroy])
        .world.records.slice(-2)
        .map(({ outcome }) => outcome),
    ).toEqual(['ignored', 'ignored']);
    expect(
      ran('6.12', [create]).world.trace.some((entry) => entry.kind === 'seamcall' && entry.leaf === TDH_MNG_CREATE),
    ).toBe(false);
  });
});
