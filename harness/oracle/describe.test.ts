import { describe, expect, test } from '@jest/globals';
import { FORMAT_VERSION } from '../case.ts';
import { healthyPlatform } from '../testing/platform.ts';
import { describeCase, formatEvent } from './describe.ts';

describe('a case as text', () => {
  test('shows each event, what the module was asked and answered, and dmesg', () => {
    const lines = describeCase({
      formatVersion: FORMAT_VERSION,
      profile: { kernel: '6.12', module: '1.5.01' },
      platform: healthyPlatform(),
      events: [{ kind: 'cpu-enable', lp: 0 }, { kind: 'enable' }],
    });
    expect(lines[0]).toBe(' 0  boot: done');
    expect(lines).toContain(' 1  cpu-enable lp 0: done; module PENDING -> SYSINIT_DONE');
    expect(lines).toContain('      CPU 0  TDH.SYS.LP.INIT  TDX_SUCCESS');
    // Three LPs were never initialised.
    expect(lines.join('\n')).toMatch(
      /CPU 0 {2}TDH\.SYS\.CONFIG {2}TDX_SYS_CONFIG_NOT_PENDING|CPU 0 {2}TDH\.SYS\.CONFIG {2}TDX_\w+ \(/,
    );
    expect(lines.at(-1)).toBe('      dmesg: virt/tdx: module initialization failed (-5)');
  });

  test('events are written with their operands, addresses and registers in hexadecimal', () => {
    expect(formatEvent({ kind: 'memory-add', how: 'acpi', base: 2 ** 32, size: 2 ** 30, node: 1 })).toBe(
      'memory-add how acpi base 0x100000000 size 0x40000000 node 1',
    );
    expect(formatEvent({ kind: 'condition', condition: 'no-entropy', leaf: null, count: 2 })).toBe(
      'condition condition no-entropy count 2',
    );
  });
});
