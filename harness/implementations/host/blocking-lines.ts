import { readSync, writeSync } from 'node:fs';
import type { HostStreams } from './server.ts';

const [STDIN, STDOUT] = [0, 1];
const CHUNK = 64 * 1024;

/** stdin and stdout as lines that block, for what asks in the middle of an answer. Node's own streams never do. */
export function blockingLines(): HostStreams {
  const chunk = Buffer.alloc(CHUNK);
  let rest = Buffer.alloc(0);
  let gone = false;
  return {
    read() {
      while (!gone) {
        const end = rest.indexOf(0x0a);
        if (end >= 0) {
          const line = rest.subarray(0, end).toString('utf8');
          rest = rest.subarray(end + 1);
          return line.endsWith('\r') ? line.slice(0, -1) : line;
        }
        const got = patiently(() => readSync(STDIN, chunk, 0, CHUNK, null));
        if (got === null || got === 0) return null;
        rest = Buffer.concat([rest, chunk.subarray(0, got)]);
      }
      return null;
    },
    write(line) {
      const bytes = Buffer.from(`${line}\n`);
      for (let sent = 0; sent < bytes.length && !gone; ) {
        const some = patiently(() => writeSync(STDOUT, bytes, sent));
        if (some === null) gone = true;
        else sent += some;
      }
    },
  };
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** A pipe in non-blocking mode returns EAGAIN until it has data or room. `null`: the other end is closed. */
function patiently(transfer: () => number): number | null {
  for (;;) {
    try {
      return transfer();
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'EOF' || code === 'EPIPE') return null;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(sleeper, 0, 0, 1);
    }
  }
}
