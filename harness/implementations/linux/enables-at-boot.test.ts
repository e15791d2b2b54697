import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LINUX_7_3 } from '../../../model/kernel/revisions/7.3.ts';
import type { Case } from '../../case.ts';
import { readCaseFile } from '../../store/case-store.ts';
import { describeLinux } from '../../testing/describe-where.ts';
import { seedBug } from '../../testing/seeded-bugs.ts';
import { buildKernel, enablesAtBoot } from './build.ts';
import { type LinuxKernel, runCompiled, startKernel } from './judge.ts';
import { findTree, TDX_C } from './tree.ts';

/** What makes of 6.12 a kernel that brings its CPUs up and initialises TDX by itself. */
const OWN_START = `
static int own_online(unsigned int cpu)
{
	int error = x86_virt_get_ref(X86_FEATURE_VMX);

	return error ? error : tdx_cpu_enable();
}

static int own_offline(unsigned int cpu)
{
	x86_virt_put_ref(X86_FEATURE_VMX);
	return 0;
}

static void own_shutdown(void *unused)
{
	wbinvd_on_all_cpus();
}

static const struct syscore_ops own_syscore_ops = { .shutdown = own_shutdown };
static struct syscore own_syscore = { .ops = &own_syscore_ops };

static int own_enable(void)
{
	int callbacks = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "own", own_online, own_offline), error = callbacks;

	if (callbacks >= 0) {
		cpus_read_lock();
		error = tdx_enable();
		cpus_read_unlock();
		if (error)
			cpuhp_remove_state(callbacks);
		else
			register_syscore(&own_syscore);
	}
	return error;
}
subsys_initcall(own_enable);

const struct tdx_sys_info *tdx_get_sysinfo(void)
{
	return tdx_module_status == TDX_MODULE_INITIALIZED ? (void *)&tdx_module_status : NULL;
}
`;

describeLinux('a tree that initialises TDX by itself', () => {
  let kernel: LinuxKernel;
  let copy: string;
  const { case: base } = readCaseFile('corpus/host/pamt-across-two-tdmrs.json');
  const lps = [0, 1, 2].flatMap((core) => base.platform.lps.slice(0, 1).map((lp) => ({ ...lp, core })));
  const platform = { ...base.platform, lps };
  const profile = { kernel: '7.3', module: 'later' };
  const input = (...events: Case['events']): Case => ({ ...base, profile, platform, events });
  const after = (...events: Case['events']) => {
    const { world } = runCompiled(kernel, input(...events));
    const { status, cpus, crash } = world.kernel;
    const last = world.records.at(-1);
    return { status, users: cpus.map(({ vmxReferences }) => vmxReferences), crash, errno: last?.errno };
  };
  const count = lps.length;
  const each = (users: number): readonly number[] => Array.from({ length: count }, () => users);
  const last = count - 1;

  beforeAll(() => {
    copy = seedBug(findTree('debian'), {
      name: 'own start',
      find: /void __init tdx_init\(void\)/,
      replace: `${OWN_START}$&`,
    });
    const program = buildKernel(copy);
    expect(enablesAtBoot(program)).toBe(true);
    kernel = startKernel(program, LINUX_7_3, 'own start');
  }, 120_000);

  afterAll(() => {
    kernel.child.close();
    rmSync(copy, { recursive: true });
  });

  test('every online CPU is brought up, and holds VMX operation', () => {
    expect(after()).toEqual({ status: 'uninitialised', users: each(0), crash: null, errno: 0 });
    expect(after({ kind: 'enable' })).toEqual({ status: 'initialised', users: each(1), crash: null, errno: 0 });
  });

  test('one that cannot enter VMX operation undoes the others, and nothing was tried', () => {
    const { status, users, errno } = after({ kind: 'vmxoff', lp: last }, { kind: 'enable' });
    expect([status, users, errno]).toEqual(['uninitialised', each(0), -95]);
  });

  test('a failure after that is final, and takes the callbacks back', () => {
    const { status, users, errno } = after({ kind: 'allocation-failure', nth: 0 }, { kind: 'enable' });
    expect([status, users, errno]).toEqual(['error', each(0), -12]);
  });

  test('CPUs that come and go run the callbacks', () => {
    const gone = after({ kind: 'enable' }, { kind: 'cpu-offline', lp: last });
    expect(gone.users).toEqual([...each(1).slice(0, last), 0]);
    const back = after({ kind: 'enable' }, { kind: 'cpu-offline', lp: last }, { kind: 'cpu-online', lp: last });
    expect([back.users, back.errno]).toEqual([each(1), 0]);
  });

  test('at the end of its time it does what it has registered, and the next kernel knows nothing of that', () => {
    const { records, trace } = runCompiled(
      kernel,
      input({ kind: 'enable' }, { kind: 'kexec' }, { kind: 'kexec' }),
    ).world;
    const effects = records
      .filter(({ kind }) => kind === 'kexec')
      .map(({ from, to }) => trace.slice(from, to).map(({ kind }) => kind));
    expect(effects).toEqual([['wbinvd'], []]);
  });

  test('a tree without a way to start TDX is refused', () => {
    const other = seedBug(findTree('debian'), {
      name: 'hidden',
      find: /int tdx_enable\(void\)/,
      replace: 'int hidden_enable(void)',
    });
    expect(readFileSync(join(other, TDX_C), 'utf8')).toContain('hidden_enable');
    expect(() => buildKernel(other)).toThrow(/has no way to start TDX: expected tdx_cpu_enable\(\) and tdx_enable\(\)/);
    rmSync(other, { recursive: true });
  });
});
