import { GIB } from '../../model/abi/size.ts';
import { describe, expect, test } from '@jest/globals';
import type { PlatformLP } from '../../model/platform/platform.ts';
import { samplePlatform } from '../testing/sample.ts';
import { describePlatform } from './describe-platform.ts';

const plain = samplePlatform(1, 2, {
  memory: [{ base: 0, size: GIB, node: 0 }],
  cmrs: [{ base: 0, size: GIB }],
  seamrr: { base: 2 * GIB, size: 0x2000000 },
});
const lp = plain.lps[0] as PlatformLP;

describe('a machine in a few lines', () => {
  test('a healthy machine has no line of differences', () => {
    expect(describePlatform(plain)).toEqual([
      'LPs      package 0: LP 0-1',
      'memory   [0x0, 0x40000000) node 0',
      'CMRs     [0x0, 0x40000000)',
      'KeyIDs   31 MKTME, 32 TDX, 6 address bits; SEAMRR [0x80000000, 0x82000000)',
    ]);
  });

  test('the reason is printed if SEAM is off', () => {
    expect(describePlatform({ ...plain, cmrs: [] })[4]).toBe('SEAM     off: MCHECK refused the machine: no CMR');
    expect(describePlatform({ ...plain, seamrr: null })[4]).toBe('SEAM     off: BIOS set up no SEAMRR');
    expect(describePlatform({ ...plain, cmrs: [], mcheck: 'bypass' })[4]).toMatch(
      /^SEAM {5}on, because the case skips the checks of MCHECK, .*: no CMR$/,
    );
  });

  test('LPs are listed by package, with a mark for each deviation', () => {
    const lps: PlatformLP[] = [
      lp,
      { ...lp, core: 1, online: false, vmx: false },
      { ...lp, package: 1 },
      { ...lp, package: 1, core: 1, vmx: false },
      { ...lp, package: 1, core: 2, bios: false, online: false, vmx: false },
      { ...lp, core: 2, thread: 1 },
    ];
    expect(describePlatform({ ...plain, lps })[0]).toBe(
      'LPs      package 0: LP 0, LP 1 (offline), LP 5; package 1: LP 2, LP 3 (without VMX), LP 4 (not enabled by BIOS, offline)',
    );
    expect(describePlatform({ ...plain, lps, commandLine: { nosmt: true, maxcpus: null } })[0]).toContain(
      'LP 5 (SMT sibling)',
    );
  });

  test('all differences from a healthy machine are one line', () => {
    const lines = describePlatform({
      ...plain,
      lps: [lp, { ...lp, package: 1 }],
      seamrr: null,
      msr: [
        { lp: 1, msr: 0x982, value: 2 },
        { lp: null, msr: 0x87, value: 0xffff_ffff_ffff_fff0n },
      ],
      mcheck: 'bypass',
      moduleImage: 'late',
      fms: [0x806f8, 0x806f7],
      commandLine: { nosmt: true, maxcpus: 1 },
      hibernation: true,
    });
    expect(lines).toHaveLength(6);
    expect(lines[3]).toMatch(/SEAMRR off$/);
    expect(lines[4]).toBe('SEAM     off: BIOS set up no SEAMRR');
    expect(lines[5]).toBe(
      'unusual  MSR 0x982 = 0x2 on LP 1; MSR 0x87 = 0xfffffffffffffff0 on every LP; ' +
        'the case skips the checks of MCHECK: the CMRs and KeyIDs of BIOS hold, legal or not; packages differ: CPUID(1).EAX 0x806f8, 0x806f7; ' +
        'TDX module not loaded before a late-load event; command line nosmt; command line maxcpus=1; kernel can hibernate',
    );
    expect(describePlatform({ ...plain, moduleImage: 'absent' })[4]).toBe('unusual  no TDX module');
  });

  test('a long list of ranges is cut in the middle; an empty range and an empty list are printed', () => {
    const cmrs = Array.from({ length: 20 }, (_, index) => ({ base: index * GIB, size: 4096 }));
    const [, , line] = describePlatform({ ...plain, cmrs });
    expect(line).toMatch(/, \[0x180000000, 0x180001000\), 12 more, \[0x4c0000000, 0x4c0001000\)$/);
    expect(describePlatform({ ...plain, cmrs: [{ base: 4096, size: 0 }] })[2]).toBe('CMRs     empty at 0x1000');
    expect(describePlatform({ ...plain, cmrs: [] })[2]).toBe('CMRs     none');
  });
});
