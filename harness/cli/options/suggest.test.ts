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
    ['one that is misspelt', 'a-24.40', " (did you mean 'a-24.04'?)"],
    ['all that begin with it', 'fox-creek', " (did you mean 'fox-creek-pass-01' or 'fox-creek-pass-after-fix'?)"],
    ['all that contain it, whatever stands between', 'PASS_after', " (did you mean 'fox-creek-pass-after-fix'?)"],
    ['a beginning that is misspelt', 'foxcrek', " (did you mean 'fox-creek-pass-01' or 'fox-creek-pass-after-fix'?)"],
    ['no more than four', '24.04', " (did you mean 'a-24.04', 'b-24.04', 'c-24.04' or 'd-24.04'?)"],
    ['nothing that is far away', 'customer-site', ''],
    ['nothing for what is too short', '4', ''],
  ])('%s', (_, typed, expected) => {
    expect(didYouMean(typed, MACHINES)).toBe(expected);
  });

  test('a name that stands twice among the candidates is offered once', () => {
    expect(didYouMean('creek', ['fox-creek', 'fox-creek'])).toBe(" (did you mean 'fox-creek'?)");
    expect(didYouMean('fuzz', [])).toBe('');
  });
});
