import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reserveCMRHoles, reserveMemoryHoles, reservePAMTs, sortReservedAreas } from './reserved-area.ts';
import { nodeOfPAMT, sizePAMT } from './pamt.ts';
import { createKernel, type TDXMemory } from './state.ts';
import { coverMemory, pamtSize, TDMR_ALIGNMENT, type TDMR } from './tdmr.ts';
import { addressArraySize, tdmrStride } from './tdmr-info.ts';
import { LINUX_6_12 } from './revisions/6.12.ts';

/** Memory lists as the kernel builds them: ascending, disjoint, possibly touching; page frame numbers. */
const memoryLists: fc.Arbitrary<TDXMemory[]> = fc
  .array(
    fc.record({
      gap: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 19 })),
      size: fc.integer({ min: 1, max: 2 ** 20 }),
      node: fc.nat({ max: 1 }),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((parts) => {
    let pfn = 256;
    return parts.map(({ gap, size, node }) => {
      const startPfn = pfn + gap;
      pfn = startPfn + size;
      return { startPfn, endPfn: pfn, node, object: 0 };
    });
  });

const ENTRY_16 = {
  ...createKernel(
    LINUX_6_12,
    { keyids: [], hibernation: false, notifierError: 0, cpuModel: 0, seamrrEnabled: true, x2apic: true },
    [],
    [],
  ).info,
  entry4K: 16,
  entry2M: 16,
  entry1G: 16,
};

/** The stretches of a TDMR outside its reserved areas, as [start, end) addresses. */
function usable({ base, size, reserved }: TDMR): [number, number][] {
  const parts: [number, number][] = [];
  let at = base;
  for (const { offset, size: length } of reserved) {
    if (base + offset > at) parts.push([at, base + offset]);
    at = base + offset + length;
  }
  if (at < base + size) parts.push([at, base + size]);
  return parts;
}

/** Joins touching stretches, so that two descriptions of the same memory compare equal. */
function joined(parts: readonly [number, number][]): [number, number][] {
  const result: [number, number][] = [];
  for (const [start, end] of parts) {
    const last = result.at(-1);
    if (last !== undefined && last[1] === start) last[1] = end;
    else result.push([start, end]);
  }
  return result;
}

describe('covering memory with TDMRs', () => {
  test('TDMRs are whole GiBs, ascend, are disjoint and cover every page', () => {
    fc.assert(
      fc.property(memoryLists, (memory) => {
        const tdmrs: TDMR[] = [];
        const count = coverMemory(memory, 64, tdmrs);
        expect(count).toBe(tdmrs.length);
        let end = 0;
        for (const tdmr of tdmrs) {
          expect(tdmr.base % TDMR_ALIGNMENT).toBe(0);
          expect(tdmr.size % TDMR_ALIGNMENT).toBe(0);
          expect(tdmr.size).toBeGreaterThan(0);
          expect(tdmr.base).toBeGreaterThanOrEqual(end);
          end = tdmr.base + tdmr.size;
        }
        expect(count).toBeLessThanOrEqual(memory.length);
        for (const { startPfn, endPfn } of memory) {
          let at = startPfn * 4096;
          for (const { base, size } of tdmrs) if (base <= at && base + size > at) at = base + size;
          expect(at).toBeGreaterThanOrEqual(endPfn * 4096);
        }
      }),
    );
  });

  test('a node gap inside a GiB is covered from one side only (Canonical issue 385: 1021 + 1023 GiB)', () => {
    const tdmrs: TDMR[] = [];
    const memory = [
      [0x100000000, 0x1003e000000],
      [0x10080000000, 0x20040000000],
    ].map(([start = 0, end = 0], node) => ({ startPfn: start / 4096, endPfn: end / 4096, node, object: 0 }));
    expect(coverMemory(memory, 64, tdmrs)).toBe(2);
    expect(tdmrs.map(({ size }) => size / TDMR_ALIGNMENT)).toEqual([1021, 1023]);
  });

  test('as many TDMRs as the module takes fit, one more does not', () => {
    const memory = [0, 2, 4].map((gib) => ({
      startPfn: gib * 2 ** 18 + 256,
      endPfn: gib * 2 ** 18 + 512,
      node: 0,
      object: 0,
    }));
    expect(coverMemory(memory, 3, [])).toBe(3);
    expect(coverMemory(memory, 2, [])).toBe(-28);
  });

  test('no memory at all makes one TDMR of size 0', () => {
    const tdmrs: TDMR[] = [];
    expect(coverMemory([], 64, tdmrs)).toBe(1);
    expect(tdmrs[0]).toMatchObject({ base: 0, size: 0 });
  });
});

