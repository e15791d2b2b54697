import { describe, expect, test } from '@jest/globals';
import { healthyPlatform } from '../../harness/testing/platform.ts';
import { registers } from '../abi/registers.ts';
import { buildHardware } from '../platform/build-hardware.ts';
import { runMCHECK } from '../platform/mcheck.ts';
import type { Platform } from '../platform/platform.ts';
import { bootLP, onlineAtBoot } from '../platform/topology.ts';
import { callSEAMLDR } from './dispatch.ts';
import { enterSEAM } from './enter-seam.ts';
import { install } from './install.ts';
import { lateLoad } from './late-load.ts';
import { cloneSEAMLDR, createSEAMLDR, isInstallOpen, unloadModule } from './seamldr.ts';
import { SEAMLDR_LEAF, SEAMLDR_STATUS } from './status.ts';

function machine(overrides: Partial<Platform> = {}) {
  const platform = healthyPlatform(overrides);
  const hardware = buildHardware(platform, runMCHECK(platform));
  const seamldr = createSEAMLDR(hardware, platform.moduleImage, bootLP(platform.lps));
  const load = (online = onlineAtBoot(platform)) => lateLoad(seamldr, hardware, false, platform, online);
  const enter = (lp = 0, rax: number | bigint = 0x21, dead = false) => enterSEAM(hardware, seamldr, dead, lp, rax);
  return { platform, hardware, seamldr, load, enter };
}

describe('the SEAMCALL instruction', () => {
  test('enters the module, or the P-SEAMLDR if bit 63 of RAX says so', () => {
    const { enter } = machine();
    expect(enter(0, 0x21)).toBe('module');
    expect(enter(0, SEAMLDR_LEAF.INFO)).toBe('seamldr');
    expect(enter(0, 2n ** 62n)).toBe('module');
  });

  test('outside VMX operation it is #UD before anything else', () => {
    const { hardware, enter } = machine({ seamrr: null });
    const processor = hardware.lps[1];
    if (processor !== undefined) processor.vmx = false;
    expect([enter(0), enter(1)]).toEqual(['gp', 'ud']);
  });

  test('with SEAM off it is #GP, whether or not a module was loaded', () => {
    expect(machine({ cmrs: [] }).enter()).toBe('gp');
    expect(machine({ cmrs: [], moduleImage: 'absent' }).enter()).toBe('gp');
  });

  test('without a module only the P-SEAMLDR can be called', () => {
    const { enter } = machine({ moduleImage: 'absent' });
    expect([enter(0, 0x21), enter(0, SEAMLDR_LEAF.INFO)]).toEqual(['vmfail', 'seamldr']);
  });

  test('a module that died takes everything with it', () => {
    const { enter } = machine();
    expect([enter(0, 0x21, true), enter(0, SEAMLDR_LEAF.INFO, true)]).toEqual(['vmfail', 'vmfail']);
  });

  test('a busy P-SEAMLDR fails its own calls only', () => {
    const { seamldr, enter } = machine();
    seamldr.mutexBusy = true;
    expect([enter(0, 0x21), enter(0, SEAMLDR_LEAF.INFO)]).toEqual(['module', 'vmfail']);
  });
});

describe('an INSTALL session', () => {
  test('closes the module on the first LP and opens a fresh one after every counted LP', () => {
    const { hardware, seamldr, enter } = machine();
    const answers = [0, 1, 2].map((lp) => install(seamldr, hardware, lp, true));
    expect(answers).toEqual([0, 0, 0]);
    expect([isInstallOpen(seamldr), enter()]).toEqual([true, 'vmfail']);
    expect(install(seamldr, hardware, 1, true)).toBe(SEAMLDR_STATUS.EBADCALL);
    expect(install(seamldr, hardware, 3, true)).toBe(0);
    expect([isInstallOpen(seamldr), enter()]).toEqual([false, 'module']);
  });

  test('with bad parameters the last LP is told, and the old module is callable again', () => {
    const { hardware, seamldr, enter } = machine();
    const answers = [0, 1, 2, 3].map((lp) => {
      const regs = registers(SEAMLDR_LEAF.INSTALL);
      callSEAMLDR(seamldr, hardware, lp, regs);
      return regs.rax;
    });
    expect(answers).toEqual([0, 0, 0, SEAMLDR_STATUS.EBADPARAM]);
    expect(enter()).toBe('module');
  });

  test('a clone is independent', () => {
    const { hardware, seamldr } = machine();
    const clone = cloneSEAMLDR(seamldr);
    install(seamldr, hardware, 0, true);
    expect([isInstallOpen(clone), clone.installed[0]]).toEqual([false, false]);
  });
});

