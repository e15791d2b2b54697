import { GIB } from '../../model/abi/size.ts';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Event } from '../../model/world/event.ts';
import { type Case, encodeCaseLine } from '../case.ts';
import type { Judge } from '../oracle/judge.ts';
import { sampleCase, samplePlatform } from '../testing/sample.ts';
import { PARTS } from './parts.ts';
import { SHRINK_EVALUATIONS, shrink } from './shrink.ts';

const LIMITS = { evaluations: SHRINK_EVALUATIONS };

/** A judge with one rule: `fails` returns the event after which it is broken (`undefined`: it holds). */
function judgeOf(fails: (input: Case) => number | undefined, bucket = 'rule|x'): Judge {
  return (input) => {
    const event = fails(input);
    const violations = event === undefined ? [] : [{ invariant: 'rule', bucket, event, message: 'broken' }];
    return { violations, edges: [], sometimes: [], seamcalls: 0, complete: true };
  };
}

/** A judge that fails if all these event kinds occur, in this order. */
function inOrder(...kinds: readonly Event['kind'][]): Judge {
  return judgeOf(({ events }) => {
    let next = 0;
    for (const [index, { kind }] of events.entries()) {
      if (kind === kinds[next]) next += 1;
      if (next === kinds.length) return index;
    }
    return undefined;
  });
}

function shrunk(input: Case, judge: Judge, limits = LIMITS) {
  const result = shrink(input, 'rule|x', judge, limits);
  if (result === undefined) throw new Error('the case does not fail');
  return result;
}

const noisy: readonly Event[] = [
  { kind: 'vmxoff', lp: 3 },
  { kind: 'cpu-enable', lp: 5 },
  { kind: 'memory-add', how: 'driver', base: 300 * GIB, size: GIB, node: 1 },
  { kind: 'cpu-offline', lp: 6 },
  { kind: 'allocation-failure', nth: 9 },
  { kind: 'enable' },
  { kind: 'cpu-online', lp: 6 },
  { kind: 'seamcall', lp: 2, rax: 2n ** 63n + 35n, rcx: 5 * GIB, rdx: 2n ** 60n, r8: 7, r9: 1, r10: 0, r11: 0 },
  { kind: 'machine-check', lp: 1, address: 9 * GIB + 123 },
  { kind: 'kexec' },
];
const large = sampleCase(noisy, samplePlatform(4, 2, { msr: [{ lp: 7, msr: 0x87, value: 1 }], fms: [1, 2, 3, 4] }));

