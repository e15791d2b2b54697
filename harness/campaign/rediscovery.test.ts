import { describe, expect, test } from '@jest/globals';
import { shrink } from '../shrink/shrink.ts';
import { stages } from '../pipeline.ts';
import type { Case } from '../case.ts';

/**
 * The flaws that years of review found in Linux 6.12's init flow, rediscovered without a corpus, with the default seed
 * and mood. The number of cases stands for a minute of fuzzing, which judges many times as many.
 */
const CASES = 4_000;
const EVENTS_MAX = 8;
const LIMITS = { evaluations: 6_000 };

const FLAWS: readonly (readonly [flaw: string, bucket: string])[] = [
  ['nosmt makes SYS.CONFIG fail', 'lp/offline-lp-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_SYS_CONFIG_NOT_PENDING|nosmt'],
  [
    'one LP that was never online makes SYS.CONFIG fail',
    'lp/offline-lp-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_SYS_CONFIG_NOT_PENDING|offline',
  ],
  ['a package without online CPU is never named', 'naming/package-without-cpu-is-named|'],
  ['the first cpu_enable with VMX off poisons the boot', 'once/mistimed-first-call-does-not-poison|TDH.SYS.INIT|#UD'],
  ['#GP is silent', 'naming/gp-is-not-silent|#GP'],
  ['#UD is silent', 'naming/ud-is-not-silent|#UD'],
  ['busy is made permanent', 'retry/transient-is-not-permanent|TDH.SYS.KEY.CONFIG|TDX_OPERAND_BUSY'],
  ['one failure disables TDX until reboot', 'once/one-failure-does-not-bar-tdx|'],
  [
    'memory outside the CMRs disables TDX',
    'memory/outside-cmrs-does-not-cost-tdx|TDH.SYS.CONFIG|TDX_TDMR_OUTSIDE_CMRS',
  ],
  ['reserved areas are exhausted though CMRs would fit', 'memory/reserved-areas-suffice-where-cmrs-fit|'],
  ['PAMTs are freed while the module is READY', 'pamt/not-freed-while-ready'],
  ['an allocation failure is made permanent', 'once/allocation-failure-is-not-permanent|'],
  ['splitting a memory block changes the outcome', 'metamorphic/splitting-a-memory-block|'],
];

const options = { profile: { kernel: '6.12', module: '1.5.01' }, mood: 'default' };

/** The first case of every bucket among the first cases of the default seed. */
function firstCases(): ReadonlyMap<string, Case> {
  const found = new Map<string, Case>();
  for (let index = 0; index < CASES; index += 1) {
    const input = stages.generate('seamstress', index, options);
    for (const { bucket } of stages.judge(input, index % 8 === 0).violations)
      if (!found.has(bucket)) found.set(bucket, input);
  }
  return found;
}

describe('Linux 6.12, from an empty corpus', () => {
  const found = firstCases();

  test.each(FLAWS)('%s', (_, wanted) => {
    const bucket = [...found.keys()].find((one) => one.startsWith(wanted));
    const input = bucket === undefined ? undefined : found.get(bucket);
    if (bucket === undefined || input === undefined) throw new Error(`${wanted} did not show in ${CASES} cases`);
    const result = shrink(input, bucket, stages.judge, LIMITS);
    expect(result?.minimal).toBe(true);
    expect(result?.case.events.length).toBeLessThanOrEqual(EVENTS_MAX);
    expect(stages.judge(result?.case ?? input).violations.map((one) => one.bucket)).toContain(bucket);
  });
});

describe('strict', () => {
  test('breaks no rule and reaches every sometimes', () => {
    const profile = { kernel: 'strict', module: '1.5.01' };
    const reached = new Set<string>();
    for (let index = 0; index < CASES; index += 1) {
      const input = stages.generate('control', index, { ...options, profile });
      const verdict = stages.judge(input, index % 8 === 0);
      expect(verdict.violations).toEqual([]);
      for (const id of verdict.sometimes) reached.add(id);
    }
    const unreached = stages.sometimes(profile).filter(({ id, budget }) => budget <= CASES && !reached.has(id));
    expect(unreached.map(({ id }) => id)).toEqual([]);
  });
});
