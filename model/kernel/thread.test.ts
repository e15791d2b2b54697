import { describe, expect, test } from '@jest/globals';
import {
  bootAndEnable,
  createTestKernel,
  createTestPort,
  run,
  type TestPort,
} from '../../harness/testing/kernel-port.ts';
import { defineFlow, goto, JUMP, label, replaceSteps, type Step } from './flow.ts';
import { lockOrderBit, LOCKS } from './lock.ts';
import type { Revision } from './revision.ts';
import { REVISIONS } from './revisions.ts';
import { LINUX_6_12 } from './revisions/6.12.ts';
import { LINUX_7_3 } from './revisions/7.3.ts';
import { SERIES_V5 } from './revisions/v5.ts';
import { INIT_TDMRS, SYS_CONFIG } from './steps/linux/configure.ts';
import { SYS_INIT_ONCE } from './steps/linux/lp.ts';
import { TDMRS_POPULATE_RSVD_AREAS_ALL } from './steps/linux/tdmr.ts';
import { cloneKernel, type KernelState, type MemoryRegion } from './state.ts';
import { cloneThread, createThread, runThread, stepThread, type Thread } from './thread.ts';

const MEMORY: readonly MemoryRegion[] = [
  { base: 0x100000, size: 0x7ff00000, node: 0 },
  { base: 0x100000000, size: 0x80000000, node: 1 },
];

function machine(revision: Revision): { kernel: KernelState; port: TestPort } {
  const port = createTestPort(MEMORY);
  port.cmrs = MEMORY.map(({ base, size }) => ({ base, size }));
  return { kernel: createTestKernel(revision, MEMORY), port };
}

/** Steps a thread until it stands before the step. */
function advanceTo(kernel: KernelState, thread: Thread, port: TestPort, { run }: Step): void {
  while (thread.flow.steps[thread.pc]?.run !== run) {
    expect(stepThread(kernel, thread, port)).toBe('running');
  }
}

/** Locks that are still held, or were dropped once too often. */
function heldLocks({ locks }: KernelState): string[] {
  return LOCKS.filter((name) => locks[name].owner !== -1 || locks[name].readers !== 0);
}

describe('a flow', () => {
  const step = (name: string): Step => ({ name, source: 'test', run: () => 0 });

  test('needs its labels to exist, once', () => {
    expect(() => defineFlow('f', [[step('a'), 'b'], [step('b')]])).toThrow('flow f: no label is called b');
    expect(() => defineFlow('f', [label('b'), [step('a'), 'b'], label('b')])).toThrow('two labels are called b');
  });

  test('counts a goto as one step and a label as none: schedules count steps', () => {
    const [a, b, c] = [step('a'), step('b'), step('c')];
    const { steps } = defineFlow('f', [label('again'), [a, 'out'], goto('out'), [b, 'again'], label('out'), [c]]);
    expect(steps.map(({ name, onError, jump }) => [name, onError, jump])).toEqual([
      ['a', 3, 4],
      ['goto out', 4, 3],
      ['b', 0, 4],
      ['c', 4, 4],
    ]);
  });

  test('keeps its labels where steps are replaced, and a step that is not there cannot be', () => {
    const [a, b, c] = [step('a'), step('b'), step('c')];
    expect(replaceSteps([label('l'), [a, 'l', 'end']], new Map([[a, [b, c]]]))).toEqual([
      label('l'),
      [b, 'l', 'end'],
      [c, 'l', 'end'],
    ]);
    expect(() => replaceSteps([[a]], new Map([[b, [c]]]))).toThrow('no step b to replace');
  });

  test.each(REVISIONS.map((revision) => [revision.name, revision] as const))(
    'of %s names a source for every step',
    (_name, revision) => {
      const flows = [revision.boot, revision.cpuEnable, revision.enable, revision.cpuOnline, revision.cpuOffline];
      flows.push(
        revision.acpiCPUAdd,
        revision.acpiCPURemove,
        revision.kexec,
        ...Object.values(revision.memoryAdd),
        ...Object.values(revision.memoryRemove),
      );
      for (const flow of flows) for (const { source } of flow?.steps ?? []) expect(source).not.toBe('');
    },
  );
});

