import { expect, test } from '@jest/globals';
import { parseJSONText } from './json-text.ts';

const parse = (text: string): unknown => parseJSONText(text, 'x.json', 'a case in JSON');

test.each([
  ['', 'x.json: the file is empty; expected a case in JSON'],
  ['\ufeff{}', 'x.json: it begins with a byte order mark; save it as UTF-8 without one'],
  ['{\u0000"\u0000', 'x.json: it is UTF-16 or binary; expected a case in JSON in UTF-8'],
  ['{"a": 1', 'x.json: the file is truncated: it ends in the middle of a value'],
  ['{\n  "a" 1}', 'x.json: not valid JSON at line 2, column 7'],
  [`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 'x.json: nested deeper than 100 levels; expected a case in JSON'],
])('bad text %# is one line that says where', (text, message) => {
  expect(() => parse(text)).toThrow(new Error(message));
});

test('brackets in strings are no nesting', () => {
  const text = JSON.stringify({ a: '['.repeat(200), b: '\\"[' });
  expect(parse(text)).toEqual(JSON.parse(text));
});
