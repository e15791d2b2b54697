import { describe, expect, test } from '@jest/globals';
import { FORMAT_VERSION } from '../case.ts';
import { readCaseFile } from '../store/case-store.ts';
import { healthyPlatform } from '../testing/platform.ts';
import { describeCase } from './describe-case.ts';

describe('a case as text', () => {
  test('shows each event, the SEAMCALLs with inputs and status, and dmesg', () => {
    const { lines } = describeCase({
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: healthyPlatform(),
      events: [{ kind: 'cpu-enable', lp: 0 }, { kind: 'enable' }],
    });
    expect(lines[0]).toBe('   boot -> done');
    expect(lines).toContain(' 1  cpu-enable lp 0 -> done, module SYSINIT_DONE');
    expect(lines).toContain('      LP 0  TDH.SYS.LP.INIT -> TDX_SUCCESS');
    // Three LPs were never initialised.
    expect(lines.join('\n')).toMatch(
      /LP 0 {2}TDH\.SYS\.CONFIG rcx 0x\w+ rdx 0x3 r8 0x\w+ -> TDX_SYS_CONFIG_NOT_PENDING \(/,
    );
    expect(lines.at(-1)).toBe('      | virt/tdx: module initialization failed (-5)');
  });

  test('distinguishes a call of the P-SEAMLDR from one of the module', () => {
    const call = { kind: 'seamcall', lp: 0, rcx: 0, rdx: 0, r8: 0, r9: 0, r10: 0, r11: 0 } as const;
    const { lines } = describeCase({
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: healthyPlatform(),
      events: [
        { ...call, rax: 0x8000000000000001n },
        { ...call, rax: 0x8000000000000077n },
      ],
    });
    expect(lines).toContain('      LP 0  SEAMLDR.INSTALL -> TDX_SUCCESS');
    expect(lines.join('\n')).toContain('LP 0  SEAMLDR leaf 0x8000000000000077 -> ');
    expect(lines.join('\n')).not.toContain('TDH.MNG.ADDCX');
  });

  test('names leaves and allocators as the kernel does', () => {
    const { lines } = describeCase({
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: healthyPlatform(),
      events: [
        { kind: 'condition', condition: 'tdmr-lock-busy', leaf: 36, count: 1 },
        { kind: 'condition', condition: 'no-entropy', leaf: 0xf0, count: 2 },
        ...[0, 1, 2, 3].map((lp) => ({ kind: 'cpu-enable', lp }) as const),
        { kind: 'enable' },
      ],
    });
    expect(lines).toContain(' 1  condition tdmr-lock-busy leaf TDH.SYS.TDMR.INIT (0x24) count 1 -> done');
    expect(lines).toContain(' 2  condition no-entropy leaf 0xf0 count 2 -> done');
    const effects = lines.join('\n');
    for (const allocator of ['kmalloc', 'alloc_pages_exact', 'alloc_contig_pages', 'cpumask']) {
      expect(effects).toMatch(new RegExp(`alloc \\d+ bytes \\(${allocator}\\) -> 0x`));
      expect(effects).toMatch(new RegExp(`free 0x\\w+ \\(\\d+ bytes, ${allocator}\\) while the module is`));
    }
  });

  test('shows whether the kernel took a machine check for private memory', () => {
    const { case: input } = readCaseFile('corpus/host/machine-checks-around-pamts.json');
    const heads = describeCase(input).lines.filter((line) => line.includes('machine-check'));
    // The line before a PAMT, its first, its last, and the one after it; for the first TDMR and the last.
    const four = [false, true, true, false];
    expect(heads.map((line) => line.endsWith('-> done, private memory'))).toEqual([...four, ...four]);
  });

  test('shows events that overlapped turn by turn', () => {
    const { lines } = describeCase({
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: healthyPlatform(),
      events: [
        { kind: 'cpu-enable', lp: 0 },
        { kind: 'cpu-enable', lp: 1 },
      ],
      schedule: [{ event: 0, after: 6, run: 0 }],
    });
    expect(lines.slice(-5)).toEqual([
      ' 1  cpu-enable lp 0 -> done, module SYSINIT_DONE',
      ' 2  cpu-enable lp 1 -> done',
      '   1: LP 0  TDH.SYS.INIT -> TDX_SUCCESS',
      '   2: LP 1  TDH.SYS.LP.INIT -> TDX_SUCCESS',
      '   1: LP 0  TDH.SYS.LP.INIT -> TDX_SUCCESS',
    ]);
  });
});
