import { rmSync } from 'node:fs';
import { afterAll, expect, test } from '@jest/globals';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import type { Case } from '../../case.ts';
import { stages } from '../../pipeline.ts';
import { shrink } from '../../shrink/shrink.ts';
import { loadKnown } from '../../store/known.ts';
import { describeLinux } from '../../testing/describe-where.ts';
import { SEEDED_BUGS, type SeededBug, seedBug } from '../../testing/seeded-bugs.ts';
import { buildKernel } from './build.ts';
import { type LinuxKernel, judgeAgainstModel, startKernel } from './judge.ts';
import { findTree } from './tree.ts';

const profile = { kernel: '6.12', module: '1.5.01' };
const known = loadKnown('corpus').filter((one) => one.case.profile.kernel === profile.kernel);
const knownBuckets = new Set(known.map(({ bucket }) => bucket));

function generated(index: number): Case {
  return stages.generate('linux-test', index, { profile, mood: stages.moods[0] ?? '' });
}

describeLinux('a change to tdx.c that mends what is known', () => {
  const copies: string[] = [];
  afterAll(() => {
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  });

  const changedBy = (bug: SeededBug): LinuxKernel => {
    const copy = seedBug(findTree('debian'), bug);
    copies.push(copy);
    return startKernel(buildKernel(copy), LINUX_6_12, 'patched');
  };
  const patched = (find: string, replace: string): LinuxKernel =>
    changedBy({ name: find, find: new RegExp(find.replace(/[()*+?.]/g, '\\$&')), replace });
  const withBug = (name: string): LinuxKernel => {
    const bug = SEEDED_BUGS.find((one) => one.name === name);
    if (bug === undefined) throw new Error(`no bug called ${name}`);
    return changedBy(bug);
  };
  const naming = (set: string, verdict: string): string =>
    [
      `for_each_${set}_cpu(cpu) {`,
      'if (ret || cpumask_test_and_set_cpu(topology_physical_package_id(cpu), packages)) continue;',
      'pr_err("package %d has no online CPU\\n", topology_physical_package_id(cpu));',
      `${verdict} }`,
      'free_cpumask_var(packages);',
    ].join('\n');
  const own = (part: string): Case => {
    const found = known.find(({ path }) => path.includes(part));
    if (found === undefined) throw new Error(`no known deviation in a file like ${part}`);
    return found.case;
  };

  test('is better than the model, and says in what', () => {
    const subject = patched('free_cpumask_var(packages);', naming('present', ''));
    const verdict = judgeAgainstModel(subject, own('naming-package-without-cpu-is-named-tdh-sys-tdmr-init'), false);
    expect(verdict.better).toEqual({
      kept: ['naming/package-without-cpu-is-named|TDH.SYS.TDMR.INIT|TDX_SYS_NOT_READY|CONFIG_DONE'],
      difference: 'linux/is-its-model|enable: dmesg',
      excuses: true,
    });
    expect(verdict.violations.filter(({ bucket }) => !knownBuckets.has(bucket))).toEqual([]);
    for (let index = 0; index < 200; index += 1) {
      const { better, violations } = judgeAgainstModel(subject, generated(index), false);
      const others = violations.filter(({ bucket }) => !knownBuckets.has(bucket));
      const unexplained = others.filter(({ bucket }) => bucket !== verdict.better?.difference);
      if (better === undefined) expect([index, unexplained]).toEqual([index, []]);
    }
    subject.child.close();
  }, 60_000);

  test('and costs TDX where there was no need is found', () => {
    const subject = patched('free_cpumask_var(packages);', naming('possible', 'ret = -ENODEV;'));
    const judge = (input: Case): ReturnType<typeof judgeAgainstModel> => judgeAgainstModel(subject, input, false);
    const bucket = 'linux/is-its-model|enable: TDH.SYS.TDMR.INIT TDX_SUCCESS / wbinvd, TDX lost';
    const index = Array.from({ length: 2000 }, (_, at) => at).find((at) =>
      judge(generated(at)).violations.some((one) => one.bucket === bucket),
    );
    expect(index).toBeDefined();
    const small = shrink(generated(index ?? 0), bucket, judge, { evaluations: 3000 });
    expect(small?.minimal).toBe(true);
    // A package whose only LP was not there at boot.
    expect(small?.case.platform.lps.map(({ bios }) => bios)).toEqual([true, false]);
    subject.child.close();
  }, 60_000);

  test('and loses TDX elsewhere is no better there', () => {
    // One key for all packages: TDH.SYS.KEY.CONFIG is never made where it would be refused as the second of a package.
    const subject = withBug('KEY.CONFIG on every CPU');
    const verdicts = Array.from({ length: 60 }, (_, at) => judgeAgainstModel(subject, generated(at), false));
    const found = verdicts.flatMap(({ violations }) => violations.map(({ bucket }) => bucket));
    expect(found).toContain('linux/is-its-model|enable: TDH.SYS.KEY.CONFIG TDX_SUCCESS / free m, TDX lost');
    expect(judgeAgainstModel(subject, own('flow-key-config-once-per-package'), false).better).toBeDefined();
    subject.child.close();
  }, 60_000);

  test('and keeps nothing but by never freeing it is no better', () => {
    const subject = patched('goto err_free_tdmrs;', 'goto err_free_tdxmem;');
    const { better, violations } = judgeAgainstModel(subject, own('reserved-areas-suffice-where-cmrs-fit'), false);
    expect(better).toBeUndefined();
    expect(violations.map(({ bucket }) => bucket)).toContainEqual(
      expect.stringMatching(/^linux\/is-its-model\|enable: free x \/ free k, left allocated$/),
    );
    subject.child.close();
  }, 60_000);

  test('and says something on the way is judged by what it does', () => {
    const subject = patched('lockdep_assert_cpus_held();', 'lockdep_assert_cpus_held(); pr_info("enabling\\n");');
    const found = [0, 1, 2, 3, 4, 5].flatMap((index) => judgeAgainstModel(subject, generated(index), false).violations);
    const others = found.filter(({ bucket }) => !knownBuckets.has(bucket));
    expect([...new Set(others.map(({ bucket }) => bucket))]).toEqual(['linux/is-its-model|enable: dmesg']);
    subject.child.close();
  }, 60_000);

  test.each([
    // Words of its own for what is still wrong, or for nothing at all.
    [
      'once-one-failure-does-not-bar-tdx',
      'lockdep_assert_cpus_held();',
      'lockdep_assert_cpus_held(); pr_info("hello\\n");',
    ],
    [
      'naming-module-not-loaded-is-true-dead',
      'pr_err("module not loaded\\n");',
      'pr_err("the TDX module is not there\\n");',
    ],
    ['reserved-areas-suffice-where-cmrs-fit', 'reserved areas exhausted.\\n', 'no room for another reserved area.\\n'],
  ])(
    'and only says something else is no better: %s',
    (part, find, replace) => {
      const subject = patched(find.replaceAll('\\', '\\\\'), replace);
      const deviation = known.find(({ path }) => path.includes(part));
      const { better, violations } = judgeAgainstModel(subject, own(part), false);
      expect(better).toBeUndefined();
      const buckets = violations.map(({ bucket }) => bucket);
      expect(buckets).toContain(deviation?.bucket);
      expect(buckets.filter((bucket) => !knownBuckets.has(bucket))).toEqual([
        expect.stringMatching(/^linux\/is-its-model\|(?:cpu-)?enable: dmesg$/),
      ]);
      subject.child.close();
    },
    60_000,
  );

  test('and does not get to what it breaks is no better', () => {
    // Refuses TDX before anything can go wrong.
    const subject = patched('free_cpumask_var(packages);', 'free_cpumask_var(packages); ret = -EINVAL;');
    const { better, violations } = judgeAgainstModel(subject, own('pamt-not-freed-while-ready'), false);
    expect(better).toBeUndefined();
    expect(violations.map(({ bucket }) => bucket)).toContain('naming/failure-names-leaf-or-reason|EINVAL');
    subject.child.close();
  }, 60_000);
});
