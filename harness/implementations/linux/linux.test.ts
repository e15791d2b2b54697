import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import type { Case } from '../../case.ts';
import { stages } from '../../pipeline.ts';
import { shrink } from '../../shrink/shrink.ts';
import { readCaseFile } from '../../store/case-store.ts';
import { loadKnown } from '../../store/known.ts';
import { describeLinux } from '../../testing/describe-where.ts';
import { SEEDED_BUGS, seedBug } from '../../testing/seeded-bugs.ts';
import { buildKernel } from './build.ts';
import { findHeaders } from './headers.ts';
import { type LinuxKernel, judgeAgainstModel, judgeBetween, runCompiled, startKernel } from './judge.ts';
import { findTree, TDX_C } from './tree.ts';

const profile = { kernel: '6.12', module: '1.5.01' };
const known = loadKnown('corpus').filter((one) => one.case.profile.kernel === profile.kernel);
const knownBuckets = new Set(known.map(({ bucket }) => bucket));

function generated(index: number): Case {
  return stages.generate('linux-test', index, { profile, mood: stages.moods[0] ?? '' });
}

describeLinux("Linux 6.12's own tdx.c", () => {
  let tree: string;
  let kernel: LinuxKernel;
  const copies: string[] = [];

  beforeAll(() => {
    tree = findTree('debian');
    kernel = startKernel(buildKernel(tree), LINUX_6_12, 'linux:debian');
  }, 120_000);

  afterAll(() => {
    kernel.child.close();
    for (const copy of copies) rmSync(copy, { recursive: true, force: true });
  });

  const withBug = (name: string): LinuxKernel => {
    const bug = SEEDED_BUGS.find((one) => one.name === name);
    if (bug === undefined) throw new Error(`no bug called ${name}`);
    return started(seedBug(tree, bug), name);
  };
  const started = (copy: string, name: string): LinuxKernel => {
    copies.push(copy);
    return startKernel(buildKernel(copy), LINUX_6_12, name);
  };
  const changed = (find: string, replace: string): string => {
    const copy = seedBug(tree, { name: find, find: new RegExp(find.replace(/[()*+?.]/g, '\\$&')), replace });
    copies.push(copy);
    return copy;
  };
  const bucketsOf = (subject: LinuxKernel, input: Case): readonly string[] =>
    [...new Set(judgeAgainstModel(subject, input, false).violations.map(({ bucket }) => bucket))].sort();

  test('does what its model does, on every generated case', () => {
    for (let index = 0; index < 300; index += 1) {
      const found = judgeAgainstModel(kernel, generated(index), false).violations;
      expect(
        found.filter(({ invariant }) => invariant.startsWith('linux/')).map(({ message }) => `${index}: ${message}`),
      ).toEqual([]);
    }
  }, 60_000);

  test('is judged the same by script and in conversation', () => {
    for (let index = 300; index < 360; index += 1) {
      const input = generated(index);
      const spoken = [...new Set(runCompiled(kernel, input).verdict.violations.map(({ bucket }) => bucket))].sort();
      expect(spoken).toEqual(bucketsOf(kernel, input));
    }
  }, 60_000);

  test('shows every known deviation of the model', () => {
    expect(known.length).toBeGreaterThan(30);
    for (const { path, bucket, case: input } of known) {
      const found = judgeAgainstModel(kernel, input, true).violations.map((one) => one.bucket);
      expect([path, found.includes(bucket)]).toEqual([path, true]);
    }
  }, 60_000);

  test.each([
    'reserved areas not sorted',
    'PAMT leak when SYS.CONFIG fails',
    'no WBINVD on the error path',
    'every second line reset',
    'no WBINVD before KEY.CONFIG',
    'TDMR.INIT once only',
    'cpumask leak',
    'memory lock kept',
    'hotplug end not checked',
    'SYS.INIT result lost',
    'PAMT size not rounded',
  ])(
    'a bug of one line is caught and made small: %s',
    (name) => {
      const subject = withBug(name);
      const judge = (input: Case): ReturnType<typeof judgeAgainstModel> => judgeAgainstModel(subject, input, false);
      for (let index = 0; index < 2000; index += 1) {
        const input = generated(index);
        const found = judge(input).violations.find(({ bucket }) => !knownBuckets.has(bucket));
        if (found === undefined) continue;
        const result = shrink(input, found.bucket, judge, { evaluations: 3000 });
        subject.child.close();
        expect(result?.minimal).toBe(true);
        expect(result?.case.events.length).toBeLessThanOrEqual(5);
        return;
      }
      throw new Error(`${name} was not caught`);
    },
    60_000,
  );

  test('a PAMT across two TDMRs needs the case that is in the corpus', () => {
    const subject = withBug('PAMT end not clipped');
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(bucketsOf(kernel, input)).toEqual([]);
    expect(bucketsOf(subject, input)).toContain(
      'tdmr/module-finds-no-fault|TDH.SYS.CONFIG|TDX_INVALID_RESERVED_IN_TDMR|SYSINIT_DONE',
    );
    subject.child.close();
  }, 60_000);

  test.each([
    ['machine check one line past a PAMT', 5],
    ['machine check on the first line of a PAMT', 3],
    ['reserved page is never a PAMT', 3],
  ])(
    'a %s needs the addresses around PAMTs that are in the corpus',
    (name, event) => {
      const subject = withBug(name);
      const { case: input } = readCaseFile('corpus/host/machine-checks-around-pamts.json');
      expect(bucketsOf(kernel, input)).toEqual([]);
      const { violations } = judgeAgainstModel(subject, input, false);
      expect(violations).toMatchObject([{ bucket: 'linux/is-its-model|machine-check: answer', event }]);
      expect(judgeBetween(kernel, subject, input).violations).toMatchObject([
        { bucket: 'linux/trees-agree|machine-check: answer', event },
      ]);
      subject.child.close();
    },
    60_000,
  );

  test('one TDMR too many needs the memory for 65 of them that is in the corpus', () => {
    const subject = withBug('one TDMR too many');
    const { case: input } = readCaseFile('corpus/host/tdmrs-one-too-many.json');
    expect(bucketsOf(kernel, input)).toEqual([]);
    expect(bucketsOf(subject, input)).toContain('sw-error/no-crash|enable');
    subject.child.close();
  }, 60_000);

  test('two trees differ in what was changed, and in nothing else', () => {
    const subject = withBug('cpumask leak');
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(judgeBetween(kernel, kernel, input).violations).toEqual([]);
    expect(judgeBetween(kernel, subject, input).violations.map(({ bucket }) => bucket)).toEqual([
      'linux/trees-agree|enable: free m / TDH.SYS.TDMR.INIT TDX_SUCCESS',
    ]);
    subject.child.close();
  }, 60_000);

  test.each([
    [
      'use after free',
      'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);',
      'kfree(tdmr_pa_array); tdmr_pa_array[0] = 1; ret = 0;',
    ],
    ['beyond the end', 'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);', 'tdmr_pa_array[64] = 1; ret = 0;'],
    ['null pointer', 'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);', '*(volatile int *)0 = 1; ret = 0;'],
    ['hang', 'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);', 'for (;;) barrier(); ret = 0;'],
    ['process ended', 'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);', '{ extern void _exit(int); _exit(3); } ret = 0;'],
    [
      'hang: no answer',
      'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);',
      '{ extern unsigned int sleep(unsigned int); sleep(100000); } ret = 0;',
    ],
    [
      'division by zero',
      'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);',
      '{ static volatile int none; ret = 64 / none; }',
    ],
    ['deadlock', 'ret = seamcall_prerr(TDH_SYS_CONFIG, &args);', 'mutex_lock(&tdx_module_lock); ret = 0;'],
  ])(
    'kernel code that dies is an observation: %s',
    (what, find, replace) => {
      const subject = started(changed(find, replace), what);
      const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
      const { world } = runCompiled(subject, input);
      expect(world.kernel.crash).toContain(what);
      // A loop that ran out of time and a process that ended have no known location.
      const located = !['hang', 'hang: no answer', 'process ended'].includes(what);
      const line = readFileSync(join(copies.at(-1) ?? '', TDX_C), 'utf8')
        .split('\n')
        .findIndex((text) => text.includes(replace));
      expect(/ at arch\/x86\/virt\/vmx\/tdx\/tdx\.c:(\d+), in \w+\(\)$/.exec(world.kernel.crash ?? '')?.[1]).toBe(
        located ? String(line + 1) : undefined,
      );
      expect(bucketsOf(subject, input)).toContain('linux/is-its-model|enable: crash');
      // The next boot is a new machine.
      expect(runCompiled(subject, { ...input, events: [] }).world.kernel.crash).toBeNull();
      subject.child.close();
    },
    60_000,
  );

  test('a WARN of the kernel is an observation', () => {
    const subject = started(
      changed('args.rcx = 0;', 'WARN_ON_ONCE(tdx_module_status == TDX_MODULE_UNINITIALIZED);'),
      'warns',
    );
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(bucketsOf(subject, input)).toEqual([
      'linux/is-its-model|order of effects and lines, or the node of an allocation',
      'linux/no-warnings|tdx_module_status == TDX_MODULE_UNINITIALIZED',
    ]);
    subject.child.close();
  });

  test('sleeping under a spinlock is an observation', () => {
    const asleep = 'args.rcx = 0; mutex_lock(&tdx_module_lock); mutex_unlock(&tdx_module_lock);';
    const subject = started(changed('args.rcx = 0;', asleep), 'sleeps');
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(bucketsOf(subject, input)).toContain('linux/no-warnings|may sleep while a spinlock is held');
    subject.child.close();
  });

  test.each([
    [
      'module',
      'mutex_unlock(&tdx_module_lock);\n\n\treturn ret;',
      'mutex_unlock(&tdx_module_lock); mutex_unlock(&tdx_module_lock); return ret;',
    ],
    ['sysinit', 'raw_spin_unlock(&sysinit_lock);', 'raw_spin_unlock(&sysinit_lock); raw_spin_unlock(&sysinit_lock);'],
    ['mems', 'put_online_mems();', 'put_online_mems(); put_online_mems();'],
  ])('a lock dropped twice is named: %s', (lock, find, replace) => {
    const subject = started(changed(find, replace), lock);
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    const dropped = bucketsOf(subject, input).filter((bucket) => bucket.startsWith('balance/locks'));
    expect(dropped).toContain(`balance/locks|compiled kernel: ${lock}`);
    subject.child.close();
  });

  test('what would happen next is found behind allocations, and no pointer of this process is printed', () => {
    const before = 'args.rcx = 0; pr_info("%pK %*ph %d%%\\n", &args, 2, &args, 7); kfree(kmalloc(8, GFP_ATOMIC));';
    const subject = started(changed('args.rcx = 0;', before), 'allocates');
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    const { kernel: state } = runCompiled(subject, input).world;
    expect(state.dmesg.map(({ text }) => text)).toContain('<6>virt/tdx: (pointer)   (pointer) 7%');
    expect(runCompiled(subject, { ...input, events: [] }).world.kernel.sysinitDone).toBe(false);
    subject.child.close();
  });

  test('what a change may use of the kernel around it is there', () => {
    const subject = started(
      changed(
        'args.rcx = 0;',
        [
          'args.rcx = 0;',
          '{ static DEFINE_RAW_SPINLOCK(lock); static struct cpumask first, all; cpumask_var_t mask; int cpu, seen = 0;',
          'struct cpumask *object __free(kfree) = kzalloc(sizeof(*object), GFP_ATOMIC);',
          'guard(raw_spinlock)(&lock);',
          'WARN_ON(!alloc_cpumask_var(&mask, GFP_KERNEL)); cpumask_copy(mask, cpu_online_mask);',
          'for_each_cpu(cpu, mask) { seen++; WARN_ON(!cpu_online(cpu) || !cpu_present(cpu)); }',
          'WARN_ON(seen != num_online_cpus() || cpu != nr_cpu_ids || num_possible_cpus() != nr_cpu_ids);',
          'cpumask_set_cpu(cpumask_first(mask), &first); cpumask_clear_cpu(cpumask_first(mask), mask);',
          'cpumask_or(&all, &first, mask); WARN_ON(!cpumask_equal(&all, cpu_online_mask));',
          'WARN_ON(!cpumask_andnot(&all, &all, mask) || cpumask_weight(&all) != 1 || cpumask_intersects(&all, mask));',
          'WARN_ON(!cpumask_subset(mask, cpu_present_mask) || cpumask_empty(&first)); free_cpumask_var(mask);',
          'WARN_ON(IS_ENABLED(CONFIG_NO_SUCH_THING) || !IS_ENABLED(CONFIG_NUMA) || clamp(7, 1, 5) != 5);',
          'WARN_ON(ilog2(4096) != 12 || upper_32_bits(1ULL << 33) != 2 || roundup(10, 4) != 12 || !is_power_of_2(8));',
          'pr_info_once("%s", ""); udelay(1); }',
        ].join('\n'),
      ),
      'common',
    );
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    const { world } = runCompiled(subject, input);
    expect(world.kernel.crash).toBeNull();
    expect(bucketsOf(subject, input).filter((bucket) => bucket.startsWith('linux/no-warnings'))).toEqual([]);
    // Its own allocations are the only thing that is new.
    expect(bucketsOf(subject, input)).toEqual(['linux/is-its-model|cpu-enable: TDH.SYS.INIT TDX_SUCCESS / alloc k']);
    subject.child.close();
  });

  test('what later kernels use of the kernel around them is there', () => {
    const subject = started(
      changed(
        'args.rcx = 0;',
        [
          'args.rcx = 0;',
          '{ static DEFINE_IDA(ids);',
          'int one = ida_alloc_range(&ids, 33, 34, GFP_KERNEL), two = ida_alloc_range(&ids, 33, 34, GFP_KERNEL);',
          'WARN_ON(one != 33 || two != 34 || ida_alloc_range(&ids, 33, 34, GFP_KERNEL) != -ENOSPC);',
          'ida_free(&ids, 33); WARN_ON(ida_is_empty(&ids)); ida_free(&ids, 34); WARN_ON(!ida_is_empty(&ids));',
          'clflush_cache_range(page_to_virt(ZERO_PAGE(0)), DIV_ROUND_UP(page_to_phys(pfn_to_page(3UL)), 3)); }',
        ].join(' '),
      ),
      'later',
    );
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(bucketsOf(subject, input)).toEqual([]);
    subject.child.close();
  });

  test('a CPU whose caches a SEAMCALL made dirty is told, where the tree keeps track', () => {
    const subject = started(
      changed(
        'u64 sret = sc_retry(func, fn, args);',
        'u64 sret = sc_retry(func, fn, args); this_cpu_write(cache_state_incoherent, true);',
      ),
      'marks',
    );
    const { case: input } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
    expect(bucketsOf(subject, input)).toEqual(['linux/is-its-model|at the end: CPUs with dirty caches']);
    expect(runCompiled(subject, input).world.kernel.cpus.map(({ cacheDirty }) => cacheDirty)).toContain(true);
    subject.child.close();
  });

  test('a tree that needs more than the shim has says what', () => {
    const copy = changed('args.rcx = 0;', 'tdx_brand_new_helper(SOME_NEW_FLAG);');
    expect(() => buildKernel(copy)).toThrow(/needs what the shim does not have: .*tdx_brand_new_helper.*--extra/s);
    const extra = join(copy, 'extra.h');
    writeFileSync(
      extra,
      '#define SOME_NEW_FLAG 1\nstatic inline void tdx_brand_new_helper(int flag) { (void)flag; }\n',
    );
    expect(buildKernel(copy, { extra })).toMatch(/kernel$/);
  });
});

