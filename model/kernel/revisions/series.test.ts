import { describe, expect, test } from '@jest/globals';
import {
  bootAndEnable,
  createTestKernel,
  createTestPort,
  dmesg,
  run,
  type TestPort,
} from '../../../harness/testing/kernel-port.ts';
import type { Flow } from '../flow.ts';
import type { Revision } from '../revision.ts';
import type { KernelState, MemoryRegion } from '../state.ts';
import { BUILD_TDX_MEMORY } from '../steps/series/memory.ts';
import { CMR_BUFFER } from '../sys-info.ts';
import { createThread, runThread } from '../thread.ts';
import { SERIES_V11 } from './v11.ts';
import { SERIES_V5 } from './v5.ts';
import { SERIES_V7 } from './v7.ts';
import { SERIES_V8 } from './v8.ts';

/** 64 GiB in three TDMRs, as v5's documentation has them. */
const MEMORY: readonly MemoryRegion[] = [
  [0x100000, 0x80000000],
  [0x100000000, 0x880000000],
  [0x900000000, 0x1100000000],
].map(([start = 0, end = 0], node) => ({ base: start, size: end - start, node: node === 2 ? 1 : 0 }));

function machine(
  revision: Revision,
  facts: Parameters<typeof createTestKernel>[2] = {},
): { kernel: KernelState; port: TestPort } {
  const port = createTestPort(MEMORY);
  port.cmrs = MEMORY.map(({ base, size }) => ({ base, size }));
  return { kernel: createTestKernel(revision, MEMORY, facts), port };
}

/** Lines printed by one entry point. */
function linesOf(kernel: KernelState, action: () => void): string[] {
  const before = kernel.dmesg.length;
  action();
  return dmesg(kernel).slice(before);
}

function runOn(
  kernel: KernelState,
  port: TestPort,
  flow: Flow,
  target: number,
  region: MemoryRegion | null = null,
): number {
  const thread = createThread(1, flow, 0, target, region);
  runThread(kernel, thread, port);
  return thread.error;
}

const BAD_STATUS = 0xc000050c00000000n;

describe('v5 says what its documentation says (lore 0712bc0b05a0c6c42437fba68f82d9268ab3113e.1655894131.git.kai.huang@intel.com)', () => {
  test('at boot', () => {
    const { kernel, port } = machine(SERIES_V5);
    expect(linesOf(kernel, () => run(kernel, port, SERIES_V5.boot))).toEqual([
      'tdx: SEAMRR enabled.',
      'tdx: TDX private KeyID range: [16, 64).',
      'tdx: TDX enabled by BIOS.',
    ]);
  });

  test('without a module', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    port.answer = () => 'vmfail';
    const lines = linesOf(kernel, () => expect(run(kernel, port, SERIES_V5.enable)).toBe(-19));
    expect(lines).toEqual(['tdx: TDX module is not loaded.']);
    expect(linesOf(kernel, () => run(kernel, port, SERIES_V5.enable))).toEqual(lines);
  });

  test('on success', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    const lines = linesOf(kernel, () => expect(run(kernel, port, SERIES_V5.enable)).toBe(0));
    expect(lines.filter((line) => !line.includes('CMR'))).toEqual([
      'tdx: TDX module: vendor_id 0x8086, major_version 1, minor_version 0, build_date 20211209, build_num 160',
      'tdx: 65667 pages allocated for PAMT.',
      'tdx: TDX module initialized.',
    ]);
  });

  test('on failure, and then it shuts the module down everywhere', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    port.answer = (leaf) => (leaf === 45 ? BAD_STATUS : undefined);
    const lines = linesOf(kernel, () => expect(run(kernel, port, SERIES_V5.enable)).toBe(-14));
    expect(lines.slice(-2)).toEqual([
      'tdx: SEAMCALL failed: leaf: 0x2d, error: 0xc000050c00000000',
      'tdx: Failed to initialize TDX module.  Shut it down.',
    ]);
    expect(port.log.filter((entry) => entry.startsWith('seamcall 44'))).toEqual([
      'seamcall 44 on 0',
      'seamcall 44 on 1',
      'seamcall 44 on 2',
      'seamcall 44 on 3',
    ]);
    expect(kernel.live).toBe(0);
    expect(run(kernel, port, SERIES_V5.enable)).toBe(-14);
  });

  test('when memory is added by a driver', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    const region = { base: 0x580000000, size: 0x80000000, node: 0 };
    const lines = linesOf(kernel, () => expect(runOn(kernel, port, SERIES_V5.memoryAdd.driver, 0, region)).toBe(-22));
    expect(lines).toEqual([
      'tdx: Unable to add memory [0x580000000, 0x600000000) on TDX enabled platform.',
      'kmem dax0.0: mapping0: 0x580000000-0x5ffffffff memory add failed',
    ]);
    expect(runOn(kernel, port, SERIES_V5.memoryAdd['zone-device'], 0, region)).toBe(0);
  });
});

