import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { runNode, temporaryFolder } from '../../testing/spawn-cli.ts';
import { describeLinux } from '../../testing/describe-where.ts';
import { seedBug } from '../../testing/seeded-bugs.ts';
import { readCaseFile } from '../../store/case-store.ts';
import { LINUX_7_3 } from '../../../model/kernel/revisions/7.3.ts';
import { stages } from '../../pipeline.ts';
import { buildKernel, enablesAtBoot } from './build.ts';
import { type LinuxKernel, judgeAgainstModel, runCompiled, startKernel } from './judge.ts';
import { findTree } from './tree.ts';

const START = fileURLToPath(new URL('../../cli/start.js', import.meta.url));

describeLinux(
  "Linux 7.3's own tdx.c",
  () => {
    const folder = temporaryFolder();
    let kernel: LinuxKernel;

    beforeAll(() => {
      const program = buildKernel(findTree('debian-7.3'));
      expect(enablesAtBoot(program)).toBe(true);
      kernel = startKernel(program, LINUX_7_3, 'linux:debian-7.3');
    }, 120_000);

    afterAll(() => {
      kernel.child.close();
      folder.remove();
    });

    test.each(['later', 'sys-disable'])(
      'does what the model of 7.3 does, on module %s',
      async (module) => {
        const args = [
          'conform',
          'linux:debian-7.3',
          '--kernel',
          '7.3',
          '--module',
          module,
          '--known',
          '--runs',
          '1500',
        ];
        const { code, out } = await runNode(process.cwd(), [START, ...args, '--quiet', '--output', folder.path]);
        expect(out).not.toContain('NEW BUG');
        expect([code, out]).toEqual([0, expect.stringContaining('0 findings')]);
      },
      120_000,
    );

    test('tells the module to give everything back before the next kernel', () => {
      const options = { profile: { kernel: '7.3', module: 'sys-disable' }, mood: 'legal' };
      const started = Array.from({ length: 40 }, (_, index) => stages.generate('kexec', index, options)).map(
        (input) => ({
          ...input,
          events: [{ kind: 'enable' }, { kind: 'kexec' }] as const,
        }),
      );
      let closed = 0;
      for (const input of started) {
        const { records, trace } = runCompiled(kernel, input).world;
        const kexec = records.find(({ kind }) => kind === 'kexec');
        if (kexec?.statusBefore !== 'initialised') continue;
        const [first] = trace.slice(kexec.from, kexec.to);
        expect(first).toMatchObject({ kind: 'seamcall', leaf: 69, rax: 0, before: 'READY', after: 'PENDING' });
        expect(judgeAgainstModel(kernel, input).violations.map(({ invariant }) => invariant)).not.toContain(
          'linux/is-its-model',
        );
        closed += 1;
      }
      expect(closed).toBeGreaterThan(10);
    }, 60_000);

    test.each([
      ['forgets SYS.DISABLE', /tdx_sys_disable\(\);(?=\s*on_each_cpu)/, ''],
      ['asks a busy module only once', / \|\| ret == TDX_SYS_BUSY\)/, ')'],
      ['registers no shutdown', /register_syscore\(&tdx_syscore\);/, ''],
      ['does not say that it failed', /pr_err\("TDH.SYS.DISABLE failed[^;]*;/, ';'],
    ])('a tree that %s is found out', (name, find, replace) => {
      const copy = seedBug(findTree('debian-7.3'), { name, find, replace });
      const seeded = startKernel(buildKernel(copy), LINUX_7_3, name);
      const { case: input } = readCaseFile('corpus/host/module-busy-at-kexec.json');
      const found = ['sys-disable', 'later'].flatMap((module) =>
        judgeAgainstModel(seeded, { ...input, profile: { kernel: '7.3', module } }).violations.map(
          ({ invariant }) => invariant,
        ),
      );
      seeded.child.close();
      rmSync(copy, { recursive: true });
      expect(found).toContain('linux/is-its-model');
    });
  },
  '7.3',
);