describe('PAMTs', () => {
  test('one lone GiB takes 4 MiB, 8 KiB and 4 KiB', () => {
    const tdmrs: TDMR[] = [];
    coverMemory([{ startPfn: 2 ** 18, endPfn: 2 ** 19, node: 3, object: 0 }], 64, tdmrs);
    const [tdmr] = tdmrs as [TDMR];
    sizePAMT(tdmr, ENTRY_16);
    expect([tdmr.pamt4K, tdmr.pamt2M, tdmr.pamt1G]).toEqual([2 ** 22, 2 ** 13, 2 ** 12]);
    expect(pamtSize(tdmr) / 4096).toBe(1027);
  });

  test("64 GiB in three TDMRs take 65667 pages, the figure of v5's documentation", () => {
    const tdmrs: TDMR[] = [];
    const memory = [
      [0, 2],
      [4, 34],
      [36, 68],
    ].map(([start = 0, end = 0]) => ({ startPfn: start * 2 ** 18, endPfn: end * 2 ** 18, node: 0, object: 0 }));
    expect(coverMemory(memory, 64, tdmrs)).toBe(3);
    let bytes = 0;
    for (const tdmr of tdmrs) {
      sizePAMT(tdmr, ENTRY_16);
      bytes += pamtSize(tdmr);
    }
    expect(bytes / 4096).toBe(65667);
  });

  test('come from the node of the first memory that ends beyond the base', () => {
    const memory = [
      { startPfn: 0, endPfn: 2 ** 18 + 1, node: 5, object: 0 },
      { startPfn: 2 ** 18 + 1, endPfn: 2 ** 20, node: 6, object: 0 },
    ];
    expect(
      nodeOfPAMT({ base: 2 ** 30, size: 2 ** 30, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved: [] }, memory),
    ).toBe(5);
    expect(
      nodeOfPAMT({ base: 2 ** 32, size: 2 ** 30, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved: [] }, memory),
    ).toBe(-1);
  });
});

describe('reserved areas', () => {
  test('leave exactly the memory of the list usable', () => {
    fc.assert(
      fc.property(memoryLists, (memory) => {
        const tdmrs: TDMR[] = [];
        coverMemory(memory, 64, tdmrs);
        for (const tdmr of tdmrs) expect(reserveMemoryHoles(tdmr, memory, 1000)).toBe(true);
        expect(joined(tdmrs.flatMap(usable))).toEqual(
          joined(memory.map(({ startPfn, endPfn }): [number, number] => [startPfn * 4096, endPfn * 4096])),
        );
      }),
    );
  });

  test('from CMRs are the same when the CMRs are the memory list, and fewer when they touch', () => {
    fc.assert(
      fc.property(memoryLists, (memory) => {
        const cmrs = memory.map(({ startPfn, endPfn }) => ({
          base: startPfn * 4096,
          size: (endPfn - startPfn) * 4096,
        }));
        const built: TDMR[] = [];
        const again: TDMR[] = [];
        coverMemory(memory, 64, built);
        coverMemory(memory, 64, again);
        for (const [index, tdmr] of built.entries()) {
          const other = again[index] as TDMR;
          reserveMemoryHoles(tdmr, memory, 1000);
          reserveCMRHoles(other, cmrs, 1000);
          expect(other.reserved).toEqual(tdmr.reserved);
        }
      }),
    );
  });

  test('an empty CMR in the middle is passed over', () => {
    const tdmr: TDMR = { base: 0, size: 2 ** 30, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved: [] };
    const cmrs = [
      { base: 0x100000, size: 0x100000 },
      { base: 0, size: 0 },
      { base: 0x200000, size: 2 ** 30 - 0x200000 },
    ];
    expect(reserveCMRHoles(tdmr, cmrs, 16)).toBe(true);
    expect(tdmr.reserved).toEqual([{ offset: 0, size: 0x100000 }]);
  });

  test("take in every TDMR's PAMT, clipped, and end up in order", () => {
    const low: TDMR = {
      base: 0,
      size: 2 ** 30,
      pamtBase: 2 ** 30 - 0x1000,
      pamt4K: 0x3000,
      pamt2M: 0,
      pamt1G: 0,
      reserved: [],
    };
    const high: TDMR = {
      base: 2 ** 30,
      size: 2 ** 30,
      pamtBase: 0x5000,
      pamt4K: 0x1000,
      pamt2M: 0x1000,
      pamt1G: 0x1000,
      reserved: [],
    };
    for (const tdmr of [low, high]) {
      expect(reservePAMTs(tdmr, [low, high], 2, 16)).toBe(true);
      sortReservedAreas(tdmr);
    }
    expect(low.reserved).toEqual([
      { offset: 0x5000, size: 0x3000 },
      { offset: 2 ** 30 - 0x1000, size: 0x1000 },
    ]);
    expect(high.reserved).toEqual([{ offset: 0, size: 0x2000 }]);
  });

  test('sorting is by offset, for any order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { maxLength: 16 }), (offsets) => {
        const reserved = offsets.map((offset) => ({ offset, size: 1 }));
        sortReservedAreas({ base: 0, size: 0, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved });
        expect(reserved.map(({ offset }) => offset)).toEqual(offsets.slice().sort((a, b) => a - b));
      }),
    );
  });

  test('one more than the limit is refused', () => {
    const memory = [0, 2, 4].map((gap) => ({ startPfn: 256 + gap, endPfn: 257 + gap, node: 0, object: 0 }));
    const tdmr = (): TDMR => ({ base: 0, size: 2 ** 30, pamtBase: 0, pamt4K: 0, pamt2M: 0, pamt1G: 0, reserved: [] });
    expect(reserveMemoryHoles(tdmr(), memory, 4)).toBe(true);
    expect(reserveMemoryHoles(tdmr(), memory, 3)).toBe(false);
  });
});

test('slots of the TDMR array are 1,024 bytes with 16 areas, its address array at least 512', () => {
  expect(tdmrStride(16)).toBe(1024);
  expect(tdmrStride(0)).toBe(512);
  expect(tdmrStride(33)).toBe(1536);
  expect([1, 64, 65, 129].map(addressArraySize)).toEqual([512, 512, 1024, 2048]);
});
