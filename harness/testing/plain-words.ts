import type { HouseRule } from './house-rule.ts';

/** Composed from parts, so that this file passes its own rule. */
export const BANNED_WORDS: readonly string[] = [
  ['some', 'body'],
  ['no', 'body'],
  ['who', 'ever'],
  ['our', 's'],
  ['their', 's'],
  ['for', ' want of'],
  ['otherwise', ' than'],
  ['in', ' vain'],
  ['what', ' is so'],
].map((parts) => parts.join(''));

/**
 * Reports words that CONTRIBUTING.md, "Plain words", rules out, in prose and in code. Quotations are exempt: lines that
 * begin with `> `, and text between double quotes in Markdown, in comments and inside string literals. A string literal
 * with double quotes is not a quotation.
 */
export const PLAIN_WORDS: HouseRule = {
  id: 'plain-words',
  check(path, text) {
    if (!/\.(?:ts|mjs|md|c|h|py|json)$/.test(path)) return [];
    const own = withoutQuotations(path, text);
    return [...own.matchAll(BANNED)].map(
      ({ 0: found, index }) =>
        `line ${own.slice(0, index).split('\n').length}: '${found.replace(GAP, ' ')}': make the component the subject, ` +
        'or name the cause or the difference (CONTRIBUTING.md, "Plain words")',
    );
  },
};

/** The words of a phrase may be on two lines, with the sign of a comment between them. */
const GAP = /\s[\s*/#]*/g;
const BANNED = new RegExp(`\\b(?:${BANNED_WORDS.join('|').replaceAll(' ', GAP.source)})\\b`, 'gi');

const QUOTED_LINE = /^[ \t]*(?:\*|\/\/|#)?[ \t]*> .*$/gm;
/** Up to the end of a paragraph. */
const QUOTED_TEXT = /"(?:[^"\n]|\n(?!\s*\n))*"/g;
const ESCAPED_QUOTES = /\\"[^"\n]*\\"/g;
const COMMENT = /^\s*(?:\*|#)|\/\/|\/\*|\s#\s/;

/** The text with blanks in place of quotations, so that line numbers stay. */
function withoutQuotations(path: string, text: string): string {
  const unquoted = text.replace(QUOTED_LINE, blank);
  if (path.endsWith('.md')) return unquoted.replace(QUOTED_TEXT, blank);
  return unquoted
    .replace(ESCAPED_QUOTES, blank)
    .split('\n')
    .map((line) =>
      line.replace(/"[^"]*"/g, (quotation, at: number) =>
        isInProse(line.slice(0, at)) ? blank(quotation) : quotation,
      ),
    )
    .join('\n');
}

/** True if a line that begins like this is in a comment or in a string literal of another kind of quotes. */
function isInProse(before: string): boolean {
  return COMMENT.test(before) || count(before, "'") % 2 === 1 || count(before, '`') % 2 === 1;
}

function count(text: string, sign: string): number {
  return text.split(sign).length - 1;
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ');
}