describe('shrinking', () => {
  test('a case that does not fail in the bucket is not shrunk', () => {
    expect(shrink(large, 'other', inOrder('enable'), LIMITS)).toBeUndefined();
  });

  test('only the events that the failure needs stay, on the smallest machine', () => {
    const { case: small, minimal, violation } = shrunk(large, inOrder('cpu-offline', 'cpu-online'));
    expect(small.events).toEqual([
      { kind: 'cpu-offline', lp: 0 },
      { kind: 'cpu-online', lp: 0 },
    ]);
    expect(small.platform.lps).toHaveLength(1);
    expect(small.platform.memory).toHaveLength(1);
    expect(small.platform.cmrs).toEqual([]);
    expect(small.platform.msr).toEqual([]);
    expect(minimal).toBe(true);
    expect(violation.event).toBe(1);
  });

  test('expensive verdicts leave fewer evaluations, and the same number on every machine', () => {
    const judge = inOrder('cpu-offline', 'cpu-online');
    const slow = shrink(large, 'rule|x', (input) => ({ ...judge(input), cost: 50 }), { evaluations: 400 });
    expect(slow).toMatchObject({ evaluations: 8, minimal: false });
  });

  test('a whole package is removed at once, and later ones are renumbered with their events', () => {
    // Package 2's LPs must both be offlined, and two packages must exist.
    const events: Event[] = [4, 5].map((lp) => ({ kind: 'cpu-offline', lp }));
    const judge = judgeOf(({ platform, events: all }) => {
      const offline = new Set(all.flatMap((event) => (event.kind === 'cpu-offline' ? [event.lp] : [])));
      const packages = new Set(platform.lps.map((lp) => lp.package));
      const dark = [...packages].some((one) =>
        platform.lps.every((lp, index) => lp.package !== one || offline.has(index)),
      );
      return packages.size > 1 && dark ? all.length : undefined;
    });
    const { case: small, minimal } = shrunk(sampleCase(events, samplePlatform(4, 2)), judge);
    expect(small.platform.lps.map((lp) => lp.package)).toEqual([0, 1]);
    expect(small.events).toHaveLength(1);
    expect(minimal).toBe(true);
  });

  test('two events that depend on each other are removed together', () => {
    const balanced = judgeOf(({ events }) => {
      const off = events.filter(({ kind }) => kind === 'vmxoff').length;
      const on = events.filter(({ kind }) => kind === 'vmxon').length;
      return off === on && events.some(({ kind }) => kind === 'enable') ? 0 : undefined;
    });
    const { case: small } = shrunk(
      sampleCase([{ kind: 'vmxoff', lp: 0 }, { kind: 'enable' }, { kind: 'vmxon', lp: 1 }]),
      balanced,
    );
    expect(small.events).toEqual([{ kind: 'enable' }]);
  });

  test('regions move together: memory, CMRs and addresses in events keep their relative positions', () => {
    const platform = samplePlatform(1, 1, {
      memory: [{ base: 32 * GIB, size: 96 * GIB, node: 0 }],
      cmrs: [{ base: 33 * GIB, size: 90 * GIB }],
      seamrr: null,
    });
    const outside = (block: { base: number; size: number }, cmr: { base: number; size: number }): boolean =>
      block.base < cmr.base && block.base + block.size > cmr.base + cmr.size;
    const judge = judgeOf(({ platform: { memory, cmrs }, events }) => {
      const hit = events.findIndex(
        (event) =>
          event.kind === 'machine-check' &&
          cmrs.some(({ base, size }) => event.address > base && event.address < base + size),
      );
      return hit >= 0 && memory.some((block) => cmrs.some((cmr) => outside(block, cmr))) ? hit : undefined;
    });
    const { case: small, minimal } = shrunk(
      sampleCase([{ kind: 'machine-check', lp: 0, address: 100 * GIB + 4096 }], platform),
      judge,
    );
    expect(minimal).toBe(true);
    expect(small.platform.memory).toEqual([{ base: 0, size: 4 * GIB, node: 0 }]);
    expect(small.platform.cmrs).toEqual([{ base: GIB, size: 2 * GIB }]);
    expect(small.events).toEqual([{ kind: 'machine-check', lp: 0, address: 2 * GIB }]);
  });

  test('registers and counts are lowered to the least values that fail', () => {
    const judge = judgeOf(({ events }) => {
      const index = events.findIndex((event) => event.kind === 'seamcall' && typeof event.rdx === 'bigint');
      return index >= 0 && events.some((event) => event.kind === 'allocation-failure' && event.nth > 2)
        ? index
        : undefined;
    });
    const { case: small } = shrunk(large, judge);
    expect(small.events).toEqual([
      { kind: 'allocation-failure', nth: 3 },
      { kind: 'seamcall', lp: 0, rax: 0, rcx: 0, rdx: 2n ** 60n, r8: 0, r9: 0, r10: 0, r11: 0 },
    ]);
  });

  test('preemptions that are not needed are removed; the others stay', () => {
    const schedule = [3, 5, 9].map((after) => ({ event: 0, after, run: 1 }));
    const scheduled = { ...large, schedule };
    expect(shrunk(scheduled, inOrder('enable')).case.schedule).toBeUndefined();
    const needs5 = judgeOf((input) => (input.schedule?.some(({ after }) => after === 5) ? 0 : undefined));
    expect(shrunk(scheduled, needs5).case.schedule).toEqual([{ event: 0, after: 5, run: 0 }]);
  });

  test('another failure found while shrinking is reported, and does not replace the one being shrunk', () => {
    const judge: Judge = (input) => {
      const both = input.events.length > 1;
      const violations = input.events.some(({ kind }) => kind === 'kexec')
        ? [{ invariant: 'rule', bucket: both ? 'rule|x' : 'rule|slipped', event: 0, message: 'broken' }]
        : [];
      return { violations, edges: [], sometimes: [], seamcalls: 0, complete: true };
    };
    const result = shrunk(large, judge);
    expect(result.case.events).toHaveLength(2);
    expect(result.slipped.map((one) => one.violation.bucket)).toEqual(['rule|slipped']);
    expect(judge(result.slipped[0]?.case ?? large).violations[0]?.bucket).toBe('rule|slipped');
  });

  test('a judge that throws on a candidate is a bug of the harness, returned with the case', () => {
    const judge = judgeOf(({ events }) => {
      if (events.length < 3) throw new Error('boom');
      return 0;
    });
    const result = shrunk(large, judge);
    expect(result.case.events).toHaveLength(3);
    expect(result.crash?.stack).toContain('boom');
  });

  test('only a failure that a light judgement misses is judged in full', () => {
    const asked = new Set<boolean | undefined>();
    const watching =
      (judge: Judge, sees: boolean): Judge =>
      (input, full) => {
        asked.add(full);
        return full === false && !sees ? { ...judge(input), violations: [] } : judge(input);
      };
    shrunk(large, watching(inOrder('enable'), true));
    expect([...asked]).toEqual([false]);
    asked.clear();
    expect(shrunk(large, watching(inOrder('enable'), false))).toMatchObject({
      case: { events: { length: 1 } },
      minimal: true,
    });
    expect([...asked]).toEqual([false, true]);
  });

  test('the number of evaluations is a bound, and a result that was not verified is not minimal', () => {
    let calls = 0;
    const counting =
      (judge: Judge): Judge =>
      (input, full) => {
        calls += 1;
        return judge(input, full);
      };
    const result = shrunk(large, counting(inOrder('cpu-offline', 'cpu-online')), { evaluations: 12 });
    expect(calls).toBeLessThanOrEqual(12);
    expect(result.evaluations).toBe(calls);
    expect(result.minimal).toBe(false);
    expect(shrunk(large, inOrder('enable'), { ...LIMITS, outOfTime: () => true } as typeof LIMITS).case).toEqual(large);
  });
});

