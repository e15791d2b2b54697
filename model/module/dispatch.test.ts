import { GIB } from '../abi/size.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  call,
  configure,
  createBench,
  goodTDMR,
  initialise,
  makeReady,
  makeUsable,
  placeTDMRs,
  TDMR_BASE,
} from '../../harness/testing/module-fixture.ts';
import { LEAF_NUMBER, leafName } from '../abi/leaf-number.ts';
import { registers } from '../abi/registers.ts';
import { STATUS, statusName } from '../abi/status.ts';
import { encodeTDMRInfo } from '../abi/tdmr-info.ts';
import type { U64 } from '../abi/u64.ts';
import { formatU64, parseU64, U64_MAX } from '../abi/u64.ts';
import { CONDITION_NAMES, NO_CONDITIONS, withCondition } from './conditions.ts';
import { callModule } from './dispatch.ts';
import { runSysRD, runTDMRInit } from './folded.ts';
import { LEAVES } from './leaves/index.ts';
import { UNSUPPORTED } from './outcome.ts';
import type { ReleaseName } from './release.ts';
import { RELEASES } from './release.ts';

const RAX_INVALID = STATUS.TDX_OPERAND_INVALID;

describe('a run of TDH.SYS.RD', () => {
  const ids = RELEASES['1.5.01'].fields.elements.map(({ id }) => id);
  const anyId = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...ids) },
    fc.constantFrom<U64>(0, U64_MAX, 2n ** 62n),
  );

  test.each(['1.0', '1.5.01', 'later'] as const)(
    'is what single calls come to, up to the first that fails (%s)',
    (release) => {
      fc.assert(
        fc.property(fc.array(anyId, { maxLength: 12 }), fc.constantFrom(0, 1, 5), fc.boolean(), (fields, lp, ready) => {
          const options = { release: RELEASES[release] };
          const [counted, single] = [ready, ready].map((up) =>
            up ? initialise(createBench(options)) : createBench(options),
          );
          if (counted === undefined || single === undefined) return;
          const values: U64[] = [];
          const rdx = runSysRD(counted.module, counted.hardware, lp, fields, fields.length, values);
          let last: U64 = 0;
          for (const [at, field] of fields.entries()) {
            const regs = call(single, 'TDH.SYS.RD', { rdx: field }, lp);
            if (at === values.length) {
              // An id that the table has in another form is left to be read alone.
              if (ids.includes(field)) expect(regs.rax).not.toBe(0);
              break;
            }
            expect([regs.rax, regs.r8]).toEqual([0, values[at]]);
            last = regs.rdx;
          }
          if (values.length > 0) expect(rdx).toBe(last);
        }),
        { numRuns: 150, seed: 1 },
      );
    },
  );

  test('ends before a field that is no element of the table', () => {
    const { module, hardware } = initialise(createBench());
    const [first = 0, second = 0] = ids;
    const values: U64[] = [];
    runSysRD(module, hardware, 0, [first, second, 2n ** 62n, first], 4, values);
    expect(values.length).toBe(2);
  });
});

