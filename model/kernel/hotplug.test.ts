import type { U64 } from '../abi/u64.ts';
import { describe, expect, test } from '@jest/globals';
import {
  bootAndEnable,
  createTestKernel,
  createTestPort,
  dmesg,
  run,
  type TestPort,
} from '../../harness/testing/kernel-port.ts';
import type { Revision } from './revision.ts';
import { LINUX_6_12 } from './revisions/6.12.ts';
import { LINUX_6_17 } from './revisions/6.17.ts';
import { LINUX_7_3 } from './revisions/7.3.ts';
import type { KernelState, MemoryRegion } from './state.ts';
import { addMemblock, removeMemblock } from './tdx-memory.ts';
import { createThread, runThread } from './thread.ts';

const MEMORY: readonly MemoryRegion[] = [
  { base: 0x100000, size: 0x7ff00000, node: 0 },
  { base: 0x100000000, size: 0x80000000, node: 1 },
];
const DIMM: MemoryRegion = { base: 0x200000000, size: 0x40000000, node: 1 };

function enabled(revision: Revision, cpuModel = 0x8f): { kernel: KernelState; port: TestPort } {
  const port = createTestPort(MEMORY);
  const kernel = createTestKernel(revision, MEMORY, { cpuModel });
  expect(bootAndEnable(kernel, port)).toBe(0);
  port.log.length = 0;
  return { kernel, port };
}

function runFlow(
  kernel: KernelState,
  port: TestPort,
  flow: Revision['enable'],
  target: number,
  region: MemoryRegion | null = null,
): number {
  const thread = createThread(1, flow, 0, target, region);
  expect(runThread(kernel, thread, port)).toBe('done');
  return thread.error;
}

describe('memory hotplug', () => {
  test('6.12 lists what is added, and refuses to bring it online', () => {
    const { kernel, port } = enabled(LINUX_6_12);
    expect(runFlow(kernel, port, LINUX_6_12.memoryAdd.acpi, 0, DIMM)).toBe(-1);
    expect(kernel.memblock.at(-1)).toEqual(DIMM);
  });

  test('before initialisation anything comes online', () => {
    const port = createTestPort(MEMORY);
    const kernel = createTestKernel(LINUX_6_12, MEMORY);
    run(kernel, port, LINUX_6_12.boot);
    expect(runFlow(kernel, port, LINUX_6_12.memoryAdd.driver, 0, DIMM)).toBe(0);
    expect(port.alloc('k', 40, -1)).toBe(DIMM.base + DIMM.size - 4096);
  });

  test('memory in use cannot be removed, other memory can', () => {
    const { kernel, port } = enabled(LINUX_6_12);
    const pamts = { base: 0x100000000, size: 0x1000000, node: 1 };
    expect(runFlow(kernel, port, LINUX_6_12.memoryRemove.acpi, 0, pamts)).toBe(-16);
    expect(
      runFlow(kernel, port, LINUX_6_12.memoryRemove.acpi, 0, { base: 0x140000000, size: 0x1000000, node: 1 }),
    ).toBe(0);
    expect(kernel.memblock).toHaveLength(3);
  });

  test('memblock joins touching entries of a node, and is cut where memory goes', () => {
    const memblock: MemoryRegion[] = [
      { base: 0, size: 0x1000, node: 0 },
      { base: 0x3000, size: 0x1000, node: 0 },
      { base: 0x4000, size: 0x1000, node: 1 },
    ];
    addMemblock(memblock, 0x1000, 0x2000, 0);
    expect(memblock).toEqual([
      { base: 0, size: 0x4000, node: 0 },
      { base: 0x4000, size: 0x1000, node: 1 },
    ]);
    removeMemblock(memblock, 0x1000, 0x1000);
    expect(memblock.map(({ base, size }) => [base, size])).toEqual([
      [0, 0x1000],
      [0x2000, 0x2000],
      [0x4000, 0x1000],
    ]);
  });
});

