import { describe, expect, test } from '@jest/globals';
import { bootAndEnable, createTestKernel, createTestPort, dmesg } from '../../../harness/testing/kernel-port.ts';
import type { MemoryRegion } from '../state.ts';
import type { Revision } from '../revision.ts';
import { LINUX_6_12_CMR } from './6.12-cmr.ts';
import { LINUX_6_12 } from './6.12.ts';

/**
 * Fox Creek Pass, BIOS 01.02.0001: usable e820 entries below 0x90000000 as published in lore
 * 23bb421e9bf5443a823e163fb2d899760d9f14a3.1731498635.git.kai.huang@intel.com, those above from its CMRs
 * (github.com/canonical/tdx/issues/135).
 */
const USABLE: readonly (readonly [start: number, end: number])[] = [
  [0x0, 0x9f000],
  [0x100000, 0x5d169000],
  [0x5d22b000, 0x5d3cf000],
  [0x5d46a000, 0x5e5b3000],
  [0x5e5c3000, 0x5e5d3000],
  [0x5e5e5000, 0x5eb58000],
  [0x61358000, 0x6172b000],
  [0x61795000, 0x617ff000],
  [0x61913000, 0x61999000],
  [0x619e0000, 0x619e2000],
  [0x619ea000, 0x61a27000],
  [0x61baf000, 0x623c3000],
  [0x62472000, 0x62824000],
  [0x63a25000, 0x63d58000],
  [0x64158000, 0x64159000],
  [0x64195000, 0x6e9cf000],
  [0x6f7ff000, 0x6f800000],
];
const CMRS: readonly (readonly [start: number, end: number])[] = [
  [0x100000, 0x6f800000],
  [0x100000000, 0x107a000000],
  [0x1080000000, 0x207c000000],
  [0x2080000000, 0x307c000000],
  [0x3080000000, 0x407c000000],
];

function initialise(revision: Revision): { errno: number; lines: string[]; holes: number } {
  const memory: MemoryRegion[] = [...USABLE, ...CMRS.slice(1)].map(([start, end], index) => ({
    base: start,
    size: end - start,
    node: index < USABLE.length ? 0 : index - USABLE.length,
  }));
  const port = createTestPort(memory);
  port.cmrs = CMRS.map(([start, end]) => ({ base: start, size: end - start }));
  const kernel = createTestKernel(revision, memory, { keyids: [{ mktme: 31, tdx: 32 }] });
  const errno = bootAndEnable(kernel, port);
  return { errno, lines: dmesg(kernel), holes: kernel.tdmrs[0]?.reserved.length ?? 0 };
}

describe('Fox Creek Pass', () => {
  test('6.12 runs out of reserved areas below 2 GiB', () => {
    const { errno, lines } = initialise(LINUX_6_12);
    expect(errno).toBe(-28);
    expect(lines).toEqual([
      'virt/tdx: BIOS enabled: private KeyID range [32, 64)',
      'virt/tdx: Disable ACPI S3. Turn off TDX in the BIOS to use ACPI S3.',
      'virt/tdx: initialization failed: TDMR [0x0, 0x80000000): reserved areas exhausted.',
      'virt/tdx: module initialization failed (-28)',
    ]);
  });

  test('with holes taken from CMRs it initialises, and needs two areas there', () => {
    const { errno, lines, holes } = initialise(LINUX_6_12_CMR);
    expect(errno).toBe(0);
    expect(lines.slice(2)).toEqual(['virt/tdx: 1050644 KB allocated for PAMT', 'virt/tdx: module initialized']);
    expect(holes).toBe(2);
  });
});
