import { workerData } from 'node:worker_threads';
import { startPiped } from './piped.ts';
import type { FailureKind } from './failure.ts';
import { createLineSplitter } from './line-splitter.ts';
import { LINE_MAX } from './line-splitter.ts';
import { BACKLOG_MAX, type ChildOfThread, SHARED, type ToldByChild, type ToldToChild } from './synchronous.ts';

// The thread beside: see synchronous.ts.

const { command, port, told } = workerData as ChildOfThread;
const counter = new Int32Array(told);
let failed = false;
let lines: string[] = [];

function tell(message: ToldByChild): void {
  port.postMessage(message);
  Atomics.add(counter, SHARED.TOLD, 1);
  Atomics.notify(counter, SHARED.TOLD);
}

function fail(failure: FailureKind, message: string): void {
  if (failed) return;
  failed = true;
  child.kill();
  tell({ kind: 'failed', failure, message, stderr: child.stderr() });
}

const splitter = createLineSplitter(LINE_MAX, (line) => {
  if (line !== '') lines.push(line);
});
const child = startPiped(command, {
  onData(chunk) {
    if (failed) return;
    const whole = splitter.push(chunk);
    if (lines.length > 0) {
      const size = lines.reduce((sum, line) => sum + line.length, 0);
      const backlog = Atomics.add(counter, SHARED.BACKLOG, size) + size;
      if (backlog > BACKLOG_MAX) {
        child.pause();
        Atomics.store(counter, SHARED.PAUSED, 1);
      }
      tell({ kind: 'lines', lines });
      lines = [];
    }
    if (!whole) fail('line-too-long', `a line on its stdout is longer than ${LINE_MAX} bytes`);
  },
  onEnd(how) {
    const half = splitter.pending() === 0 ? '' : `, in the middle of a line of ${splitter.pending()} bytes so far`;
    const kind = how.startsWith('could not') || /exit code 12[67]$/.test(how) ? 'cannot-start' : 'exit';
    fail(kind, `it ended: ${how}${half}`);
  },
});

async function end(message: Extract<ToldToChild, { readonly kind: 'close' | 'kill' }>): Promise<void> {
  failed = true;
  if (message.kind === 'kill') child.kill();
  else await child.close(message.patience);
  tell({ kind: 'closed' });
  port.close();
}

port.on('message', (message: ToldToChild) => {
  if (message.kind === 'write') child.write(message.text);
  else if (message.kind === 'resume') child.resume();
  else if (message.kind === 'stderr') tell({ kind: 'stderr', text: child.stderr() });
  else void end(message);
});
