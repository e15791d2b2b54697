import { MIB } from '../abi/size.ts';
import { describe, expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { lpGrid } from './healthy.ts';
import { buildHardware } from './build-hardware.ts';
import { readKeyIDPartition } from './keyid.ts';
import { runMCHECK } from './mcheck.ts';
import type { Platform } from './platform.ts';

describe('MCHECK', () => {
  test('publishes the static table of a healthy machine', () => {
    expect(runMCHECK(healthyPlatform())).toEqual({
      verdict: 'published',
      rule: null,
      table: { lpCount: 4, packages: [0, 1], fms: [0x806f8, 0x806f8], platformFMS: 0x806f8 },
      shifts: { smtShift: 1, packageShift: 4 },
    });
  });

  test('counts only LPs that BIOS enabled', () => {
    const lps = lpGrid(2, 2, 1).map((lp, index) => ({ ...lp, bios: index !== 3 }));
    expect(runMCHECK(healthyPlatform({ lps })).table.lpCount).toBe(3);
  });

  test('accepts different steppings and publishes the lowest', () => {
    const { verdict, table } = runMCHECK(healthyPlatform({ fms: [0x806f8, 0x806f4] }));
    expect({ verdict, fms: table.fms, platformFMS: table.platformFMS }).toEqual({
      verdict: 'published',
      fms: [0x806f8, 0x806f4],
      platformFMS: 0x806f4,
    });
  });

  test.each<[string, Partial<Platform>, string]>([
    ['SEAM left off', { seamrr: null }, 'seamrr-absent'],
    ['a SEAMRR off its 32 MiB', { seamrr: { base: 0x78000000 + 16 * MIB, size: 32 * MIB } }, 'seamrr-unaligned'],
    ['a SEAMRR of 16 MiB', { seamrr: { base: 0x78000000, size: 16 * MIB } }, 'seamrr-size'],
    ['a SEAMRR of 96 MiB', { seamrr: { base: 0x78000000, size: 96 * MIB } }, 'seamrr-size'],
    ['a SEAMRR of 2 GiB', { seamrr: { base: 0x78000000, size: 2048 * MIB } }, 'seamrr-size'],
    ['no LP at all', { lps: [] }, 'package-count'],
    ['nine packages', { lps: lpGrid(9, 1, 1) }, 'package-count'],
    [
      'x2APIC ids past 1023',
      { lps: [{ package: 64, core: 0, thread: 0, bios: true, online: true, vmx: true }] },
      'x2apic-range',
    ],
    ['two models', { fms: [0x806f8, 0xc06f2] }, 'fms-differs'],
    ['a core whose SEAMRR is not valid', { msr: [{ lp: 2, msr: 0x1401, value: 0 }] }, 'seamrr-differs'],
    ['one core elsewhere', { msr: [{ lp: 1, msr: 0x1400, value: 0x7a000008 }] }, 'seamrr-differs'],
    ['a package with other KeyIDs', { msr: [{ lp: 3, msr: 0x87, value: 0x100000003f }] }, 'keyid-differs'],
    ['no CMR', { cmrs: [] }, 'cmr-none'],
    [
      'overlapping CMRs',
      {
        cmrs: [
          { base: 0x100000, size: 0x2000 },
          { base: 0x101000, size: 0x1000 },
        ],
      },
      'cmr-overlap',
    ],
  ])('refuses %s', (_, overrides, rule) => {
    const result = runMCHECK(healthyPlatform(overrides));
    expect({ verdict: result.verdict, rule: result.rule }).toEqual({ verdict: 'refused', rule });
  });

  test('an MSR 0x87 that every package shares is fine, whatever it says', () => {
    expect(runMCHECK(healthyPlatform({ msr: [{ lp: null, msr: 0x87, value: 0xffffffff }] })).rule).toBeNull();
  });

  test('a case may bypass the refusal; the rule is still named', () => {
    const result = runMCHECK(healthyPlatform({ cmrs: [], mcheck: 'bypass' }));
    expect({ verdict: result.verdict, rule: result.rule }).toEqual({ verdict: 'bypassed', rule: 'cmr-none' });
  });
});

/** MCHECK and the hardware it leaves behind. */
function boot(overrides: Partial<Platform>) {
  const platform = healthyPlatform(overrides);
  return { platform, hardware: buildHardware(platform, runMCHECK(platform)) };
}

describe('the machine after MCHECK', () => {
  test('has a valid SEAMRR on every core and the table the module reads', () => {
    const { hardware } = boot({});
    expect(hardware.lps).toEqual(
      [0, 2, 16, 18].map((x2apic, index) => ({ x2apic, package: index >> 1, vmx: true, seamrrValid: true })),
    );
    expect(hardware.seamrr).toEqual({ base: 0x78000000, mask: 0xffffffe000000 });
    expect(hardware.smrr).toEqual([{ base: 0x7f000006, mask: 0xff800000, lock: 1, valid: 1 }]);
    expect(hardware.loader).toMatchObject({ totLPs: 4, totPackages: 2, seamopsCaps: 0x7f, handoffPages: 16 });
  });

  test('a refusal leaves no valid SEAMRR, but MSR 0x87 still announces KeyIDs: the lying BIOS', () => {
    const { platform, hardware } = boot({ cmrs: [] });
    expect(hardware.lps.some((lp) => lp.seamrrValid)).toBe(false);
    expect(readKeyIDPartition(platform, 0)).toBe(0x200000001f);
    expect(hardware.tdxKeyids).toBe(32);
  });

  test('bypassed, a bad table reaches the module', () => {
    const { hardware } = boot({ cmrs: [], mcheck: 'bypass' });
    expect(hardware.lps.every((lp) => lp.seamrrValid)).toBe(true);
    expect(hardware.loader.cmrs).toEqual([]);
  });

  test('bypassed, a core with an invalid SEAMRR stays outside', () => {
    const { hardware } = boot({ msr: [{ lp: 2, msr: 0x1401, value: 0 }], mcheck: 'bypass' });
    expect(hardware.lps.map((lp) => lp.seamrrValid)).toEqual([true, true, false, true]);
  });

  test('an LP that was not counted has a valid SEAMRR only through a counted sibling', () => {
    const lps = lpGrid(1, 2, 2).map((lp, index) => ({ ...lp, bios: index === 0 }));
    expect(boot({ lps }).hardware.lps.map((lp) => lp.seamrrValid)).toEqual([true, false, true, false]);
  });

  test('the SMRR makes room when a CMR covers its usual place', () => {
    const { hardware } = boot({
      cmrs: [{ base: 0x100000, size: 0xbff00000 }],
      seamrr: { base: 0xfe000000, size: 32 * MIB },
    });
    expect(hardware.smrr[0]).toMatchObject({ base: 0xfd800006, valid: 1 });
  });
});
