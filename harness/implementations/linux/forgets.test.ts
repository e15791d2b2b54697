import { rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import { stages } from '../../pipeline.ts';
import { loadKnown } from '../../store/known.ts';
import { describeLinux } from '../../testing/describe-where.ts';
import { SEEDED_BUGS, type SeededBug, seedBug } from '../../testing/seeded-bugs.ts';
import { buildKernel } from './build.ts';
import { judgeAgainstModel, startKernel } from './judge.ts';
import { findTree } from './tree.ts';

const profile = { kernel: '6.12', module: '1.5.01' };
const NAMES = [
  'module lock kept after a failure',
  'memory lock kept',
  'memory list kept after a failure',
  'cpumask leak',
];
const AT_CONFIG = /ret = seamcall_prerr\(TDH_SYS_CONFIG, &args\);/;
const BUGS: readonly SeededBug[] = [
  ...SEEDED_BUGS.filter(({ name }) => NAMES.includes(name)),
  { name: 'deadlock', find: AT_CONFIG, replace: 'mutex_lock(&tdx_module_lock); ret = 0;' },
  { name: 'null pointer', find: AT_CONFIG, replace: '*(volatile int *)0 = 1; ret = 0;' },
];
/** Those of the corpus fail on the way, and are asked again after that. */
const CASES = [
  ...loadKnown('corpus')
    .filter((one) => one.case.profile.kernel === profile.kernel)
    .slice(0, 12)
    .map((one) => one.case),
  ...Array.from({ length: 24 }, (_, index) =>
    stages.generate('forgets', index, { profile, mood: stages.moods[0] ?? '' }),
  ),
];

describeLinux('a compiled kernel has forgotten the case before, whatever became of it', () => {
  test.each(BUGS)(
    'with a bug: $name',
    (bug) => {
      const copy = seedBug(findTree('debian'), bug);
      const program = buildKernel(copy);
      rmSync(copy, { recursive: true });
      const start = (): ReturnType<typeof startKernel> => startKernel(program, LINUX_6_12, bug.name);
      const used = start();
      let broken = 0;
      for (const input of CASES) {
        const fresh = start();
        const verdict = judgeAgainstModel(fresh, input);
        fresh.child.close();
        expect(judgeAgainstModel(used, input)).toEqual(verdict);
        if (verdict.violations.length > 0) broken += 1;
      }
      used.child.close();
      expect(broken).toBeGreaterThan(0);
    },
    120_000,
  );
});