describe('a run of TDH.SYS.TDMR.INIT', () => {
  test('is what single calls come to, at every k', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 700 }), fc.integer({ min: -1, max: 4 })), { maxLength: 8 }),
        (runs) => {
          const size = 3 * GIB;
          const tdmr = goodTDMR({
            size,
            pamt2M: { base: 0x4f0000, size: 0x6000 },
            pamt4K: { base: 0x500000, size: 0xc00000 },
          });
          const cmrs = [
            { base: 0x100000, size: 0x77f00000 },
            { base: TDMR_BASE, size },
          ];
          const counted = makeReady(createBench({ cmrs }), [tdmr]);
          const single = makeReady(createBench({ cmrs }), [tdmr]);
          for (const [limit, gib] of runs) {
            const end = TDMR_BASE + gib * GIB - (gib === 2 ? 1 : 0);
            const regs = registers(36, TDMR_BASE, 7);
            const count = runTDMRInit(counted.module, regs, limit, end);
            let made = 0;
            let last = registers(36, TDMR_BASE, 7);
            while (made < limit && single.module.tdmrs[0]?.initialised !== size) {
              last = call(single, 'TDH.SYS.TDMR.INIT', { rcx: TDMR_BASE, rdx: 7 });
              made += 1;
              if (last.rdx >= end) break;
            }
            expect(count).toBe(made);
            expect(regs).toEqual(last);
            expect(counted.module).toEqual(single.module);
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  test('makes no call that would not succeed', () => {
    const bench = createBench();
    const regs = registers(36, TDMR_BASE);
    expect(runTDMRInit(bench.module, regs, 1, 0)).toBe(0);
    makeReady(bench);
    expect(runTDMRInit(bench.module, registers(36, TDMR_BASE + GIB), 9, 0)).toBe(0);
    expect(runTDMRInit(bench.module, registers(24, TDMR_BASE), 9, 0)).toBe(0);
    expect(runTDMRInit(bench.module, regs, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(256);
    expect(regs).toEqual({ ...registers(0, TDMR_BASE), rdx: TDMR_BASE + GIB });
    expect(runTDMRInit(bench.module, registers(36, TDMR_BASE), 1, 0)).toBe(0);
    expect(call(bench, 'TDH.SYS.TDMR.INIT', { rcx: TDMR_BASE }).rax).toBe(STATUS.TDX_TDMR_ALREADY_INITIALIZED);
  });

  test('costs the same for a terabyte', () => {
    const size = 1024 * GIB;
    const tdmr = goodTDMR({
      base: 1024 * GIB,
      size,
      pamt1G: { base: TDMR_BASE, size: 0x4000 },
      pamt2M: { base: TDMR_BASE + 0x4000, size: 0x800000 },
      pamt4K: { base: TDMR_BASE + 0x1000000, size: 4 * GIB },
    });
    const bench = makeReady(
      createBench({
        cmrs: [
          { base: TDMR_BASE, size: 16 * GIB },
          { base: 1024 * GIB, size },
        ],
      }),
      [tdmr],
    );
    expect(runTDMRInit(bench.module, registers(36, 1024 * GIB), Number.MAX_SAFE_INTEGER, 2048 * GIB)).toBe(262_144);
    expect(call(bench, 'TDH.PHYMEM.PAGE.RDMD', { rcx: 2048 * GIB - 4096 }).rax).toBe(0);
  });
});

describe('the dispatcher', () => {
  test('names every leaf it answers, once', () => {
    expect(new Set(LEAVES.map(({ name }) => name)).size).toBe(21);
    for (const { name } of LEAVES) expect(leafName(LEAF_NUMBER[name])).toBe(name);
  });

  test('never guesses at a leaf it does not model', () => {
    const { module, hardware } = makeUsable(createBench());
    const unsupported: string[] = [];
    for (const [name, number] of Object.entries(LEAF_NUMBER)) {
      const regs = registers(number, 1, 2, 3);
      if (callModule(module, hardware, 0, regs, NO_CONDITIONS) === UNSUPPORTED) unsupported.push(name);
      if (module.phase !== 'READY') module.phase = 'READY';
    }
    // One that only the specification has, and one of later modules.
    expect(unsupported.length).toBe(Object.keys(LEAF_NUMBER).length - LEAVES.length - 2);
    expect(unsupported).toContain('TDH.VP.ENTER');
    expect(unsupported).not.toContain('TDH.MEM.SEPT.WR');
  });

  test('answers nothing any more once the module is dead', () => {
    const bench = createBench({ hardware: { seamrr: { base: 0x78000000, mask: 0 } } });
    const regs = registers(33);
    const end = { kind: 'fatal', reason: 'SEAMRR mask is empty' };
    expect(callModule(bench.module, bench.hardware, 0, regs, NO_CONDITIONS)).toMatchObject(end);
    expect(callModule(bench.module, bench.hardware, 0, registers(44), NO_CONDITIONS).kind).toBe('fatal');
  });
});

test('no operands, in no state and under no condition, make the model itself fail', () => {
  const value = fc.oneof(
    fc.constantFrom<U64>(
      0,
      1,
      2,
      16,
      17,
      65,
      0x101000,
      0x110000,
      0x78000000,
      TDMR_BASE,
      TDMR_BASE + 4096,
      2 ** 46,
      2 ** 52,
    ),
    fc.constantFrom<U64>(2 ** 53 - 1, 2n ** 53n, 2n ** 63n, 2n ** 64n - 4096n, 2n ** 64n - 1n, 0x9100000100000008n),
  );
  const call = fc.record({
    lp: fc.integer({ min: 0, max: 3 }),
    rax: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...LEAVES.map(({ name }) => LEAF_NUMBER[name])) }, value),
    rcx: value,
    rdx: value,
    r8: value,
    r9: value,
    condition: fc.option(fc.constantFrom(...CONDITION_NAMES), { freq: 5 }),
  });
  const outcomes = new Set<string>();
  fc.assert(
    fc.property(fc.constantFrom(0, 1, 2, 3, 4), fc.array(call, { minLength: 1, maxLength: 12 }), (start, calls) => {
      const bench = createBench({ threads: 2 });
      [() => bench, initialise, configure, makeReady, makeUsable][start]?.(bench);
      placeTDMRs(bench, [encodeTDMRInfo(goodTDMR())]);
      for (const { lp, condition, ...operands } of calls) {
        const regs = { ...registers(0), ...operands };
        const conditions = condition === null ? NO_CONDITIONS : withCondition(NO_CONDITIONS, condition, TDMR_BASE);
        const outcome = callModule(bench.module, bench.hardware, lp, regs, conditions ?? NO_CONDITIONS);
        outcomes.add(outcome.kind);
        if (outcome.kind === 'answered') {
          expect(statusName(regs.rax)).toBeDefined();
          expect(outcome.rax).toBe(regs.rax);
        }
        for (const register of Object.values(regs)) expect(parseU64(formatU64(register))).toBe(register);
      }
    }),
    { numRuns: 1500, seed: 3 },
  );
  expect([...outcomes].sort()).toEqual(['answered', 'fatal', 'unsupported']);
});

