import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BenchOptions } from '../../../harness/testing/module-fixture.ts';
import { call, createBench, initialise } from '../../../harness/testing/module-fixture.ts';
import { MSR } from '../../abi/msr.ts';
import { CPUID_ROWS } from '../../platform/cpuid.ts';
import { healthyMSR } from '../../platform/msr.ts';
import { CPUID_RULES } from '../cpuid-rules.ts';

test('the rules and the processor list the same CPUID leaves in the same order', () => {
  expect(CPUID_RULES.map(({ leaf, subleaf }) => [leaf, subleaf])).toEqual(
    CPUID_ROWS.map(([leaf, subleaf]) => [leaf, subleaf]),
  );
});

/**
 * On a machine without overrides INIT and LP.INIT pass over CPUID and most MSRs. An override that changes nothing sends
 * them the long way.
 */
describe('the short way on a common machine answers as the long way does', () => {
  const machines: fc.Arbitrary<BenchOptions> = fc
    .record({
      packages: fc.integer({ min: 1, max: 8 }),
      threads: fc.integer({ min: 1, max: 4 }),
      packageShift: fc.integer({ min: 0, max: 13 }),
      maxPa: fc.constantFrom(46, 51, 52, 52, 52, 52, 53),
      keyidBits: fc.integer({ min: 0, max: 15 }),
      mktmeKeyids: fc.constantFrom(0, 15, 31, 2047, 0xffffffff),
      tdxKeyids: fc.constantFrom(0, 1, 48, 2033, 0xffffffff),
      wbBlocks: fc.integer({ min: 1, max: 3 }),
      fms: fc.array(fc.constantFrom(0x806f8, 0x806f6, 0x400806f8), { minLength: 1, maxLength: 8 }),
      tdxWithoutIntegrity: fc.boolean(),
    })
    .map(({ packages, threads, fms, tdxWithoutIntegrity, ...hardware }) => ({
      packages,
      threads,
      loader: { fms, tdxWithoutIntegrity },
      hardware,
    }));

  test.each(['msr', 'cpuid', 'both'] as const)('%s', (kind) => {
    fc.assert(
      fc.property(machines, (options) => {
        const short = createBench(options);
        const long = createBench(options);
        if (kind !== 'cpuid') {
          const msr = MSR.IA32_CORE_CAPABILITIES;
          long.hardware.msr.push({ lp: null, msr, value: healthyMSR(long.hardware, msr) });
        }
        if (kind !== 'msr') long.hardware.cpuid.push({ lp: null, leaf: 3, subleaf: null, eax: 0 });
        expect(call(long, 'TDH.SYS.INIT')).toEqual(call(short, 'TDH.SYS.INIT'));
        for (const lp of short.hardware.lps.keys())
          expect(call(long, 'TDH.SYS.LP.INIT', {}, lp)).toEqual(call(short, 'TDH.SYS.LP.INIT', {}, lp));
        expect({ ...long.module, sample: null, lastReason: '' }).toEqual({
          ...short.module,
          sample: null,
          lastReason: '',
        });
        // What later leaves read from the samples is the same too.
        const info = { rcx: 0x110000, rdx: 1024, r8: 0x111000, r9: 32 };
        expect(call(long, 'TDH.SYS.INFO', info)).toEqual(call(short, 'TDH.SYS.INFO', info));
        expect(long.hardware.memory).toEqual(short.hardware.memory);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test('and an override that arrives between INIT and LP.INIT is compared with the machine as it was', () => {
    const bench = createBench();
    expect(call(bench, 'TDH.SYS.INIT').rax).toBe(0);
    bench.hardware.cpuid.push({ lp: 1, leaf: 7, subleaf: 1, eax: 0 });
    bench.hardware.msr.push({ lp: 0, msr: MSR.IA32_VMX_MISC, value: 0 });
    expect(call(bench, 'TDH.SYS.LP.INIT', {}, 0).rax).toBe(0xc000092000000485n);
    expect(call(bench, 'TDH.SYS.LP.INIT', {}, 1)).toMatchObject({ rax: 0xc000090200000000n, rcx: 0x100000007 });
  });
});

test('a refused INIT may be made again', () => {
  const bench = createBench();
  bench.hardware.msr.push({ lp: null, msr: MSR.IA32_MISC_PACKAGE_CTLS, value: 0 });
  expect(call(bench, 'TDH.SYS.INIT').rax).toBe(0xc0000921000000bcn);
  expect(bench.module.phase).toBe('PENDING');
  bench.hardware.msr.length = 0;
  expect(initialise(bench).module.initialisedLPs).toBe(2);
});
