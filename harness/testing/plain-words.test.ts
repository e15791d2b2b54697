import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { BANNED_WORDS, PLAIN_WORDS } from './plain-words.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const [word = ''] = BANNED_WORDS;
const [phrase = ''] = BANNED_WORDS.filter((one) => one.includes(' '));

describe('plain words', () => {
  test.each(BANNED_WORDS)('are not %s', (banned) => {
    expect(PLAIN_WORDS.check('docs/x.md', `It fails ${banned} it.`)).toHaveLength(1);
    expect(PLAIN_WORDS.check('docs/x.md', `${banned.toUpperCase()} it.`)).toHaveLength(1);
    expect(PLAIN_WORDS.check('docs/x.md', `It is a${banned}a.`)).toEqual([]);
  });

  test.each(['a.ts', 'a.md', 'a.c', 'a.h', 'a.py', 'a.json', 'a.mjs'])('are checked in %s', (path) => {
    expect(PLAIN_WORDS.check(path, `${word} calls it`)).toHaveLength(1);
  });

  test('are not checked in other files', () => {
    expect(PLAIN_WORDS.check('a.html', word)).toEqual([]);
  });

  test('are named with the line, once per offence', () => {
    const messages = PLAIN_WORDS.check('a.md', `one\ntwo ${word}\n${word}, ${word}\n`);
    expect(messages.map((message) => message.slice(0, message.indexOf(':')))).toEqual(['line 2', 'line 3', 'line 3']);
    expect(messages[0]).toContain(`'${word}'`);
  });

  test.each([
    ['a paragraph', 'a.md', '\n'],
    ['a block comment', 'a.ts', '\n * '],
    ['a line comment', 'a.ts', '\n  // '],
    ['a comment of Python', 'a.py', '\n# '],
  ])('are found if a phrase continues on the next line of %s', (_, path, gap) => {
    const [message] = PLAIN_WORDS.check(path, `x ${phrase.replace(' ', gap)} y`);
    expect(message).toContain(`'${phrase}'`);
  });

  test.each([
    ['a message', 'a.ts', `const a = '${word} calls';`],
    ['a message with double quotes', 'a.ts', `const a = ["${word}'s call"];`],
    ['a message in C', 'a.c', `\tfail("${word} calls");`],
    ['a value in JSON', 'a.json', `{"why": "${word} calls"}`],
    ['a text behind a quotation', 'a.json', `{"why": "\\"a mail\\", ${word} calls"}`],
    ['a name', 'a.py', `${word} = 1`],
  ])('are checked in %s', (_, path, text) => {
    expect(PLAIN_WORDS.check(path, text)).toHaveLength(1);
  });

  test.each([
    ['in Markdown', 'a.md', `A mail asks "who ${word} is" in a reply.`],
    ['in Markdown, on two lines', 'a.md', `A mail asks "who\n${word} is" in a reply.`],
    ['in Markdown, as a block', 'a.md', `The mail:\n\n> who ${word} is\n`],
    ['in a comment', 'a.ts', `/** As v7 has it: "${word} calls". */`],
    ['in a comment, as a block', 'a.ts', `/*\n * > ${word} calls\n */`],
    ['in a comment behind code', 'a.c', `\tcall(); /* "${word} calls" */`],
    ['in a comment of Python', 'a.py', `# "${word} calls"`],
    ['in a string', 'a.ts', `const source = '"x86: ${word} calls", a mail';`],
    ['in a string of C', 'a.c', `\tfail("\\"${word} calls\\"");`],
    ['in a string of JSON', 'a.json', `{"source": "\\"${word} calls\\", a mail"}`],
  ])('may be quoted %s', (_, path, text) => {
    expect(PLAIN_WORDS.check(path, text)).toEqual([]);
  });

  test('begin again after a paragraph with a single double quote', () => {
    expect(PLAIN_WORDS.check('a.md', `The sign ".\n\nThen ${word} calls.\n\nThe sign ".`)).toHaveLength(1);
  });

  test.each(['CONTRIBUTING.md', 'harness/testing/plain-words.ts', 'harness/testing/plain-words.test.ts'])(
    '%s has none, although it is about them',
    (path) => {
      expect(PLAIN_WORDS.check(path, readFileSync(join(ROOT, path), 'utf8'))).toEqual([]);
    },
  );
});
