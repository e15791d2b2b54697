import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MSR } from '../../../../model/abi/msr.ts';
import { STATUS } from '../../../../model/abi/status.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { asBigInt, formatU64, u64FromBigInt } from '../../../../model/abi/u64.ts';
import { call, createBench, initialise, placeTDMRs } from '../../../testing/module-fixture.ts';
import { awkwardConfig } from './awkward.ts';
import { restateConfig } from './restated-config.ts';

describe('where regions meet', () => {
  test('TDH.SYS.CONFIG answers as its rules said again do', () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(awkwardConfig, ({ keyidBits, cmrs, tdmrs }) => {
        const hardware = { keyidBits, mktmeKeyids: 0, tdxKeyids: 1 };
        const bench = initialise(
          createBench({
            packages: 1,
            cmrs,
            hardware: { ...hardware, smrr: [{ base: 0, mask: 0xfffff000, lock: 1, valid: 1 }] },
          }),
        );
        const want = restateConfig(tdmrs, cmrs, keyidBits);
        const { rax } = call(bench, 'TDH.SYS.CONFIG', placeTDMRs(bench, tdmrs, 1));
        expect(formatU64(rax)).toBe(formatU64(want));
        expect(bench.module.phase).toBe(rax === 0 ? 'CONFIG_DONE' : 'SYSINIT_DONE');
        const status = formatU64(rax).slice(0, 11);
        seen.set(status, (seen.get(status) ?? 0) + 1);
      }),
      { numRuns: 6000, seed: 7 },
    );
    // The generator gets everywhere: success and all eight ways to fail, each often enough to mean something.
    expect(seen.size).toBe(9);
    for (const [, count] of seen) expect(count).toBeGreaterThan(20);
  });

  test('TDH.SYS.INIT takes a CMR list exactly if it ascends without overlap, page by page, below the KeyID bits', () => {
    const edge = fc.constantFrom<bigint>(
      0n,
      0x1000n,
      0x2000n,
      0x3000n,
      0x1800n,
      2n ** 46n - 0x1000n,
      2n ** 46n,
      2n ** 52n,
      2n ** 63n,
      2n ** 64n - 0x1000n,
      2n ** 64n - 1n,
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(edge, edge), { maxLength: 5 }), (entries) => {
        const cmrs = entries.map(([base, size]) => ({ base: u64FromBigInt(base), size: u64FromBigInt(size) }));
        const bench = createBench({ cmrs, hardware: { smrr: [{ base: 0, mask: 0xfffff000, lock: 1, valid: 0 }] } });
        const { rax } = call(bench, 'TDH.SYS.INIT');
        const real = entries.filter(([, size]) => size !== 0n);
        const legal = real.every(([base, size], index) => {
          const before = real[index - 1];
          return (
            base % 4096n === 0n &&
            size % 4096n === 0n &&
            base + size <= 2n ** 46n &&
            (before === undefined || base >= before[0] + before[1])
          );
        });
        expect(rax).toBe(legal ? 0 : STATUS.TDX_CMR_LIST_INVALID);
      }),
      { numRuns: 3000, seed: 7 },
    );
  });
});

describe('at the ends of the KeyID range', () => {
  const half = fc.constantFrom(0, 1, 15, 16, 2045, 2046, 2047, 2048, 0x7fffffff, 0xfffffffe, 0xffffffff);

  test('exactly the KeyIDs behind the shared ones are private, unless the sum wraps', () => {
    fc.assert(
      fc.property(half, half, fc.integer({ min: -2, max: 2 }), fc.boolean(), (mktmeKeyids, tdxKeyids, off, atEnd) => {
        const bench = createBench({ packages: 1, hardware: { mktmeKeyids, tdxKeyids } });
        const last = (mktmeKeyids + tdxKeyids) % 2 ** 32;
        const init = call(bench, 'TDH.SYS.INIT').rax;
        expect(init).toBe(last >= 2048 ? 0xc000082500000800n : 0);
        if (init !== 0 || mktmeKeyids === 0xffffffff) return;
        call(bench, 'TDH.SYS.LP.INIT');
        const keyid = (atEnd ? last : mktmeKeyids) + off;
        if (keyid < 0) return;
        const { rax } = call(bench, 'TDH.SYS.CONFIG', placeTDMRs(bench, [[0, 0]], keyid));
        const isPrivate = keyid > mktmeKeyids && keyid <= last;
        // An accepted KeyID brings the call to the empty TDMR.
        expect(formatU64(rax)).toBe(formatU64(isPrivate ? STATUS.TDX_INVALID_TDMR : 0xc000010000000008n));
        expect(bench.module.keyids.has(keyid)).toBe(isPrivate);
      }),
      { numRuns: 1500, seed: 7 },
    );
  });

  test('a structure may lie under any shared KeyID, outside SEAMRR, aligned', () => {
    const seamrr = 0x78000000;
    const offset = fc.constantFrom<U64>(
      0,
      0x110000,
      0x110200,
      seamrr - 0x400,
      seamrr - 0x200,
      seamrr,
      seamrr + 0x8000000 - 0x400,
      seamrr + 0x8000000,
      2 ** 46 - 0x400,
    );
    fc.assert(
      fc.property(offset, fc.constantFrom(0, 1, 14, 15, 16, 17, 62, 63, 64, 2 ** 17), (address, keyid) => {
        const bench = initialise(createBench({ packages: 1 }));
        const rcx = u64FromBigInt(asBigInt(address) + BigInt(keyid) * 2n ** 46n);
        const { rax } = call(bench, 'TDH.SYS.INFO', { rcx, rdx: 1024, r8: 0x200000, r9: 32 });
        const pages = Array.from({ length: 1024 }, (_, index) => Number(address) + index);
        const good =
          Number(address) % 1024 === 0 &&
          keyid <= 15 &&
          pages.every((byte) => byte < seamrr || byte >= seamrr + 0x8000000);
        expect(formatU64(rax)).toBe(good ? '0x0' : '0xc000010000000001');
      }),
      { numRuns: 300, seed: 7 },
    );
  });
});

test('an SMRR is clear of the CMRs exactly if they share no page', () => {
  const page = fc.integer({ min: 0, max: 24 });
  fc.assert(
    fc.property(
      page,
      fc.constantFrom(1, 2, 4, 8),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 6 })), { maxLength: 3 }),
      (at, size, gaps) => {
        let next = 0;
        const cmrs = gaps.map(([gap, length]) => {
          const base = (next + gap) * 4096;
          next += gap + length;
          return { base, size: length * 4096 };
        });
        const base = (at - (at % size)) * 4096;
        const bench = createBench({ cmrs });
        bench.hardware.msr.push(
          { lp: null, msr: MSR.IA32_SMRR_BASE, value: base + 6 },
          { lp: null, msr: MSR.IA32_SMRR_MASK, value: 2 ** 32 - size * 4096 + 0xc00 },
        );
        const shared = cmrs.findIndex((cmr) =>
          Array.from({ length: size }, (_, index) => base + index * 4096).some(
            (one) => one >= cmr.base && one < cmr.base + cmr.size,
          ),
        );
        expect(call(bench, 'TDH.SYS.INIT').rax).toBe(
          shared < 0 ? 0 : u64FromBigInt(0xc000091200000000n + BigInt(shared) * 0x100n),
        );
      },
    ),
    { numRuns: 1500, seed: 7 },
  );
});