describe('releases', () => {
  test('1.0 has no TDH.SYS.RD: before READY the answer every field report shows', () => {
    const bench = initialise(createBench({ release: RELEASES['1.0'] }));
    const answer = call(bench, 'TDH.SYS.RD', { rdx: 0x9100000100000008n });
    expect(answer).toMatchObject({ rax: 0xc000050500000000n, rcx: 0, rdx: 0x9100000100000008n, r8: 0 });
    const modern = initialise(createBench());
    expect(call(modern, 'TDH.SYS.RD', { rdx: 0x9100000100000008n })).toMatchObject({ rax: 0, r8: 64 });
  });

  test('1.0 takes the whole of RAX for the leaf number', () => {
    const old = createBench({ release: RELEASES['1.0'] });
    expect(call(old, 0x1002c).rax).toBe(STATUS.TDX_SYS_NOT_READY);
    expect(call(createBench(), 0x1002c).rax).toBe(RAX_INVALID);
    for (const leaf of ['TDH.SYS.RD', 'TDH.SYS.RDALL', 'TDH.SYS.SHUTDOWN', 'TDH.SYS.UPDATE'] as const) {
      expect(call(makeUsable(createBench({ release: RELEASES['1.0'] })), leaf).rax).toBe(RAX_INVALID);
    }
  });

  test.each<[ReleaseName, number, number, number]>([
    ['1.0', 20230206, 457, 0],
    ['1.5.01', 20231008, 595, 5],
    ['1.5.01-recorded', 20240407, 744, 5],
  ])('%s prints its build', (name, date, num, minor) => {
    const bench = initialise(createBench({ release: RELEASES[name] }));
    call(bench, 'TDH.SYS.INFO', { rcx: 0x110000, rdx: 1024, r8: 0x111000, r9: 32 });
    const words = bench.hardware.memory.blocks.get(0x110000 / 512) ?? [];
    expect(words[0]).toBe(0x8086 * 2 ** 32);
    expect(words[1]).toBe(date + num * 2 ** 32 + minor * 2 ** 48);
  });

  test('only `later` has the field that Linux 6.16 and later ask for', () => {
    const rdx = 0x9900000100000008n;
    expect(call(initialise(createBench()), 'TDH.SYS.RD', { rdx }).rax).toBe(STATUS.TDX_METADATA_FIELD_ID_INCORRECT);
    const later = initialise(createBench({ release: RELEASES.later }));
    expect(call(later, 'TDH.SYS.RD', { rdx })).toMatchObject({ rax: 0, rdx: 0x9900000300000400n, r8: 576 });
    expect(call(later, 'TDH.SYS.RD', { rdx: 0x9900000300000007n })).toMatchObject({ rax: 0, rdx });
  });

  test('only `sys-disable` gives everything back when it is told to, and can then be initialised anew', () => {
    const bench = makeReady(createBench({ release: RELEASES['sys-disable'] }));
    const busy = withCondition(NO_CONDITIONS, 'global-lock-busy', 0) ?? NO_CONDITIONS;
    expect(statusName(call(bench, 'TDH.SYS.DISABLE', {}, 0, busy).rax)).toBe('TDX_SYS_BUSY');
    expect(bench.module.phase).toBe('READY');
    expect(call(bench, 'TDH.SYS.DISABLE').rax).toBe(0);
    const loaded = createBench({ release: RELEASES['sys-disable'] }).module;
    expect(bench.module).toEqual(loaded);
    expect(makeReady(bench).module.phase).toBe('READY');
    for (const release of ['1.0', '1.5.01', 'later'] as const) {
      const other = makeReady(createBench({ release: RELEASES[release] }));
      expect(statusName(call(other, 'TDH.SYS.DISABLE').rax)).toBe('TDX_OPERAND_INVALID');
      expect(other.module.phase).toBe('READY');
    }
  });

  test('`per-package` is content with one LP of each package, and with nothing less', () => {
    const config = (release: ReleaseName, lps: readonly number[]) => {
      const bench = createBench({ release: RELEASES[release], threads: 2 });
      call(bench, 'TDH.SYS.INIT');
      for (const lp of lps) expect(call(bench, 'TDH.SYS.LP.INIT', {}, lp).rax).toBe(0);
      return call(bench, 'TDH.SYS.CONFIG', placeTDMRs(bench, [encodeTDMRInfo(goodTDMR())])).rax;
    };
    expect(config('per-package', [0, 2])).toBe(0);
    expect(config('per-package', [0, 1])).toBe(STATUS.TDX_SYS_CONFIG_NOT_PENDING);
    expect(config('1.5.01', [0, 1, 2])).toBe(STATUS.TDX_SYS_CONFIG_NOT_PENDING);
    expect(config('1.5.01', [0, 1, 2, 3])).toBe(0);
  });
});
