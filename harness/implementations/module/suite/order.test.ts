import { OUTPUT_REGISTERS } from '../../../../model/abi/registers.ts';
import { describe, expect, test } from '@jest/globals';
import { formatU64 } from '../../../../model/abi/u64.ts';
import { RELEASES } from '../../../../model/module/release.ts';
import type { Fault, FaultTable } from './fault.ts';
import { FAULT_TABLES } from './faults/index.ts';
import { recordDraft } from './record.ts';

const RELEASE = RELEASES['1.5.01-recorded'];

describe.each(FAULT_TABLES)('$leaf', (table) => {
  const alone = new Map<Fault, Answer>();

  test('succeeds without a fault', () => {
    expect(play(table, []).rax).toBe('0x0');
  });

  test('each fault alone gets its own answer', () => {
    const wrong: string[] = [];
    for (const one of table.faults) {
      const got = play(table, [one]);
      const want = one.rax === 'fatal' ? 'fatal' : formatU64(one.rax);
      if (got.rax !== want) wrong.push(`${one.name}: ${want}, got ${got.rax}`);
      alone.set(one, got);
    }
    expect(wrong).toEqual([]);
  });

  test('of two faults the one that is checked first decides', () => {
    const wrong: string[] = [];
    for (const [index, first] of table.faults.entries()) {
      for (const second of table.faults.slice(index + 1)) {
        if (first.touches.some((what) => second.touches.includes(what))) continue;
        // Applied in both orders: which one a draft got first must not matter.
        for (const got of [play(table, [first, second]), play(table, [second, first])]) {
          const want = alone.get(first);
          if (want === undefined || !agrees(got, want))
            wrong.push(`${first.name} before ${second.name}: want ${want?.rax}, got ${got.rax}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

test('there are pairs enough to mean something', () => {
  const pairs = FAULT_TABLES.map(({ faults }) =>
    faults.reduce(
      (sum, first, index) =>
        sum +
        faults.slice(index + 1).filter((second) => !first.touches.some((what) => second.touches.includes(what))).length,
      0,
    ),
  );
  expect(pairs.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(5000);
});

/** How a call ended: RAX (or `fatal`), and each other register before and after. */
interface Answer {
  readonly rax: string;
  readonly others: readonly (readonly [before: string, after: string])[];
}

function play(table: FaultTable, faults: readonly Fault[]): Answer {
  const draft = table.base();
  for (const { apply } of faults) apply(draft);
  const { last } = recordDraft('draft', draft, RELEASE);
  if (last === null) return { rax: 'fatal', others: [] };
  return {
    rax: formatU64(last.rax),
    others: OUTPUT_REGISTERS.map((name) => [String(draft.call.seamcall[name] ?? '0x0'), formatU64(last[name])]),
  };
}

/** The same status, and each register left alone in both or with the same value in both. */
function agrees(got: Answer, want: Answer): boolean {
  return (
    got.rax === want.rax &&
    got.others.every(([before, after], index) => {
      const [wantBefore, wantAfter] = want.others[index] ?? ['', ''];
      return after === wantAfter || (after === before && wantAfter === wantBefore);
    })
  );
}
