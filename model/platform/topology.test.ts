import { describe, expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { lpGrid } from './healthy.ts';
import {
  bootLP,
  isHotAddable,
  mayComeOnline,
  onlineAtBoot,
  packageNumbers,
  topologyShifts,
  x2apicOf,
} from './topology.ts';

describe('x2APIC ids', () => {
  test('a small machine is cut as the recorded ones: one thread bit, package from bit 4', () => {
    const lps = lpGrid(2, 2, 2);
    const shifts = topologyShifts(lps);
    expect(shifts).toEqual({ smtShift: 1, packageShift: 4 });
    expect(lps.map((lp) => x2apicOf(lp, shifts))).toEqual([0, 2, 16, 18, 1, 3, 17, 19]);
  });

  test('two packages of 48 cores with two threads need seven bits below the package', () => {
    expect(topologyShifts(lpGrid(2, 48, 2))).toEqual({ smtShift: 1, packageShift: 7 });
  });

  test('no two LPs of a machine share an id', () => {
    const lps = lpGrid(8, 9, 3);
    const shifts = topologyShifts(lps);
    expect(new Set(lps.map((lp) => x2apicOf(lp, shifts))).size).toBe(lps.length);
  });
});

describe('packages', () => {
  test('are listed once, ascending, and only if an LP was counted', () => {
    const lps = [5, 1, 5, 3].map((pkg) => ({
      package: pkg,
      core: 0,
      thread: 0,
      bios: pkg !== 3,
      online: true,
      vmx: true,
    }));
    expect(packageNumbers(lps, true)).toEqual([1, 5]);
    expect(packageNumbers(lps, false)).toEqual([1, 3, 5]);
  });
});

describe('which LPs are online at boot', () => {
  const lps = lpGrid(2, 1, 2);

  test('all, if nothing says otherwise', () => {
    expect(onlineAtBoot(healthyPlatform({ lps }))).toEqual([true, true, true, true]);
  });

  test('nosmt keeps the siblings down for good', () => {
    const commandLine = { nosmt: true, maxcpus: null };
    expect(onlineAtBoot(healthyPlatform({ lps, commandLine }))).toEqual([true, true, false, false]);
    expect(lps.map((lp) => mayComeOnline(lp, commandLine))).toEqual([true, true, false, false]);
  });

  test('maxcpus keeps the rest down, but they may come online later', () => {
    const commandLine = { nosmt: false, maxcpus: 1 };
    expect(onlineAtBoot(healthyPlatform({ lps, commandLine }))).toEqual([true, false, false, false]);
    expect(lps.every((lp) => mayComeOnline(lp, commandLine))).toBe(true);
  });

  test('the boot LP is online whatever the case says, and is the first one BIOS enabled', () => {
    const some = lps.map((lp, index) => ({ ...lp, online: false, bios: index > 0 }));
    expect(bootLP(some)).toBe(1);
    expect(onlineAtBoot(healthyPlatform({ lps: some }))).toEqual([false, true, false, false]);
    expect(some.map(isHotAddable)).toEqual([true, false, false, false]);
  });
});