describe('interleaving', () => {
  test('a CPU cannot go offline while the module is initialised', () => {
    const { kernel, port } = machine(LINUX_6_12);
    run(kernel, port, LINUX_6_12.boot);
    const enable = createThread(1, LINUX_6_12.enable, 0);
    const offline = createThread(2, LINUX_6_12.cpuOffline, 1, 3);
    advanceTo(kernel, enable, port, SYS_CONFIG);
    expect(stepThread(kernel, offline, port)).toBe('blocked');
    expect(runThread(kernel, enable, port)).toBe('done');
    expect(runThread(kernel, offline, port)).toBe('done');
    expect(kernel.cpus[3]?.online).toBe(false);
    expect(heldLocks(kernel)).toEqual([]);
  });

  test('memory waits with coming online until the list is settled, and is refused then', () => {
    const { kernel, port } = machine(LINUX_6_12);
    run(kernel, port, LINUX_6_12.boot);
    const enable = createThread(1, LINUX_6_12.enable, 0);
    const add = createThread(2, LINUX_6_12.memoryAdd.driver, 1, 1, { base: 0x200000000, size: 0x40000000, node: 1 });
    advanceTo(kernel, enable, port, SYS_CONFIG);
    expect(runThread(kernel, add, port)).toBe('blocked');
    runThread(kernel, enable, port);
    expect(runThread(kernel, add, port)).toBe('done');
    expect(add.error).toBe(-1);
  });

  test('two CPUs bring themselves up: the second waits for SYS.INIT and does not repeat it', () => {
    const { kernel, port } = machine(LINUX_6_12);
    run(kernel, port, LINUX_6_12.boot);
    const first = createThread(1, LINUX_6_12.cpuEnable as NonNullable<Revision['cpuEnable']>, 0);
    const second = createThread(2, first.flow, 1);
    advanceTo(kernel, first, port, SYS_INIT_ONCE);
    expect(runThread(kernel, second, port)).toBe('blocked');
    runThread(kernel, first, port);
    expect(runThread(kernel, second, port)).toBe('done');
    expect(port.log.filter((entry) => entry.startsWith('seamcall'))).toEqual([
      'seamcall 33 on 0',
      'seamcall 35 on 0',
      'seamcall 35 on 1',
    ]);
  });

  test('two initialisations: the second finds the work done', () => {
    const { kernel, port } = machine(LINUX_6_12);
    run(kernel, port, LINUX_6_12.boot);
    const first = createThread(1, LINUX_6_12.enable, 0);
    const second = createThread(2, LINUX_6_12.enable, 1);
    advanceTo(kernel, first, port, INIT_TDMRS);
    expect(runThread(kernel, second, port)).toBe('blocked');
    runThread(kernel, first, port);
    const calls = port.log.length;
    expect(runThread(kernel, second, port)).toBe('done');
    expect(second.error).toBe(0);
    expect(port.log).toHaveLength(calls);
  });

  test('the order of locks is remembered: v5 takes them the other way round', () => {
    const orders = [LINUX_6_12, SERIES_V5].map((revision) => {
      const { kernel, port } = machine(revision);
      expect(bootAndEnable(kernel, port)).toBe(0);
      return [kernel.lockOrder & lockOrderBit('cpus', 'module'), kernel.lockOrder & lockOrderBit('module', 'cpus')].map(
        (bit) => bit !== 0,
      );
    });
    expect(orders).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  test('a copy goes its own way', () => {
    const { kernel, port } = machine(LINUX_6_12);
    run(kernel, port, LINUX_6_12.boot);
    const thread = createThread(1, LINUX_6_12.enable, 0);
    advanceTo(kernel, thread, port, TDMRS_POPULATE_RSVD_AREAS_ALL);
    const copy = cloneKernel(kernel);
    const copiedThread = cloneThread(thread);
    const plain = (state: KernelState): unknown => structuredClone({ ...state, revision: null });
    const frozen = plain(copy);
    runThread(kernel, thread, port);
    expect(plain(copy)).toEqual(frozen);
    expect(copiedThread.pc).not.toBe(thread.pc);
    runThread(copy, copiedThread, port);
    expect(copy.tdmrs).toEqual(kernel.tdmrs);
    expect(copy.dmesg).toEqual(kernel.dmesg);
    expect(copiedThread).toEqual(thread);
  });
});

/** Revisions whose early errors drop a lock that is not held: v7 and v8. */
const UNBALANCED = ['v7', 'v8'];
/** Of a failed attempt, v5 to v8 and 6.x give everything back. */
const GIVES_ALL_BACK = ['v5', 'v8', 'v11', '6.12', '6.12-cmr', '6.17', '7.3'];

describe.each(REVISIONS.map((revision) => [revision.name, revision] as const))('%s', (name, revision) => {
  /** Runs the whole way with one thing broken; answers how it ended, or undefined if nothing broke. */
  function attempt(
    breakIt: (port: TestPort, nth: number) => void,
    nth: number,
  ): { kernel: KernelState; errno: number } {
    const { kernel, port } = machine(revision);
    breakIt(port, nth);
    return { kernel, errno: bootAndEnable(kernel, port) };
  }

  function check({ kernel, errno }: { kernel: KernelState; errno: number }): void {
    if (!UNBALANCED.includes(name)) {
      expect(heldLocks(kernel)).toEqual([]);
      expect(kernel.lockImbalances).toEqual([]);
    }
    if (errno !== 0 && GIVES_ALL_BACK.includes(name)) expect(kernel.live).toBe(0);
    if (errno !== 0) expect(kernel.status).not.toBe('initialised');
  }

  test('initialises on a machine that says yes', () => {
    const { kernel, port } = machine(revision);
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(kernel.status).toBe('initialised');
    check({ kernel, errno: 0 });
  });

  test('whichever allocation fails, locks and objects balance', () => {
    const errnos: number[] = [];
    for (let nth = 1; nth <= 7; nth++) {
      const result = attempt((port) => (port.failing = new Set([nth])), nth);
      check(result);
      errnos.push(result.errno);
    }
    expect(errnos.filter((errno) => errno !== 0).length).toBeGreaterThanOrEqual(5);
  });

  test.each([
    ['a status', 0xc000050500000000n],
    ['VMfailInvalid', 'vmfail'],
  ] as const)('whichever SEAMCALL ends in %s, locks and objects balance', (_what, end) => {
    let failures = 0;
    for (let nth = 1; nth <= 40; nth++) {
      const result = attempt((port) => {
        let calls = 0;
        port.answer = () => (++calls === nth ? end : undefined);
      }, nth);
      check(result);
      if (result.errno !== 0) failures++;
    }
    expect(failures).toBeGreaterThan(3);
  });
});

test('7.3 walks CPUs back when one cannot enter VMX operation', () => {
  const { kernel, port } = machine(LINUX_7_3);
  port.vmxon = (cpu) => cpu !== 2;
  expect(bootAndEnable(kernel, port)).toBe(-95);
  expect(kernel.cpus.map(({ vmxReferences }) => vmxReferences)).toEqual([0, 0, 0, 0]);
  expect(port.log.filter((entry) => entry.startsWith('vmxoff'))).toEqual(['vmxoff 0', 'vmxoff 1']);
});

test('a flow that goes round in circles crashes the kernel instead of the harness', () => {
  const kernel = createTestKernel(LINUX_6_12, []);
  const port = createTestPort([]);
  const spin: Step = { name: 'spin', source: 'a test', run: () => JUMP };
  const thread = createThread(1, defineFlow('circle', [label('again'), [spin, 'end', 'again']]), 0);
  expect(runThread(kernel, thread, port)).toBe('crashed');
  expect(kernel.crash).toBe('endless loop in circle at spin');
});
