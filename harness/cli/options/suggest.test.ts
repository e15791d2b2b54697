import { describe, expect, test } from '@jest/globals';
import { didYouMean } from './suggest.ts';

const MACHINES = [
  'fox-creek-pass-01',
  'fox-creek-pass-after-fix',
  'a-24.04',
  'b-24.04',
  'c-24.04',
  'd-24.04',
  'e-24.04',
];

describe('did you mean', () => {
  test.each([
    ['a misspelt name', 'a-24.40', " (did you mean 'a-24.04'?)"],
    ['all names that begin with it', 'fox-creek', " (did you mean 'fox-creek-pass-01' or 'fox-creek-pass-after-fix'?)"],
    ['all names that contain it, ignoring punctuation', 'PASS_after', " (did you mean 'fox-creek-pass-after-fix'?)"],
    ['a misspelt beginning', 'foxcrek', " (did you mean 'fox-creek-pass-01' or 'fox-creek-pass-after-fix'?)"],
    ['no more than four', '24.04', " (did you mean 'a-24.04', 'b-24.04', 'c-24.04' or 'd-24.04'?)"],
    ['nothing for a distant name', 'customer-site', ''],
    ['nothing for a short text', '4', ''],
  ])('%s', (_, typed, expected) => {
    expect(didYouMean(typed, MACHINES)).toBe(expected);
  });

  test('a duplicate candidate is suggested once', () => {
    expect(didYouMean('creek', ['fox-creek', 'fox-creek'])).toBe(" (did you mean 'fox-creek'?)");
    expect(didYouMean('fuzz', [])).toBe('');
  });
});
