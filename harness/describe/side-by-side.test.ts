import { expect, test } from '@jest/globals';
import { describeSideBySide } from './side-by-side.ts';

const LINES = ['   boot -> done', ...'abcdefgh'.split('').map((letter) => `      ${letter}`), ' 1  enable -> done'];

function sideBySide(second: readonly string[]): readonly string[] {
  return describeSideBySide({ name: 'old', lines: LINES }, { name: 'new', lines: second }).lines;
}

test('what differs is marked, with two lines around it; the rest is counted, heads stay', () => {
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

test('lines at the ends that only one side has', () => {
  expect(sideBySide([...LINES, '      x']).slice(-2)).toEqual(['   1  enable -> done', '+       x']);
  expect(sideBySide(LINES.slice(0, -1)).slice(-1)).toEqual(['-  1  enable -> done']);
});

test('nothing but heads where both sides are the same', () => {
  expect(sideBySide(LINES)).toEqual([
    '- old',
    '+ new',
    '     boot -> done',
    '        ... 8 lines the same',
    '   1  enable -> done',
  ]);
});
