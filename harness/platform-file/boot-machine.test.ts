import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { BOOT_SCHEMA } from '../cli/boot.ts';
import { readText } from '../store/read.ts';
import { readPlatformFile } from '../store/platform-store.ts';
import { healthyPlatform } from '../testing/platform.ts';
import { bootMachine } from './boot-machine.ts';

const FOX_CREEK_PASS = fileURLToPath(
  new URL('../../../corpus/platforms/fox-creek-pass-01.02.0001.json', import.meta.url),
);

describe('booting a machine', () => {
  test('Fox Creek Pass: 6.12 runs out of reserved areas, with the lines its owners reported', () => {
    const { platform } = readPlatformFile(FOX_CREEK_PASS);
    const outcome = bootMachine({ platform }, { kernel: '6.12', module: '1.5.01' });
    expect(outcome).toMatchObject({
      errno: -28,
      errnoName: 'ENOSPC',
      initialised: false,
      pamtKB: 0,
      keyids: [32, 64],
      tdmrs: [],
    });
    expect(outcome.dmesg.slice(-2)).toEqual([
      'virt/tdx: initialization failed: TDMR [0x0, 0x80000000): reserved areas exhausted.',
      'virt/tdx: module initialization failed (-28)',
    ]);
  });

  test('Fox Creek Pass: with the holes derived from the CMRs it comes up, with the reported PAMT size', () => {
    const { platform } = readPlatformFile(FOX_CREEK_PASS);
    const outcome = bootMachine({ platform }, { kernel: '6.12-cmr', module: '1.5.01' });
    expect(outcome).toMatchObject({ errno: 0, errnoName: null, initialised: true, pamtKB: 1050644 });
    expect(outcome.dmesg).toContain('virt/tdx: 1050644 KB allocated for PAMT');
    expect(outcome.tdmrs[0]).toEqual({ base: '0x0', size: '0x80000000', reserved: 2 });
  });

  test('a platform file has the outcome that its owners reported, a platform alone has none', () => {
    const profile = { kernel: '6.12', module: '1.5.01' };
    const file = JSON.parse(readText(FOX_CREEK_PASS));
    const outcome = bootMachine({ file, name: 'fox' }, profile);
    expect(BOOT_SCHEMA.check(JSON.parse(JSON.stringify(outcome)), 'outcome').reported).toMatchObject({
      text: file.outcome,
      module: '1.5 (build 595)',
      difference: null,
      comparable: true,
    });
    expect(bootMachine({ file, name: 'fox' }, { ...profile, kernel: '6.12-cmr' }).reported?.difference).toContain(
      "TDX failed on the source's machine",
    );
    expect(bootMachine({ platform: healthyPlatform() }, profile).reported).toBeNull();
    expect(() => bootMachine({ file: { name: 'x', version: '1' }, name: 'package.json' }, profile)).toThrow(
      /^package.json: nothing in it describes a machine; /,
    );
  });

  test('a CPU that fails is a failure even if the others come up', () => {
    const platform = healthyPlatform();
    const lps = platform.lps.map((lp, index) => (index === 1 ? { ...lp, vmx: false } : lp));
    const outcome = bootMachine({ platform: { ...platform, lps } }, { kernel: '6.12', module: '1.5.01' });
    expect(outcome).toMatchObject({ errnoName: 'EIO', initialised: false });
    expect(outcome.dmesg.at(-1)).toBe('virt/tdx: module initialization failed (-5)');
  });
});
