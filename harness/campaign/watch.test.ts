import { describe, expect, test } from '@jest/globals';
import { stages } from '../testing/fake-stages.ts';
import type { Stages } from './stages.ts';
import { perform } from './task.ts';
import { createWatch, type Watcher, watcherOf } from './watch.ts';

const PROFILE = { kernel: 'unsound', module: 'plain' };
const RANGE = { seed: 's', profile: PROFILE, mood: 'calm', from: 0, to: 100 };
const BUCKET = 'order/kexec-last|kexec';

/** The same stages, with a stop request while case number `at` (from 1) is judged. */
function stoppedAt(at: number): { readonly slow: Stages; readonly watcher: Watcher; readonly judged: () => number } {
  const watch = createWatch();
  const watcher = watcherOf(watch);
  let judged = 0;
  const slow: Stages = {
    ...stages,
    judge(...args) {
      judged += 1;
      // As another thread does: a second watcher of the same memory.
      if (judged === at) watcherOf(watch).stop();
      return stages.judge(...args);
    },
  };
  return { slow, watcher, judged: () => judged };
}

describe('a task after a stop request', () => {
  test('returns the tally of the cases judged so far', () => {
    const { slow, watcher } = stoppedAt(7);
    const whole = perform(stages, { kind: 'range', range: RANGE }, Date.now, watcherOf(createWatch()));
    const part = perform(slow, { kind: 'range', range: RANGE }, Date.now, watcher);
    expect([whole.cases, part.cases, part.crash]).toEqual([100, 7, null]);
    expect(perform(stages, { kind: 'range', range: { ...RANGE, to: 7 } }, Date.now, watcherOf(createWatch()))).toEqual(
      part,
    );
  });

  test('returns the case shrunk so far, and the number of cases tried', () => {
    const [first] = perform(
      stages,
      { kind: 'range', range: { ...RANGE, to: 2000 } },
      Date.now,
      watcherOf(createWatch()),
    ).firsts.filter(({ violation }) => violation.bucket === BUCKET);
    if (first === undefined) throw new Error('nothing to make smaller');
    const task = { kind: 'shrink', case: first.case, bucket: BUCKET, evaluations: 5000, deadline: null } as const;
    const calm = watcherOf(createWatch());
    const whole = perform(stages, task, Date.now, calm);
    const { slow, watcher, judged } = stoppedAt(3);
    const part = perform(slow, task, Date.now, watcher);
    expect(whole?.minimal).toBe(true);
    expect(calm.tries()).toBe(whole?.evaluations);
    expect(part).toMatchObject({ minimal: false, evaluations: 3 });
    // One more judgement finds the other buckets of the case.
    expect([watcher.tries(), judged()]).toEqual([3, 4]);
  });
});
