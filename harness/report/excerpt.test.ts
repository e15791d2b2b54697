import { describe, expect, test } from '@jest/globals';
import { excerpt } from './excerpt.ts';

const inside = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `      ${name} ${index}`);
const LONG = [
  '   boot -> done',
  ...inside('boot', 10),
  ' 1  cpu-enable lp 0 -> done',
  ...inside('cpu', 20),
  ' 2  enable -> failed with -5 (EIO)',
  ...inside('enable', 60),
  ' 3  kexec -> done',
  ...inside('kexec', 9),
];
const BROKEN = LONG.indexOf('      enable 30');

describe('a trace on one screen', () => {
  test('a short trace is shown completely', () => {
    const shown = excerpt(LONG.slice(0, 12), 3);
    expect(shown.map(({ text }) => text)).toEqual(LONG.slice(0, 12));
    expect(shown.map(({ mark }) => mark).join('')).toBe('|||>||||||||');
  });

  test('a long trace is shown with the broken line, its event, the end and every head', () => {
    const texts = excerpt(LONG, BROKEN).map(({ text }) => text);
    for (const text of [
      '      enable 30',
      '      enable 29',
      '      enable 31',
      LONG.at(-1),
      ...LONG.filter((line) => / -> /.test(line)),
    ])
      expect(texts).toContain(text);
  });

  test.each([1, 2, 5, 24, 40])('never has more than %i lines', (max) => {
    for (const broken of [null, 0, BROKEN, LONG.length - 1])
      expect(excerpt(LONG, broken, max).length).toBeLessThanOrEqual(Math.max(max, 3));
  });

  test('counts the omitted lines', () => {
    const shown = excerpt(LONG, BROKEN);
    const left = shown.flatMap(({ mark, text }) => (mark === '.' ? [Number(/\d+/.exec(text)?.[0])] : []));
    expect(left.reduce((sum, count) => sum + count, 0) + shown.length - left.length).toBe(LONG.length);
  });

  test('without a broken line the end is shown', () => {
    expect(excerpt(LONG, null, 6).at(-1)).toEqual({ mark: '|', text: '      kexec 8' });
  });

  test('an empty trace has an empty excerpt', () => {
    expect(excerpt([], null)).toEqual([]);
  });
});