describe('CPU hotplug', () => {
  test.each([
    [
      LINUX_6_17,
      'kvm_intel: TDX requires all packages to have an online CPU. Delete all TDs in order to offline all CPUs of a package.',
    ],
    [
      LINUX_7_3,
      'virt/tdx: TDX requires all packages to have an online CPU. Delete all TDs in order to offline all CPUs of a package.',
    ],
  ])('the last CPU of a package stays while a guest has a KeyID', (revision, line) => {
    const { kernel, port } = enabled(revision);
    kernel.guestKeyids.push(17);
    expect(runFlow(kernel, port, revision.cpuOffline, 3)).toBe(0);
    expect(runFlow(kernel, port, revision.cpuOffline, 2)).toBe(-16);
    expect(dmesg(kernel).at(-1)).toBe(line);
    kernel.guestKeyids.length = 0;
    expect(runFlow(kernel, port, revision.cpuOffline, 2)).toBe(0);
  });

  test('7.3: a CPU whose LP.INIT fails stays offline', () => {
    const { kernel, port } = enabled(LINUX_7_3);
    expect(runFlow(kernel, port, LINUX_7_3.acpiCPURemove, 3)).toBe(0);
    expect(runFlow(kernel, port, LINUX_7_3.acpiCPUAdd, 3)).toBe(0);
    const cpu = kernel.cpus[3];
    if (cpu === undefined) throw new Error('CPU 3 is gone');
    cpu.lpInitialised = false;
    port.answer = (leaf) => (leaf === 35 ? 0xc000050b00000000n : undefined);
    expect(runFlow(kernel, port, LINUX_7_3.cpuOnline, 3)).toBe(-5);
    expect(cpu).toMatchObject({ online: false, vmxReferences: 0 });
  });
});

describe('kexec', () => {
  test('6.12 is built without it', () => {
    const { kernel, port } = enabled(LINUX_6_12);
    expect(runFlow(kernel, port, LINUX_6_12.kexec, 0)).toBe(-38);
  });

  test('6.17 refuses with the erratum', () => {
    const { kernel, port } = enabled(LINUX_6_17);
    expect(runFlow(kernel, port, LINUX_6_17.kexec, 0)).toBe(-95);
    expect(dmesg(kernel).at(-1)).toBe('kexec: Not allowed on platform with tdx_pw_mce bug');
    expect(port.log).toEqual([]);
  });

  test('6.17 flushes the CPUs that made a SEAMCALL, and only those', () => {
    const { kernel, port } = enabled(LINUX_6_17, 0xad);
    runFlow(kernel, port, LINUX_6_17.cpuOffline, 3);
    port.log.length = 0;
    expect(runFlow(kernel, port, LINUX_6_17.kexec, 0)).toBe(0);
    expect(port.log).toEqual(['wbinvd 0', 'wbinvd 1', 'wbinvd 2']);
  });

  test.each([
    ['is busy twice', [0x8000020200000000n, 0x8000020200000000n], 3, undefined],
    ['does not know the leaf', [0xc000010000000000n], 1, 'virt/tdx: TDH.SYS.DISABLE failed: 0xc000010000000000'],
    ['is not there', ['vmfail'], 1, undefined],
  ] as const)('7.3 asks the module to give everything back; one that %s', (_, answers, calls, line) => {
    const { kernel, port } = enabled(LINUX_7_3);
    const left: (U64 | 'vmfail')[] = [...answers];
    const before = kernel.dmesg.length;
    port.answer = (leaf) => (leaf === 69 ? left.shift() : undefined);
    expect(runFlow(kernel, port, LINUX_7_3.kexec, 0)).toBe(0);
    expect(port.log.filter((entry) => entry === 'seamcall 69 on 0')).toHaveLength(calls);
    expect(dmesg(kernel).slice(before)).toEqual(line === undefined ? [] : [line]);
  });

  test('7.3 that has not initialised TDX asks for nothing', () => {
    const { kernel, port } = enabled(LINUX_7_3);
    kernel.status = 'error';
    expect(runFlow(kernel, port, LINUX_7_3.kexec, 0)).toBe(0);
    expect(port.log).not.toContain('seamcall 69 on 0');
  });

  test('7.3 leaves VMX operation as well', () => {
    const { kernel, port } = enabled(LINUX_7_3, 0xad);
    expect(runFlow(kernel, port, LINUX_7_3.kexec, 0)).toBe(0);
    expect(port.log).toEqual([
      'seamcall 69 on 0',
      'wbinvd 0',
      'wbinvd 1',
      'wbinvd 2',
      'wbinvd 3',
      'vmxoff 0',
      'vmxoff 1',
      'vmxoff 2',
      'vmxoff 3',
    ]);
  });
});

describe('a machine check', () => {
  test('walks the freed TDMR list after a failure past READY, if the module still says reserved', () => {
    const port = createTestPort(MEMORY);
    const kernel = createTestKernel(LINUX_6_12, MEMORY);
    port.answer = (leaf) => (leaf === 36 ? 0x8000020000000000n : undefined);
    expect(bootAndEnable(kernel, port)).toBe(-5);
    expect(kernel).toMatchObject({ tdmrArrayLive: false, tdmrCount: 2 });
    port.answer = (_leaf, _cpu, registers) => {
      registers.rcx = 1;
      return undefined;
    };
    expect(LINUX_6_12.machineCheck?.(kernel, port, 0, 0x7f000000)).toBe('crash');
  });
});