describe('loading late', () => {
  test('loads where every counted LP runs', () => {
    const { load, enter } = machine({ moduleImage: 'late' });
    expect(enter()).toBe('vmfail');
    expect(load()).toEqual({ outcome: 'loaded', lp: null });
    expect(enter()).toBe('module');
  });

  test('a counted LP that cannot run leaves the session open; it completes when that LP joins', () => {
    const { load, enter } = machine({ moduleImage: 'late', commandLine: { nosmt: false, maxcpus: 3 } });
    expect(load()).toEqual({ outcome: 'incomplete', lp: 3 });
    expect(load()).toEqual({ outcome: 'incomplete', lp: 3 });
    expect(enter()).toBe('vmfail');
    expect(load([true, true, true, true])).toEqual({ outcome: 'loaded', lp: null });
    expect(enter()).toBe('module');
  });

  test('an LP outside VMX operation counts as one that cannot run', () => {
    const { hardware, load } = machine({ moduleImage: 'late' });
    const processor = hardware.lps[2];
    if (processor !== undefined) processor.vmx = false;
    expect(load()).toEqual({ outcome: 'incomplete', lp: 2 });
  });

  test('without an image, or without SEAM, nothing happens', () => {
    expect(machine({ moduleImage: 'absent' }).load()).toEqual({ outcome: 'no-image', lp: null });
    expect(machine({ moduleImage: 'late', seamrr: null }).load()).toEqual({ outcome: 'refused', lp: 0 });
  });

  test('an unloaded module can be loaded again', () => {
    const { seamldr, load, enter } = machine();
    unloadModule(seamldr);
    expect(enter()).toBe('vmfail');
    expect(load().outcome).toBe('loaded');
    expect(enter()).toBe('module');
  });
});

describe('shutting the P-SEAMLDR down', () => {
  test('closes the module at once and itself after every counted LP, the launch LP last', () => {
    const { hardware, seamldr, enter } = machine();
    const call = (lp: number) => {
      const regs = registers(SEAMLDR_LEAF.SHUTDOWN);
      callSEAMLDR(seamldr, hardware, lp, regs);
      return regs.rax;
    };
    expect([call(3), enter()]).toEqual([0, 'vmfail']);
    expect(install(seamldr, hardware, 0, true)).toBe(SEAMLDR_STATUS.EBADCALL);
    expect([call(0), call(1), call(2)]).toEqual([0, 0, SEAMLDR_STATUS.EBADCALL]);
    expect(enter(0, SEAMLDR_LEAF.INFO)).toBe('seamldr');
    expect(call(0)).toBe(0);
    expect(enter(0, SEAMLDR_LEAF.INFO)).toBe('vmfail');
  });
});

describe('other P-SEAMLDR calls', () => {
  test.each<[string, bigint, number | bigint, number | bigint]>([
    ['INFO into RAM', SEAMLDR_LEAF.INFO, 0x100000, 0],
    ['INFO off its 256 bytes', SEAMLDR_LEAF.INFO, 0x100080, SEAMLDR_STATUS.EBADPARAM],
    ['INFO into the SEAMRR', SEAMLDR_LEAF.INFO, 0x78000000, SEAMLDR_STATUS.EBADPARAM],
    ['INFO under an MKTME KeyID', SEAMLDR_LEAF.INFO, 31 * 2 ** 46 + 0x1000, 0],
    ['INFO under a TDX KeyID', SEAMLDR_LEAF.INFO, 32 * 2 ** 46 + 0x1000, SEAMLDR_STATUS.EBADPARAM],
    ['INFO past the address space', SEAMLDR_LEAF.INFO, 2n ** 63n, SEAMLDR_STATUS.EBADPARAM],
    ['SEAMINFO off its 2 KiB', SEAMLDR_LEAF.SEAMINFO, 0x100400, SEAMLDR_STATUS.EBADPARAM],
    ['an unknown leaf', 0x8000000000000009n, 0x100000, SEAMLDR_STATUS.EBADPARAM],
  ])('%s', (_, rax, rcx, expected) => {
    const { hardware, seamldr } = machine();
    const regs = registers(rax, rcx);
    callSEAMLDR(seamldr, hardware, 0, regs);
    expect(regs.rax).toBe(expected);
  });
});
