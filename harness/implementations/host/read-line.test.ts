import { describe, expect, test } from '@jest/globals';
import { messageNames } from '../../../model/kernel/message-subject.ts';
import { readLine } from './read-line.ts';

describe('a line that is in no catalogue', () => {
  test.each([
    'virt/tdx: package 12 has no online CPU',
    'virt/tdx: CPU 3 is offline, TDX stays off',
    'virt/tdx: TDMRs exhausted',
    'virt/tdx: the TDX module is too old',
    'virt/tdx: memory [0x1000, 0x2000) is not convertible',
    'virt/tdx: #GP on SEAMCALL',
  ])('gives a reason: %s', (line) => {
    expect(messageNames(readLine(3, line), 'reason')).toBe(true);
  });

  test.each(['virt/tdx: module initialization failed (-5)', 'virt/tdx: RCX 0x0000000000000000', 'virt/tdx: hello'])(
    'gives none: %s',
    (line) => {
      expect(messageNames(readLine(3, line), 'reason')).toBe(false);
    },
  );

  test('names its package and no other', () => {
    const line = readLine(3, 'virt/tdx: failed to configure module, no online CPUs in package 12');
    expect([12, 1, 2].map((value) => messageNames(line, 'package', value))).toEqual([true, false, false]);
  });
});
