import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addPages,
  allocatePages,
  clonePageAllocator,
  createPageAllocator,
  releasePages,
  removePages,
} from './page-allocator.ts';
import type { AllocationKind } from './port.ts';

interface Recorded {
  readonly id: string;
  readonly boot: {
    readonly memblock: readonly { start: string; end: string; nid: number }[];
    readonly busy?: readonly (readonly [string, string])[];
    readonly allocFail?: readonly number[];
  };
  readonly steps: readonly (readonly [
    { memHotAdd?: { startPfn: number; nrPages: number; nid: number } },
    { alloc?: readonly (readonly [kind: AllocationKind, bytes: number, pfn: string, node: number, failed: number])[] },
  ])[];
}

function recording(name: string): Recorded[] {
  const packed = readFileSync(new URL(`../../../corpus/transcripts/${name}.jsonl.gz`, import.meta.url));
  return gunzipSync(packed)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Recorded => JSON.parse(line));
}

/** Replays the allocations of a scenario's first initialisation; answers those that were placed elsewhere. */
function misplaced({ id, boot, steps }: Recorded): string[] {
  const span = (start: string, end: string): { base: number; size: number } => ({
    base: Number(start),
    size: Number(end) - Number(start),
  });
  const allocator = createPageAllocator(
    boot.memblock.map(({ start, end, nid }) => ({ ...span(start, end), node: nid })),
    boot.busy?.map(([start, end]) => span(start, end)),
  );
  const failing = new Set(boot.allocFail);
  const wrong: string[] = [];
  for (const [{ memHotAdd }, { alloc }] of steps) {
    if (memHotAdd !== undefined)
      addPages(allocator, memHotAdd.startPfn * 4096, memHotAdd.nrPages * 4096, memHotAdd.nid);
    if (alloc === undefined) continue;
    let addressArray = -1;
    for (const [index, [kind, bytes, pfn, node, failed]] of alloc.entries()) {
      // The address array is given back before the cpumask is allocated.
      if (kind === 'm' && addressArray !== -1) releasePages(allocator, addressArray, 512);
      const got = failing.has(index + 1) ? -1 : allocatePages(allocator, kind, bytes, node);
      if (kind === 'k' && bytes > 40) addressArray = got;
      const expected = failed === 1 ? -1 : Number(pfn) * 4096;
      if (got !== expected) wrong.push(`${id} alloc[${index}]: expected ${expected}, got ${got}`);
    }
    break;
  }
  return wrong;
}

describe('the page allocator', () => {
  test.each(['linux-6.12', 'linux-6.17', 'linux-7.3'])(
    '%s: every object stands where the recorded one stood',
    (name) => {
      const scenarios = recording(name);
      expect(scenarios.length).toBeGreaterThan(300);
      expect(scenarios.flatMap(misplaced)).toEqual([]);
    },
  );

  test('gives out no frame twice, and takes all of them back', () => {
    const kinds = fc.constantFrom<AllocationKind>('k', 'x', 'c', 'm');
    const requests = fc.array(
      fc.record({
        kind: kinds,
        pages: fc.integer({ min: 1, max: 3000 }),
        node: fc.nat({ max: 1 }),
        keep: fc.boolean(),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(requests, (list) => {
        const allocator = createPageAllocator([
          { base: 0x100000, size: 0x3ff00000, node: 0 },
          { base: 0x100000000, size: 0x40000000, node: 1 },
        ]);
        const before = clonePageAllocator(allocator);
        const taken: { address: number; bytes: number }[] = [];
        for (const { kind, pages, node, keep } of list) {
          const bytes = pages * 4096;
          const address = allocatePages(allocator, kind, bytes, node);
          if (address === -1) continue;
          for (const other of taken)
            expect(address >= other.address + other.bytes || address + bytes <= other.address).toBe(true);
          if (keep) taken.push({ address, bytes });
          else releasePages(allocator, address, bytes);
        }
        for (const { address, bytes } of taken) releasePages(allocator, address, bytes);
        expect(allocator).toEqual(before);
      }),
    );
  });

  test('memory that went offline is not handed out', () => {
    const allocator = createPageAllocator([{ base: 0x100000, size: 0x700000, node: 0 }]);
    removePages(allocator, 0x400000, 0x400000);
    expect(allocatePages(allocator, 'k', 4096, -1)).toBe(0x3ff000);
    expect(allocatePages(allocator, 'c', 0x301000, 0)).toBe(-1);
  });

  test('a PAMT goes to the next node when its own has no room', () => {
    const allocator = createPageAllocator([
      { base: 0x100000000, size: 0x1000000, node: 0 },
      { base: 0x200000000, size: 0x40000000, node: 1 },
    ]);
    expect(allocatePages(allocator, 'c', 0x2000000, 0)).toBe(0x200000000);
  });
});
