import { Worker } from 'node:worker_threads';

/**
 * The wall-clock limit of an exchange with a compiled kernel. An exchange takes microseconds, and code that computes
 * without end is stopped by its CPU time after 0.4 s (shim/crash.c). Code that sleeps, stops itself or blocks signals is
 * not, and the thread that waits for it in a system call cannot stop it. A thread beside it can: it kills the kernel.
 */
export const EXCHANGE_SECONDS = 10;
/** The limit after an exchange was too long: the same code will be as slow in the next case. */
export const NEXT_EXCHANGE_SECONDS = 1;

/** Shared with the thread beside, in 32-bit words. */
export const WORD = {
  /** Odd during an exchange. */
  EXCHANGE: 0,
  /** Seconds that an exchange may take. */
  SECONDS: 1,
  /** Not 0 once an exchange took longer. */
  EXPIRED: 2,
  /** Process id of the kernel, which leads a group of its own; 0 for none. */
  PID: 3,
  /** Descriptors of the pipes to and from the kernel. */
  TO: 4,
  FROM: 5,
  /** Not 0 once the thread is to end. */
  CLOSED: 6,
} as const;

export interface ExchangeLimit {
  /** Watches the process from now on. `to` and `from`: descriptors of its pipes. */
  readonly watch: (pid: number, to: number, from: number) => void;
  /** The process is about to be ended on purpose, and its descriptors closed. */
  readonly unwatch: () => void;
  readonly begin: () => void;
  readonly end: () => void;
  /** The exchange under way took too long. Its process was killed, and bytes read since then are not from it. */
  readonly expired: () => boolean;
  readonly close: () => void;
}

export function createExchangeLimit(seconds: number): ExchangeLimit {
  const words = new Int32Array(new SharedArrayBuffer(4 * Object.keys(WORD).length));
  words[WORD.SECONDS] = seconds;
  const worker = new Worker(new URL('./exchange-limit-thread.js', import.meta.url), {
    workerData: words,
    // The launcher's flags are for the main thread.
    execArgv: [],
  });
  worker.unref();
  const leave = (): void => {
    if ((Atomics.load(words, WORD.EXCHANGE) & 1) === 1) Atomics.add(words, WORD.EXCHANGE, 1);
  };
  return {
    watch(pid, to, from) {
      Atomics.store(words, WORD.EXPIRED, 0);
      Atomics.store(words, WORD.TO, to);
      Atomics.store(words, WORD.FROM, from);
      Atomics.store(words, WORD.PID, pid);
    },
    unwatch() {
      leave();
      Atomics.store(words, WORD.PID, 0);
      if (Atomics.load(words, WORD.EXPIRED) !== 0) Atomics.store(words, WORD.SECONDS, NEXT_EXCHANGE_SECONDS);
    },
    begin() {
      if ((Atomics.load(words, WORD.EXCHANGE) & 1) === 0) Atomics.add(words, WORD.EXCHANGE, 1);
    },
    end: leave,
    expired: () => Atomics.load(words, WORD.EXPIRED) !== 0,
    close() {
      Atomics.store(words, WORD.CLOSED, 1);
      Atomics.notify(words, WORD.CLOSED);
    },
  };
}
