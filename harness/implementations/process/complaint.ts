/** `no 'hello' within 5000 ms`, and what the reason often is. */
export function startMessage(type: string, limit: number): string {
  return `no '${type}' within ${limit} ms. Does it flush its stdout after every line? Many languages buffer output that goes to a pipe`;
}

/** A line as JSON text of at most some 160 characters. */
export function shorten(line: string): string {
  return line.length > 160 ? `${JSON.stringify(line.slice(0, 157))}...` : JSON.stringify(line);
}
