import { UserError } from './user-error.ts';

/** Nothing that seamstress reads is nested deeper; recursion over what it reads needs a bound. */
const DEPTH_MAX = 100;

/**
 * Parses the text of a JSON file that a user named. Throws a UserError of one line, without bytes of the file, that says
 * what is wrong and where: an encoding other than UTF-8, a byte order mark, a truncated file, a place that is not JSON,
 * nesting beyond 100 levels. `what`: what the file should hold.
 */
export function parseJSONText(text: string, name: string, what: string): unknown {
  if (text.includes('\u0000')) throw new UserError(`${name}: it is UTF-16 or binary; expected ${what} in UTF-8`);
  if (text.startsWith('\ufeff'))
    throw new UserError(`${name}: it begins with a byte order mark; save it as UTF-8 without one`);
  if (text.trim() === '') throw new UserError(`${name}: the file is empty; expected ${what}`);
  if (isTooDeep(text)) throw new UserError(`${name}: nested deeper than ${DEPTH_MAX} levels; expected ${what}`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UserError(`${name}: ${problemOf(error, text)}`);
  }
}

function problemOf(error: unknown, text: string): string {
  const at = /at position (\d+)/.exec(error instanceof Error ? error.message : '')?.[1];
  const position = at === undefined ? text.length : Number(at);
  if (position >= text.trimEnd().length) return 'the file is truncated: it ends in the middle of a value';
  const before = text.slice(0, position).split('\n');
  return `not valid JSON at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

/** Counts brackets outside strings, without recursion. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (quoted) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === OPEN_BRACKET || code === OPEN_BRACE) {
      depth += 1;
      if (depth > DEPTH_MAX) return true;
    } else if (code === CLOSE_BRACKET || code === CLOSE_BRACE) depth -= 1;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
