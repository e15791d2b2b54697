/** `1 case`, `2 cases`: a count and a regular noun. `text`: the count as printed. */
export function counted(count: number, noun: string, text = String(count)): string {
  return `${text} ${noun}${count === 1 ? '' : 's'}`;
}

/** Quotes a word for a shell where needed. */
export function shellWord(text: string): string {
  return /^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Everything that moves a cursor, changes a title or ends a line; SGR colours begin with the same ESC. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Text from outside (a file name, a name in a file, a message of an implementation) as one line that is safe on a terminal:
 * control characters, and those that reorder text, are shown as `\\x1b`. Cut to `max` characters.
 */
export function printable(text: string, max = 200): string {
  const cut = text.length > max ? `${text.slice(0, max)}... (${text.length} characters)` : text;
  return cut.replace(CONTROL, escaped);
}

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
