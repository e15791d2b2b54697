/** Longer lines are a violation of the protocol, both ways. Bytes. */
export const LINE_MAX = 8 * 1024 * 1024;

const NEWLINE = 0x0a;

/** Bytes in, lines out. What is not a whole line yet is kept, up to a limit. */
export interface LineSplitter {
  /** Takes a chunk; false: some line is longer than allowed, and nothing more will come. */
  readonly push: (chunk: Buffer) => boolean;
  /** Bytes of the line that has no end yet. */
  readonly pending: () => number;
}

/** Calls `line` with the text of every whole line, without its end (`\n` or `\r\n`). `sizeMax` in bytes. */
export function createLineSplitter(sizeMax: number, line: (text: string) => void): LineSplitter {
  let parts: Buffer[] = [];
  let size = 0;
  let broken = false;
  const finish = (last: Buffer): void => {
    const bytes = parts.length === 0 ? last : Buffer.concat([...parts, last]);
    parts = [];
    size = 0;
    const text = bytes.toString('utf8');
    line(text.endsWith('\r') ? text.slice(0, -1) : text);
  };
  return {
    push(chunk) {
      if (broken) return false;
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        if (size + at - from > sizeMax) {
          broken = true;
          parts = [];
          return false;
        }
        finish(chunk.subarray(from, at));
        from = at + 1;
      }
      if (from < chunk.length) {
        parts.push(chunk.subarray(from));
        size += chunk.length - from;
      }
      if (size <= sizeMax) return true;
      broken = true;
      parts = [];
      return false;
    },
    pending: () => size,
  };
}