test('headers: the tree keeps its own, the shim stands for the rest', () => {
  const tree = mkdtempSync(join(tmpdir(), 'seamstress-headers-'));
  const write = (name: string, text: string): void => {
    mkdirSync(dirname(join(tree, name)), { recursive: true });
    writeFileSync(join(tree, name), text);
  };
  write(TDX_C, '#include <linux/new.h>\n#include <asm/tdx.h>\n#include "tdx.h"\n');
  write('arch/x86/virt/vmx/tdx/tdx.h', '#include <linux/bits.h>\n');
  write('arch/x86/include/asm/tdx.h', '# include <asm/shared/tdx.h>\n#include <asm/seamldr.h>\n');
  write('arch/x86/include/asm/shared/tdx.h', '');
  const { generated: headers, sources } = findHeaders(tree);
  expect([...headers].map(([name, target]) => [name, target !== null])).toEqual([
    ['linux/new.h', false],
    ['asm/tdx.h', true],
    ['asm/shared/tdx.h', true],
    ['asm/seamldr.h', false],
    ['linux/bits.h', false],
  ]);
  expect(sources).toHaveLength(4);
  expect(readFileSync(sources[0] ?? '', 'utf8')).toContain('linux/new.h');
  rmSync(tree, { recursive: true });
});

const hasClang = spawnSync('clang', ['--version'], { stdio: 'ignore' }).status === 0;
const CLANG = hasClang ? 'built by clang it does the same' : 'not built by clang: clang is not installed';
describeLinux(`Linux 6.12's own tdx.c, ${CLANG}`, () => {
  test('on every generated case', () => {
    if (!hasClang) {
      expect(() => buildKernel(findTree('debian'), { compiler: 'clang' })).toThrow(/cannot run clang/);
      return;
    }
    const kernel = startKernel(buildKernel(findTree('debian'), { compiler: 'clang' }), LINUX_6_12, 'clang');
    for (let index = 0; index < 150; index += 1) {
      const found = judgeAgainstModel(kernel, generated(index), false).violations;
      expect(
        found.filter(({ invariant }) => invariant.startsWith('linux/')).map(({ message }) => `${index}: ${message}`),
      ).toEqual([]);
    }
    kernel.child.close();
  }, 60_000);
});