const kinds = ['vmxoff', 'cpu-online', 'cpu-offline', 'enable', 'kexec', 'late-load'] as const;
const eventArbitrary = fc.tuple(fc.constantFrom(...kinds), fc.nat({ max: 3 })).map(([kind, lp]): Event => {
  return kind === 'enable' || kind === 'kexec' || kind === 'late-load' ? { kind } : { kind, lp };
});

describe('laws of shrinking', () => {
  test('the result fails in the same bucket, is no larger, is 1-minimal as reported, and is the same every time', () => {
    fc.assert(
      fc.property(
        fc.array(eventArbitrary, { minLength: 3, maxLength: 14 }),
        fc.integer({ min: 1, max: 7 }),
        (events, rule) => {
          const judge = judgeOf(({ platform, events: all }) => {
            const enables = all.filter(({ kind }) => kind === 'enable').length;
            const lps = new Set(all.flatMap((event) => ('lp' in event ? [event.lp] : [])));
            if (rule & 1 && enables === 0) return undefined;
            if (rule & 2 && lps.size < 2) return undefined;
            if (rule & 4 && platform.cmrs.length + platform.memory.length < 3) return undefined;
            return all.length;
          });
          const input = sampleCase(events);
          fc.pre(judge(input).violations.length > 0);
          const result = shrunk(input, judge);
          expect(judge(result.case).violations.map(({ bucket }) => bucket)).toContain('rule|x');
          for (const part of PARTS) expect(part.count(result.case)).toBeLessThanOrEqual(part.count(input));
          expect(result.minimal).toBe(true);
          for (const part of PARTS) {
            const indices = [...Array(part.count(result.case)).keys()];
            for (const gone of indices) {
              const smaller = part.keep(
                result.case,
                indices.filter((index) => index !== gone),
              );
              if (smaller !== undefined) expect(judge(smaller).violations).toEqual([]);
            }
          }
          expect(encodeCaseLine(shrunk(input, judge).case)).toBe(encodeCaseLine(result.case));
          expect(shrunk(result.case, judge).case).toEqual(result.case);
        },
      ),
      { numRuns: 60 },
    );
  });
});
