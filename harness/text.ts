/** `1 case`, `2 cases`: a count in front of a regular noun. `text`: the count as it is to be shown. */
export function counted(count: number, noun: string, text = String(count)): string {
  return `${text} ${noun}${count === 1 ? '' : 's'}`;
}

/** A word as a shell wants it. */
export function shellWord(text: string): string {
  return /^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
