import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { WORD } from './exchange-limit.ts';

// The thread beside the one that waits for a compiled kernel: see exchange-limit.ts.

const words = workerData as Int32Array;
const SECOND = 1000;

let seen = 0;
let seconds = 0;
while (Atomics.load(words, WORD.CLOSED) === 0) {
  Atomics.wait(words, WORD.CLOSED, 0, SECOND);
  const exchange = Atomics.load(words, WORD.EXCHANGE);
  seconds = exchange === seen && (exchange & 1) === 1 ? seconds + 1 : 0;
  seen = exchange;
  if (seconds > Atomics.load(words, WORD.SECONDS)) expire();
}

/**
 * Kills the kernel with its process group. Then it moves bytes through both pipes: a process that left the group may hold
 * their other ends, and the waiting thread would never see their end.
 */
function expire(): void {
  Atomics.store(words, WORD.EXPIRED, 1);
  const pid = Atomics.load(words, WORD.PID);
  if (pid <= 0) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has no member left.
  }
  const bytes = new Uint8Array(1 << 16);
  move(WORD.FROM, constants.O_WRONLY, (fd) => writeSync(fd, bytes));
  move(WORD.TO, constants.O_RDONLY, (fd) => readSync(fd, bytes));
}

function move(word: number, mode: number, transfer: (fd: number) => number): void {
  try {
    const fd = openSync(`/proc/self/fd/${Atomics.load(words, word)}`, mode | constants.O_NONBLOCK);
    try {
      transfer(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // The pipe is full or empty, or closed meanwhile: then nothing waits for it.
  }
}