describe('v5', () => {
  test('oopses when a SEAMCALL is made outside VMX operation', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    port.answer = () => 'ud';
    const thread = createThread(1, SERIES_V5.enable, 0);
    expect(runThread(kernel, thread, port)).toBe('crashed');
    expect(kernel.crash).toContain('oops');
  });

  test.each([
    ['boot: SEAM off, KeyIDs announced', { seamrrEnabled: false }],
    ['boot: one KeyID', { keyids: [{ mktme: 62, tdx: 1 }] }],
  ])('%s: there is no TDX', (_what, facts) => {
    const { kernel, port } = machine(SERIES_V5, facts);
    run(kernel, port, SERIES_V5.boot);
    expect(run(kernel, port, SERIES_V5.enable)).toBe(-19);
    expect(port.log).toEqual([]);
  });

  test('refuses while a CPU is offline', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    runOn(kernel, port, SERIES_V5.cpuOffline, 3);
    const lines = linesOf(kernel, () => expect(run(kernel, port, SERIES_V5.enable)).toBe(-22));
    expect(lines).toEqual(["tdx: Unable to initialize the TDX module when there's offline CPU(s)."]);
    expect(port.log.filter((entry) => entry.startsWith('seamcall'))).toEqual([]);
  });

  test('ignores a hot-added CPU and memory, and dies of removal', () => {
    const { kernel, port } = machine(SERIES_V5);
    run(kernel, port, SERIES_V5.boot);
    const region = { base: 0x2000000000, size: 0x40000000, node: 0 };
    expect(linesOf(kernel, () => expect(runOn(kernel, port, SERIES_V5.acpiCPUAdd, 3)).toBe(-22))).toEqual([
      "[BIOS bug]: Platform doesn't support ACPI CPU hotplug.  New CPU ignored.",
    ]);
    expect(runOn(kernel, port, SERIES_V5.memoryAdd.acpi, 0, region)).toBe(-22);
    runOn(kernel, port, SERIES_V5.acpiCPURemove, 3);
    expect(kernel.crash).toContain('BUG()');
  });

  test.each<[string, readonly (readonly [number, number])[], string]>([
    ['no CMR at all', [], 'tdx: Firmware bug: No valid CMR.'],
    [
      'valid, empty, valid',
      [
        [0x100000, 0x7ff00000],
        [0, 0],
        [0x100000000, 0x1000000000],
      ],
      'tdx: Firmware bug: invalid CMR(s) before valid CMRs.',
    ],
    [
      'descending',
      [
        [0x100000000, 0x1000000000],
        [0x100000, 0x7ff00000],
      ],
      'tdx: Firmware bug: CMRs not in address ascending order.',
    ],
    [
      'RAM outside',
      [
        [0x100000, 0x7ff00000],
        [0x100000000, 0x780000000],
      ],
      'tdx: [0x900000000, 0x1100000000) is not fully convertible memory',
    ],
  ])('CMRs: %s', (_what, cmrs, line) => {
    const { kernel, port } = machine(SERIES_V5);
    port.cmrs = cmrs.map(([base, size]) => ({ base, size }));
    expect(bootAndEnable(kernel, port)).toBe(-14);
    expect(dmesg(kernel)).toContain(line);
    expect(kernel.live).toBe(0);
  });
});

