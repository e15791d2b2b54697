import { expect, test } from '@jest/globals';
import { describeSideBySide } from './side-by-side.ts';

const LINES = ['   boot -> done', ...'abcdefgh'.split('').map((letter) => `      ${letter}`), ' 1  enable -> done'];

function sideBySide(second: readonly string[]): readonly string[] {
  return describeSideBySide({ name: 'old', lines: LINES }, { name: 'new', lines: second }).lines;
}

test('differences are marked and shown with two lines around them; heads stay', () => {
  const changed = LINES.filter((line) => line !== '      e').map((line) => line.replace('      c', '      C'));
  expect(sideBySide(changed)).toEqual([
    '- old',
    '+ new',
    '     boot -> done',
    '        a',
    '        b',
    '-       c',
    '+       C',
    '        d',
    '-       e',
    '        f',
    '        g',
    '        h',
    '   1  enable -> done',
  ]);
});

test('a last line that only one side has is marked', () => {
  expect(sideBySide([...LINES, '      x']).slice(-2)).toEqual(['   1  enable -> done', '+       x']);
  expect(sideBySide(LINES.slice(0, -1)).slice(-1)).toEqual(['-  1  enable -> done']);
});

test('equal runs show heads and the number of equal lines only', () => {
  expect(sideBySide(LINES)).toEqual([
    '- old',
    '+ new',
    '     boot -> done',
    '        ... 8 lines the same',
    '   1  enable -> done',
  ]);
});
