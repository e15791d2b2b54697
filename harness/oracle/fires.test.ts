import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { U64 } from '../../model/abi/u64.ts';
import { ALWAYS } from '../../model/invariants/catalogue.ts';
import type { Offence } from '../../model/invariants/invariant.ts';
import { EINVAL } from '../../model/kernel/errno.ts';
import { DONE, type Step } from '../../model/kernel/flow.ts';
import type { Revision } from '../../model/kernel/revision.ts';
import { LINUX_6_12 } from '../../model/kernel/revisions/6.12.ts';
import { LINUX_6_17 } from '../../model/kernel/revisions/6.17.ts';
import type { KernelState } from '../../model/kernel/state.ts';
import * as create from '../../model/kernel/steps/kvm/td-create.ts';
import * as destroy from '../../model/kernel/steps/kvm/td-destroy.ts';
import * as configure from '../../model/kernel/steps/linux/configure.ts';
import * as hotplug from '../../model/kernel/steps/linux/cpu-hotplug.ts';
import { CHECK_KEYID_COUNT } from '../../model/kernel/steps/linux/detect.ts';
import { FLUSH_DIRTY_CPUS } from '../../model/kernel/steps/linux/kexec.ts';
import * as lp from '../../model/kernel/steps/linux/lp.ts';
import { MEMORY_NOTIFY } from '../../model/kernel/steps/linux/memory-hotplug.ts';
import { GET_TDX_TDMR_SYSINFO } from '../../model/kernel/steps/linux/metadata.ts';
import * as status from '../../model/kernel/steps/linux/status.ts';
import { TDMRS_FREE_PAMT_ALL } from '../../model/kernel/steps/linux/tdmr.ts';
import * as undo from '../../model/kernel/steps/linux/undo.ts';
import type { TDMR } from '../../model/kernel/tdmr.ts';
import { RELEASES } from '../../model/module/release.ts';
import type { Platform } from '../../model/platform/platform.ts';
import { bootWorld } from '../../model/world/boot.ts';
import type { Event } from '../../model/world/event.ts';
import { type Preemption, runFrom } from '../../model/world/schedule.ts';
import type { EventRecord, SeamcallEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';
import { stages } from '../pipeline.ts';
import { loadKnown } from '../store/known.ts';
import {
  CROSSED,
  deaf,
  enabling,
  type GuestFlow,
  type Mutation,
  replaced,
  SKIPPED,
  spoiled,
  spoiling,
  withGuestSteps,
} from '../testing/mutant.ts';
import { healthyPlatform } from '../testing/platform.ts';
import { judgeMetamorphic, METAMORPHIC } from './metamorphic.ts';
import type { Violation } from './verdict.ts';

/**
 * A rule that cannot be broken checks nothing. Each rule is broken by a known case of some kernel, or here by a mutant:
 * a kernel with one wrong step, or a module that returns an answer it must not return.
 */

function firstTDMR(kernel: KernelState): TDMR {
  const tdmr = kernel.tdmrs[0];
  if (tdmr === undefined) throw new Error('no TDMR');
  return tdmr;
}

const MACHINE = healthyPlatform();
const BRING_UP: readonly Event[] = MACHINE.lps.map((_, lp) => ({ kind: 'cpu-enable', lp }));
const ENABLE: Event = { kind: 'enable' };
const busy = (leaf: number): Event => ({ kind: 'condition', condition: 'global-lock-busy', leaf, count: 1 });
const PCONFIG_BUSY: Event = { kind: 'condition', condition: 'pconfig-busy', leaf: 31, count: 1 };

interface Run {
  readonly world: World;
  /** Offences of the rule with that id, checked after every event. */
  readonly offences: (id: string) => readonly Offence[];
}

function run(
  revision: Revision,
  events: readonly Event[],
  platform: Partial<Platform> = {},
  schedule: readonly Preemption[] = [],
): Run {
  const world = bootWorld(healthyPlatform(platform), revision, RELEASES.later, true);
  const seen: { id: string; offence: Offence }[] = [];
  const look = (record: EventRecord): void => {
    for (const rule of ALWAYS)
      if (rule.after === 'all' || rule.after.includes(record.event.kind))
        rule.check(world, record, (offence) => seen.push({ id: rule.id, offence }));
  };
  look(lastRecord(world));
  for (let index = 0; index < events.length; ) {
    const from = world.records.length;
    index = runFrom(world, events, index, schedule);
    for (const record of world.records.slice(from)) look(record);
  }
  return { world, offences: (id) => seen.filter((one) => one.id === id).map(({ offence }) => offence) };
}

function lastRecord({ records }: World): EventRecord {
  const record = records.at(-1);
  if (record === undefined) throw new Error('no record');
  return record;
}

function mutant(revision: Revision, events: readonly Event[], platform: Partial<Platform> = {}) {
  return (id: string): readonly Offence[] => run(revision, events, platform).offences(id);
}

/** The offences of a rule on a healthy machine with one SEAMCALL of the last event altered in the trace. */
function forged(patch: Partial<SeamcallEntry>, events: readonly Event[] = [...BRING_UP, ENABLE], at = -1) {
  return (id: string): readonly Offence[] => {
    const { world } = run(LINUX_6_12, events);
    const { trace } = world;
    const record = lastRecord(world);
    const calls = trace.flatMap((entry, index) => (entry.kind === 'seamcall' && index >= record.from ? [index] : []));
    const index = calls.at(at) ?? -1;
    const entry = trace[index];
    if (entry?.kind !== 'seamcall') throw new Error('no SEAMCALL to forge');
    trace[index] = { ...entry, ...patch };
    return check(id, world, record);
  };
}

function check(id: string, world: World, record: EventRecord): readonly Offence[] {
  const offences: Offence[] = [];
  ALWAYS.find((rule) => rule.id === id)?.check(world, record, (offence) => offences.push(offence));
  return offences;
}

const CREATE: Event = { kind: 'td-create' };
const DESTROY: Event = { kind: 'td-destroy', td: 0 };
const PACKAGE_1_OFFLINE: readonly Event[] = MACHINE.lps.flatMap(({ package: pkg }, lp) =>
  pkg === 1 ? [{ kind: 'cpu-offline', lp }] : [],
);

/** Guests on Linux 6.17 with some steps of one of its flows replaced. */
function guests(flow: GuestFlow, steps: readonly Mutation[], events: readonly Event[]) {
  return mutant(withGuestSteps(flow, steps), [...BRING_UP, ENABLE, ...events]);
}

/** A guest is ready without its control pages. */
const addingNothing: Step['run'] = (kernel, thread) => {
  const td = kernel.tds[thread.td];
  if (td !== undefined) td.alive = true;
  return DONE;
};

const CLASS_FF: U64 = 0x8000ff0000000001n;
const SYS_BUSY: U64 = 0x8000020200000000n;
const NO_ENTROPY: U64 = 0x8000020300000000n;
const RESERVED = { offset: 1, size: 1 };
const NEW_MEMORY: Event = { kind: 'memory-add', how: 'driver', base: 2 ** 36, size: 2 ** 27, node: 0 };
const FIRST_CALL: readonly Event[] = BRING_UP.slice(0, 1);

const MUTANTS: Readonly<Record<string, (id: string) => readonly Offence[]>> = {
  'sw-error/class-ff-is-never-the-module-s': forged({ rax: CLASS_FF }),
  'sw-error/failure-is-never-success': (id) => {
    const settle = spoiling((kernel) => (kernel.status = 'initialised'));
    const forgetting =
      (original: Step): Step['run'] =>
      (kernel, thread, port) => {
        thread.error = 0;
        return settle(original)(kernel, thread, port);
      };
    return run(enabling(status.SETTLE_MODULE_STATUS, forgetting), [...BRING_UP, busy(45), ENABLE]).offences(id);
  },
  'lp/init-once': mutant(
    {
      ...LINUX_6_12,
      cpuEnable: replaced(LINUX_6_12.cpuEnable ?? LINUX_6_12.enable, lp.SKIP_IF_LP_INITIALISED, SKIPPED),
    },
    [...FIRST_CALL, ...FIRST_CALL],
  ),
  'retry/entropy-at-most-ten': mutant({ ...LINUX_6_12, seamcall: { ...LINUX_6_12.seamcall, attempts: 20 } }, [
    { kind: 'condition', condition: 'no-entropy', leaf: 33, count: 15 },
    ...FIRST_CALL,
  ]),
  // The recorded module draws no entropy for TDH.SYS.RD; the second call really reads the next field. A pending
  // condition keeps the two calls from being merged into one run.
  'retry/repeats-its-inputs': forged(
    { rax: NO_ENTROPY },
    [...BRING_UP, { kind: 'condition', condition: 'pconfig-busy', leaf: 34, count: 2 }, ENABLE],
    0,
  ),
  'tdmr/geometry': mutant(
    spoiled((kernel) => (firstTDMR(kernel).size += 4096)),
    [...BRING_UP, ENABLE],
  ),
  'tdmr/reserved-areas': mutant(
    spoiled((kernel) => firstTDMR(kernel).reserved.push(RESERVED)),
    [...BRING_UP, ENABLE],
  ),
  'tdmr/inside-cmrs': mutant(
    spoiled((kernel) => (firstTDMR(kernel).reserved.length = 0)),
    [...BRING_UP, ENABLE],
  ),
  'tdmr/covers-tdx-memory': mutant(
    spoiled((kernel) => firstTDMR(kernel).reserved.unshift({ offset: 2 ** 24, size: 2 ** 24 })),
    [...BRING_UP, ENABLE],
  ),
  'pamt/flushed-before-free': mutant(enabling(undo.FLUSH_BEFORE_RESET, SKIPPED), [...BRING_UP, PCONFIG_BUSY, ENABLE]),
  'pamt/reset-before-free': mutant(enabling(undo.TDMRS_RESET_PAMT_ALL, SKIPPED), [...BRING_UP, PCONFIG_BUSY, ENABLE]),
  'pamt/flushed-before-key-config': mutant(enabling(configure.FLUSH_CACHES, SKIPPED), [...BRING_UP, ENABLE]),
  'pamt/size': mutant(
    spoiled((kernel) => (firstTDMR(kernel).pamt4K = 4096)),
    [...BRING_UP, ENABLE],
  ),
  'pamt/disjoint': mutant(
    spoiled((kernel) => {
      for (const tdmr of kernel.tdmrs) tdmr.pamtBase = firstTDMR(kernel).pamtBase;
    }),
    [...BRING_UP, ENABLE],
  ),
  'keyid/at-least-two': mutant({ ...LINUX_6_12, boot: replaced(LINUX_6_12.boot, CHECK_KEYID_COUNT, SKIPPED) }, [], {
    keyids: { mktme: 31, tdx: 1 },
  }),
  'keyid/global-is-private': mutant(
    spoiled((kernel) => (kernel.globalKeyID += 1)),
    [...BRING_UP, ENABLE],
  ),
  'ledger/initialised-lps-agree': mutant(
    {
      ...LINUX_6_12,
      cpuEnable: replaced(
        LINUX_6_12.cpuEnable ?? LINUX_6_12.enable,
        lp.LP_INIT,
        spoiling((kernel) => {
          for (const cpu of kernel.cpus) cpu.lpInitialised = false;
        }),
      ),
    },
    FIRST_CALL,
  ),
  'ledger/initialised-means-ready': mutant(enabling(configure.INIT_TDMRS, SKIPPED), [...BRING_UP, ENABLE]),
  'ledger/tdmrs-agree': mutant(
    spoiled((kernel) => (firstTDMR(kernel).pamtBase += 4096)),
    [...BRING_UP, ENABLE],
  ),
  'ledger/packages-agree': mutant(
    {
      ...LINUX_6_12,
      enable: replaced(enabling(configure.DO_GLOBAL_KEY_CONFIG, SKIPPED).enable, configure.INIT_TDMRS, SKIPPED),
    },
    [...BRING_UP, ENABLE],
  ),
  'balance/allocations': mutant(enabling(TDMRS_FREE_PAMT_ALL, SKIPPED), [...BRING_UP, busy(45), ENABLE]),
  'flow/leaf-order': mutant(
    enabling(configure.REPORT_PAMT, () => GET_TDX_TDMR_SYSINFO.run),
    [...BRING_UP, ENABLE],
  ),
  'flow/nothing-follows-a-failure': mutant(enabling(configure.SYS_CONFIG, deaf), [...BRING_UP, busy(45), ENABLE]),
  'flow/enable-is-idempotent': mutant(enabling(status.CHECK_MODULE_STATUS, SKIPPED), [...BRING_UP, ENABLE, ENABLE]),
  'hotplug/outside-is-refused': mutant(
    {
      ...LINUX_6_12,
      memoryAdd: {
        ...LINUX_6_12.memoryAdd,
        driver: replaced(LINUX_6_12.memoryAdd.driver, MEMORY_NOTIFY, SKIPPED),
      },
    },
    [...BRING_UP, ENABLE, NEW_MEMORY],
  ),
  'hotplug/leaves-tdx-alone': mutant(
    {
      ...LINUX_6_12,
      cpuOffline: replaced(
        LINUX_6_12.cpuOffline,
        hotplug.TAKE_CPU_DOWN,
        spoiling((kernel) => (kernel.status = 'error')),
      ),
    },
    [...BRING_UP, ENABLE, { kind: 'cpu-offline', lp: 1 }],
  ),
  'kexec/caches-are-flushed': mutant(
    { ...LINUX_6_17, kexec: replaced(LINUX_6_17.kexec, FLUSH_DIRTY_CPUS, SKIPPED) },
    [...BRING_UP, ENABLE, { kind: 'kexec' }],
    // A processor without the partial-write erratum; with it, kexec is refused.
    { fms: [0xa06d0] },
  ),
  'td/has-its-key-on-every-package': guests(
    'tdCreate',
    [
      [create.MNG_KEY_CONFIG_PACKAGES, SKIPPED],
      [create.ADD_TDCS_PAGES, () => addingNothing],
    ],
    [CREATE],
  ),
  'td/last-cpu-of-package-stays': guests(
    'cpuOffline',
    [[hotplug.KEEP_LAST_CPU_OF_PACKAGE_KVM, SKIPPED]],
    [CREATE, ...PACKAGE_1_OFFLINE],
  ),
  'td/gives-everything-back': guests('tdDestroy', [[destroy.TDX_RECLAIM_TD_CONTROL_PAGES, SKIPPED]], [CREATE, DESTROY]),
  'td/no-control-page-is-freed-too-early': guests(
    'tdDestroy',
    [
      [
        destroy.TDX_RECLAIM_TD_CONTROL_PAGES,
        () => (kernel, thread, port) => {
          port.free('k', kernel.tds[thread.td]?.tdr ?? -1, 4096);
          return DONE;
        },
      ],
    ],
    [CREATE, DESTROY],
  ),
  'keyid/global-never-handed-out': guests(
    'tdCreate',
    [
      [
        create.TDX_GUEST_KEYID_ALLOC,
        spoiling(({ tds, globalKeyID }) => Object.assign(tds.at(-1) ?? {}, { hkid: globalKeyID })),
      ],
    ],
    [CREATE],
  ),
  'keyid/never-reused-after-leak': guests(
    'tdCreate',
    [[create.TDX_GUEST_KEYID_ALLOC, spoiling((kernel) => kernel.guestKeyids.pop())]],
    [CREATE, CREATE],
  ),
  'keyid/leak-is-told': guests('tdDestroy', [[destroy.FREE_KEYID, SKIPPED]], [CREATE, DESTROY]),
  'threads/one-lock-order': mutant(CROSSED, [...FIRST_CALL, ENABLE]),
  'threads/no-deadlock': (id) =>
    run(CROSSED, [...FIRST_CALL, ENABLE], {}, [{ event: 0, after: 1, run: 0 }]).offences(id),
  'module/refused-call-changes-nothing': forged({ rax: SYS_BUSY, changed: true }),
  'module/not-ready-gate': forged({ leaf: 24, before: 'PENDING' }),
  'module/sys-info-r9-is-32': forged({ leaf: 32, r9: 2 }),
  'module/config-waits-for-every-lp': forged({ leaf: 45 }, FIRST_CALL),
  'module/ready-means-every-package': forged({ leaf: 31, before: 'CONFIG_DONE', after: 'READY' }, FIRST_CALL),
  'module/tdmr-init-progress': forged({ leaf: 36, inRCX: 4096 }),
  'module/lp-init-window': forged({ leaf: 35, before: 'READY' }),
  'module/init-once': forged({ leaf: 33, before: 'READY' }),
  'mcheck/published-cmrs-are-legal': (id) => {
    const { world } = run(LINUX_6_12, []);
    const cmrs = [{ base: 1, size: 4096 }];
    return check(id, { ...world, platform: { ...world.platform, cmrs } }, lastRecord(world));
  },
};

const known = loadKnown(fileURLToPath(new URL('../../../corpus', import.meta.url)));
const inCorpus = new Map(known.map((one) => [one.invariant, one]));
const METAMORPHIC_IDS = METAMORPHIC.map(({ id }) => id);

const FAMILIES = new Set(ALWAYS.map(({ id }) => id.slice(0, id.indexOf('/'))));
const FOLDER = fileURLToPath(new URL('../../model/invariants/', import.meta.url));
const FAMILY_TESTS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.test.js') && FAMILIES.has(name.replace('.test.js', '')))
  .map((name) => readFileSync(FOLDER + name, 'utf8'));

/** True if the test of a family names the rule by its id or its constant: that test breaks the rule. */
function isShownInModel(id: string): boolean {
  const constant = new RegExp(`\\b${id.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}\\b`);
  return FAMILY_TESTS.some((text) => text.includes(`'${id}'`) || constant.test(text));
}

describe('every always can be broken', () => {
  test.each(ALWAYS.map(({ id }) => id))('%s', (id) => {
    const one = inCorpus.get(id);
    if (one === undefined && MUTANTS[id] === undefined) expect(isShownInModel(id)).toBe(true);
    else if (one === undefined) expect(MUTANTS[id]?.(id) ?? []).not.toEqual([]);
    else expect(stages.judge(one.case).violations.map(({ invariant }) => invariant)).toContain(id);
  });

  test.each(Object.entries(MUTANTS))('%s is broken by its mutant', (id, breaks) => {
    expect(breaks(id).length).toBeGreaterThan(0);
  });

  test.each(METAMORPHIC_IDS.filter((id) => inCorpus.has(id)))('%s', (id) => {
    const one = inCorpus.get(id);
    const violations = one === undefined ? [] : stages.judge(one.case).violations;
    expect(violations.map(({ invariant }) => invariant)).toContain(id);
    expect(violations.find(({ invariant }) => invariant === id)?.message).toMatch(
      /; on the same machine with the (CMR|memory block) \[0x\w+, 0x\w+\) described as two that touch at 0x\w+ it is /,
    );
  });

  test('metamorphic/relabelling-lps is broken by a kernel that requires its second CPU in the first package', () => {
    const picky = enabling(
      status.CHECK_MODULE_STATUS,
      () => (kernel) => (kernel.cpus[1]?.package === 0 ? DONE : EINVAL),
    );
    const events = [...BRING_UP, ENABLE];
    const { world } = run(picky, events);
    const violations: Violation[] = [];
    const profile = { kernel: '6.12', module: 'later' };
    judgeMetamorphic({ formatVersion: 1, profile, platform: MACHINE, events }, world, violations);
    expect(violations.map(({ invariant }) => invariant)).toEqual(['metamorphic/relabelling-lps']);
    expect(violations[0]?.message).toMatch(
      /; on the same machine with LPs 1 to \d numbered in reverse order it is done/,
    );
  });

  test('the unmutated kernel on a healthy machine breaks none of the rules that only mutants break', () => {
    const { offences } = run(LINUX_6_12, [...BRING_UP, ENABLE, ENABLE]);
    const broken = Object.keys(MUTANTS).filter((id) => offences(id).length > 0);
    expect(broken).toEqual([]);
  });
});