describe('v7 and the CMR array (lore cover.1668988357.git.kai.huang@intel.com, 09/20)', () => {
  const checked = (lines: string[]): string[] => lines.filter((line) => line.includes('CMR'));

  test('drops empty entries at the tail, though R9 says 32', () => {
    const { kernel, port } = machine(SERIES_V7);
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(checked(dmesg(kernel))).toEqual([
      'tdx: Kernel-checked-CMR : [0x100000, 0x80000000)',
      'tdx: Kernel-checked-CMR : [0x100000000, 0x880000000)',
      'tdx: Kernel-checked-CMR : [0x900000000, 0x1100000000)',
    ]);
  });

  test('stops at an empty entry in the middle: what follows is not convertible', () => {
    const { kernel, port } = machine(SERIES_V7);
    const [low, middle, high] = port.cmrs as [MemoryRegion, MemoryRegion, MemoryRegion];
    port.cmrs = [low, middle, { base: 0, size: 0 }, high];
    expect(bootAndEnable(kernel, port)).toBe(-14);
    expect(dmesg(kernel)).toContain('tdx: Memory region [0x900000000, 0x1100000000) is not TDX convertible memorry.');
  });

  test('the first entry empty: broken, and nothing is printed of the table', () => {
    const { kernel, port } = machine(SERIES_V7);
    port.cmrs = [{ base: 0, size: 0 }, ...port.cmrs];
    expect(bootAndEnable(kernel, port)).toBe(-14);
    expect(checked(dmesg(kernel))).toEqual(['tdx: [TDX broken ?]: Invalid CMRs detected']);
  });

  test('a later entry not of whole pages: broken, and all 32 entries are printed', () => {
    const { kernel, port } = machine(SERIES_V7);
    port.cmrs = [...port.cmrs, { base: 0x2000000200, size: 0x1000 }];
    expect(bootAndEnable(kernel, port)).toBe(-14);
    expect(checked(dmesg(kernel))).toHaveLength(33);
  });

  test('a region over two touching CMRs is refused, as one the module would take', () => {
    const { kernel, port } = machine(SERIES_V7);
    const [low, middle, high] = port.cmrs as [MemoryRegion, MemoryRegion, MemoryRegion];
    port.cmrs = [
      low,
      { base: middle.base, size: 0x40000000 },
      { base: middle.base + 0x40000000, size: middle.size - 0x40000000 },
      high,
    ];
    expect(bootAndEnable(kernel, port)).toBe(-14);
    // The entry listed before stays listed: memory hotplug takes TDX for initialised.
    expect(kernel.live).toBe(1);
    expect(runOn(kernel, port, SERIES_V7.memoryAdd.driver, 0, { base: 0x2000000000, size: 0x40000000, node: 0 })).toBe(
      -22,
    );
  });

  test('the array is read again where memory is checked: a change in between is noticed', () => {
    const { kernel, port } = machine(SERIES_V7);
    run(kernel, port, SERIES_V7.boot);
    const thread = createThread(1, SERIES_V7.enable, 0);
    while (SERIES_V7.enable.steps[thread.pc]?.run !== BUILD_TDX_MEMORY.run) runThread1(kernel, thread, port);
    port.memory.set(CMR_BUFFER + 16, 0);
    runThread(kernel, thread, port);
    expect(thread.error).toBe(-14);
    expect(dmesg(kernel)).toContain('tdx: Memory region [0x100000000, 0x880000000) is not TDX convertible memorry.');
  });

  function runThread1(kernel: KernelState, thread: ReturnType<typeof createThread>, port: TestPort): void {
    const before = thread.pc;
    const flow = { ...thread.flow, steps: thread.flow.steps.slice(0, before + 1) };
    runThread(kernel, Object.assign(thread, { flow }), port);
    Object.assign(thread, { flow: SERIES_V7.enable });
  }
});

