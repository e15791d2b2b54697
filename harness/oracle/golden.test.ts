import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { readPlatformFile } from '../store/platform-store.ts';
import { bootMachine } from '../platform-file/boot-machine.ts';

/** Figures that owners of real machines reported; the model must produce the same figures for these machines. */

function boot(name: string, kernel: string, module = '1.5.01') {
  const path = fileURLToPath(new URL(`../../../corpus/platforms/${name}.json`, import.meta.url));
  return bootMachine({ platform: readPlatformFile(path).platform }, { kernel, module });
}

describe('the PAMT size computed from the CMRs that the kernel printed is exact to the KB', () => {
  test.each([
    ['fox-creek-pass-after-fix', '6.12-cmr', 1050644],
    ['spr-8480ctdx-3-cmrs', '6.12-cmr', 1050636],
    ['ubuntu-24.04-3-cmrs', '6.12-cmr', 2101260],
    ['ubuntu-24.04-2-tib', '6.12-cmr', 8396820],
    ['dstack-tutorial-5-cmrs', '6.12-cmr', 4202516],
    ['spr-8480ctdx-3-cmrs', '6.12', 1050636],
    ['ubuntu-24.04-2-tib', 'strict', 8396820],
  ])('%s on %s: %i KB', (name, kernel, pamtKB) => {
    expect(boot(name, kernel)).toMatchObject({ errno: 0, initialised: true, pamtKB });
  });
});

test('the gap between two nodes costs a GiB on each side: 1021 and 1023 GiB, not 1022 and 1024', () => {
  const { tdmrs } = boot('ubuntu-24.04-2-tib', '6.12');
  const gib = tdmrs.map(({ size }) => Number(size) / 2 ** 30);
  expect(gib).toEqual([2, 1021, 1023]);
});

test.each([
  ['spr-all-keyids-to-tdx', [1, 128]],
  ['fox-creek-pass-01.02.0001', [32, 64]],
] as const)('%s: private KeyIDs [start, end) are MSR 0x87 low half + 1 and that plus the high half', (name, keyids) => {
  const { dmesg, keyids: range } = boot(name, '6.12');
  expect(range).toEqual(keyids);
  expect(dmesg[0]).toBe(`virt/tdx: BIOS enabled: private KeyID range [${keyids[0]}, ${keyids[1]})`);
});

test('module 1.0 with a kernel that reads metadata: TDH.SYS.RD fails with -5, as two owners reported', () => {
  const { errno, dmesg } = boot('unnamed-16-dimms-module-1.0', '6.12', '1.0');
  expect(errno).toBe(-5);
  expect(dmesg.slice(-4)).toEqual([
    'virt/tdx: SEAMCALL (0x0000000000000022) failed: 0xc000050500000000',
    'virt/tdx: RCX 0x0000000000000000 RDX 0x9100000100000008 R08 0x0000000000000000',
    'virt/tdx: R09 0x0000000000000000 R10 0x0000000000000000 R11 0x0000000000000000',
    'virt/tdx: module initialization failed (-5)',
  ]);
});

test('module 1.5.01 on the same machine allows metadata reads before READY, and TDX comes up', () => {
  expect(boot('unnamed-16-dimms-module-1.0', '6.12', '1.5.01').initialised).toBe(true);
});

test('kernels 6.17 and 7.3 read a field that 1.5.01 lacks and fail with -5; a later module has it', () => {
  for (const kernel of ['6.17', '7.3']) {
    expect(boot('spr-8480ctdx-3-cmrs', kernel, '1.5.01').errno).toBe(-5);
    expect(boot('spr-8480ctdx-3-cmrs', kernel, 'later').initialised).toBe(true);
  }
});
