import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Bench, BenchOptions } from '../../../harness/testing/module-fixture.ts';
import { call, createBench, initialise } from '../../../harness/testing/module-fixture.ts';
import { MSR } from '../../abi/msr.ts';
import { registers } from '../../abi/registers.ts';
import type { U64 } from '../../abi/u64.ts';
import { CPUID_ROWS } from '../../platform/cpuid.ts';
import { healthyMSR } from '../../platform/msr.ts';
import { takeShortcut } from '../common-machine.ts';
import { type Conditions, NO_CONDITIONS } from '../conditions.ts';
import { CPUID_RULES } from '../cpuid-rules.ts';
import { callModule } from '../dispatch.ts';
import type { Leaf } from '../leaf.ts';
import { SUCCESS } from '../outcome.ts';
import { TDH_SYS_INIT } from './tdh-sys-init.ts';
import { TDH_SYS_LP_INIT } from './tdh-sys-lp-init.ts';

test('the rules and the processor list the same CPUID leaves in the same order', () => {
  expect(CPUID_RULES.map(({ leaf, subleaf }) => [leaf, subleaf])).toEqual(
    CPUID_ROWS.map(([leaf, subleaf]) => [leaf, subleaf]),
  );
});

/**
 * On a machine without overrides INIT and LP.INIT take a short cut (common-machine.ts). An override that changes nothing
 * sends them the long way, and so does calling the leaf itself.
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
  const conditions = fc.constantFrom<Conditions>(
    NO_CONDITIONS,
    NO_CONDITIONS,
    NO_CONDITIONS,
    { ...NO_CONDITIONS, entropy: 'none' },
    { ...NO_CONDITIONS, globalLock: 'shared' },
    { ...NO_CONDITIONS, globalLock: 'exclusive' },
  );
  const run = (leaf: Leaf, { module, hardware }: Bench, lp: number, around: Conditions) => {
    const regs = registers(leaf.number, 0, 1, 2);
    return [module.phase === 'DEAD' ? null : leaf.run(module, hardware, lp, regs, around), regs] as const;
  };
  const make = (leaf: Leaf, { module, hardware }: Bench, lp: number, around: Conditions) => {
    const regs = registers(leaf.number, 0, 1, 2);
    return [module.phase === 'DEAD' ? null : callModule(module, hardware, lp, regs, around), regs] as const;
  };

  const overrides = fc.array(
    fc.record({
      lp: fc.constantFrom(null, 0, 1),
      msr: fc.constantFrom(...Object.values(MSR)),
      value: fc.constantFrom<U64 | 'healthy'>(0, 1, 0xffffffff, 'healthy', 'healthy', 'healthy'),
    }),
    { maxLength: 3 },
  );

  test.each(['msr', 'cpuid', 'both', 'leaf', 'leaf, other MSRs'] as const)('%s', (kind) => {
    const makeLong = kind.startsWith('leaf') ? run : make;
    let successes = 0;
    fc.assert(
      fc.property(machines, conditions, overrides, (options, around, others) => {
        const short = createBench(options);
        const long = createBench(options);
        for (const { lp, msr, value } of kind === 'leaf, other MSRs' ? others : []) {
          const override = { lp, msr, value: value === 'healthy' ? healthyMSR(short.hardware, msr) : value };
          for (const { hardware } of [short, long]) hardware.msr.push(override);
        }
        if (kind === 'msr' || kind === 'both') {
          const msr = MSR.IA32_CORE_CAPABILITIES;
          long.hardware.msr.push({ lp: null, msr, value: healthyMSR(long.hardware, msr) });
        }
        if (kind === 'cpuid' || kind === 'both') long.hardware.cpuid.push({ lp: null, leaf: 3, subleaf: null, eax: 0 });
        for (const condition of [around, NO_CONDITIONS])
          expect(makeLong(TDH_SYS_INIT, long, 0, condition)).toEqual(make(TDH_SYS_INIT, short, 0, condition));
        for (const lp of short.hardware.lps.keys()) {
          for (const condition of [around, NO_CONDITIONS]) {
            const answer = make(TDH_SYS_LP_INIT, short, lp, condition);
            expect(makeLong(TDH_SYS_LP_INIT, long, lp, condition)).toEqual(answer);
            if (answer[0] === SUCCESS) successes += 1;
          }
        }
        expect({ ...long.module, sample: null }).toEqual({ ...short.module, sample: null });
        if (short.module.phase === 'DEAD') return;
        // What later leaves read from the samples is the same too.
        const info = { rcx: 0x110000, rdx: 1024, r8: 0x111000, r9: 32 };
        expect(call(long, 'TDH.SYS.INFO', info)).toEqual(call(short, 'TDH.SYS.INFO', info));
        expect(long.hardware.memory).toEqual(short.hardware.memory);
      }),
      { numRuns: 150, seed: 1 },
    );
    expect(successes).toBeGreaterThan(100);
  });

  test('a call that would not succeed goes the long way', () => {
    const bench = createBench();
    const regs = registers(TDH_SYS_INIT.number, 1);
    expect(takeShortcut(TDH_SYS_INIT, bench.module, bench.hardware, 0, regs, NO_CONDITIONS)).toBeNull();
    expect(regs).toEqual(registers(TDH_SYS_INIT.number, 1));
    expect(bench.module.sample).toBeNull();
    expect(
      takeShortcut(TDH_SYS_INIT, bench.module, bench.hardware, 0, registers(TDH_SYS_INIT.number), NO_CONDITIONS),
    ).toBe(SUCCESS);
    expect(bench.module.sample?.cpuid).toBeNull();
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