describe('v7', () => {
  test('an early error drops a memory lock that is not held', () => {
    const { kernel, port } = machine(SERIES_V7);
    run(kernel, port, SERIES_V7.boot);
    port.answer = (leaf) => (leaf === 33 ? BAD_STATUS : undefined);
    expect(run(kernel, port, SERIES_V7.enable)).toBe(-14);
    expect(kernel.lockImbalances).toEqual([
      { thread: 1, flow: 'enable', lock: 'mems', what: 'dropped while not held' },
    ]);
  });

  test('takes SEAM that is off for an absent module', () => {
    const { kernel, port } = machine(SERIES_V7);
    run(kernel, port, SERIES_V7.boot);
    port.answer = () => 'gp';
    expect(run(kernel, port, SERIES_V7.enable)).toBe(-19);
    expect(dmesg(kernel).at(-1)).toBe('tdx: TDX module is not loaded.');
    expect(kernel.status).toBe('none');
  });

  test('refuses ZONE_DEVICE memory outside its list too', () => {
    const { kernel, port } = machine(SERIES_V7);
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(
      runOn(kernel, port, SERIES_V7.memoryAdd['zone-device'], 0, { base: 0x2000000000, size: 0x40000000, node: 0 }),
    ).toBe(-22);
  });

  test('gives up without x2APIC', () => {
    const { kernel, port } = machine(SERIES_V7, { x2apic: false });
    run(kernel, port, SERIES_V7.boot);
    expect(dmesg(kernel)).toEqual([
      'tdx: TDX enabled by BIOS. TDX private KeyID range: [16, 64)',
      'tdx: Disable TDX as X2APIC is not enabled.',
    ]);
    expect(kernel.platformEnabled).toBe(false);
  });
});

describe('v8', () => {
  test('makes no TDH.SYS.INIT and no TDH.SYS.LP.INIT, and prints the CMRs it does not check', () => {
    const { kernel, port } = machine(SERIES_V8);
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(port.log.filter((entry) => /seamcall (33|35) /.test(entry))).toEqual([]);
    expect(dmesg(kernel).filter((line) => line.includes('CMR'))).toEqual([
      'tdx: CMR: [0x100000, 0x80000000)',
      'tdx: CMR: [0x100000000, 0x880000000)',
      'tdx: CMR: [0x900000000, 0x1100000000)',
    ]);
  });

  test.each([
    ['gp', 'tdx: [firmware bug]: TDX is not enabled by BIOS.', -19],
    ['ud', 'tdx: CPU is not in VMX operation.', -22],
    ['vmfail', 'tdx: TDX module is not loaded.', -19],
  ] as const)('says what %s means, prints the errno and returns -EINVAL for all', (trap, line, errno) => {
    const { kernel, port } = machine(SERIES_V8);
    run(kernel, port, SERIES_V8.boot);
    port.answer = () => trap;
    expect(linesOf(kernel, () => expect(run(kernel, port, SERIES_V8.enable)).toBe(-22))).toEqual([
      line,
      `tdx: initialization failed (${errno})`,
    ]);
    expect(linesOf(kernel, () => expect(run(kernel, port, SERIES_V8.enable)).toBe(-22))).toEqual([]);
  });
});

describe('v11', () => {
  test('initialises, and counts PAMTs in KB', () => {
    const { kernel, port } = machine(SERIES_V11);
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(dmesg(kernel).slice(-2)).toEqual(['tdx: 262668 KBs allocated for PAMT.', 'tdx: TDX module initialized.']);
  });

  test('remembers a failed SYS.INIT, and every CPU that tried', () => {
    const { kernel, port } = machine(SERIES_V11);
    run(kernel, port, SERIES_V11.boot);
    port.answer = () => 'ud';
    expect(run(kernel, port, SERIES_V11.cpuEnable, 0)).toBe(-22);
    port.answer = () => undefined;
    port.log.length = 0;
    expect(run(kernel, port, SERIES_V11.cpuEnable, 0)).toBe(-22);
    expect(run(kernel, port, SERIES_V11.cpuEnable, 1)).toBe(-22);
    expect(port.log).toEqual([]);
  });

  test('repeats the inputs, not the outputs, while there is no entropy', () => {
    const { kernel, port } = machine(SERIES_V11);
    const inputs: unknown[] = [];
    port.answer = (leaf, _cpu, registers) => {
      if (leaf !== 32) return undefined;
      inputs.push(registers.rcx);
      if (inputs.length > 1) return undefined;
      registers.rcx = 0;
      return 0x8000020300000000n;
    };
    expect(bootAndEnable(kernel, port)).toBe(0);
    expect(inputs).toEqual([inputs[0], inputs[0]]);
  });

  test('resets the PAMTs for the next kernel where partial writes poison them', () => {
    const { kernel, port } = machine(SERIES_V11);
    bootAndEnable(kernel, port);
    port.log.length = 0;
    expect(run(kernel, port, SERIES_V11.kexec)).toBe(0);
    expect(port.log.map((entry) => entry.split(' ')[0])).toEqual(['wbinvd', 'movdir64b', 'movdir64b', 'movdir64b']);
  });
});
