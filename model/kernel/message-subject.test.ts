import { describe, expect, test } from '@jest/globals';
import type { Message } from './message.ts';
import { messageNames } from './message-subject.ts';

function verbatim(text: string): Message {
  return { id: 'verbatim', a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, text: `<3>${text}` };
}

describe('a line of a kernel that is none of ours', () => {
  test.each([
    'virt/tdx: package 12 has no online CPU',
    'virt/tdx: CPU 3 is offline, TDX stays off',
    'virt/tdx: TDMRs exhausted',
    'virt/tdx: the TDX module is too old',
    'virt/tdx: memory [0x1000, 0x2000) is not convertible',
    'virt/tdx: #GP on SEAMCALL',
  ])('gives a reason: %s', (line) => {
    expect(messageNames(verbatim(line), 'reason')).toBe(true);
  });

  test.each(['virt/tdx: module initialization failed (-5)', 'virt/tdx: RCX 0x0000000000000000', 'virt/tdx: hello'])(
    'gives none: %s',
    (line) => {
      expect(messageNames(verbatim(line), 'reason')).toBe(false);
    },
  );

  test('names its package and no other', () => {
    const line = verbatim('virt/tdx: failed to configure module, no online CPUs in package 12');
    expect([12, 1, 2].map((value) => messageNames(line, 'package', value))).toEqual([true, false, false]);
  });
});
