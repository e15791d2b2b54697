/**
 * State shared between the main thread of a campaign and its workers while a task runs: a stop request, the progress of
 * shrinking, and a count per running task that grows with every case. Shared memory, because a task is one function call
 * that cannot receive messages.
 */
export interface Watch {
  readonly memory: SharedArrayBuffer;
}

const STOP = 0;
const TRIES = 1;
/** First of the counts of running tasks. */
const BEATS = 2;
/** Tasks that can run at once. */
export const SLOTS = 256;

export function createWatch(): Watch {
  return { memory: new SharedArrayBuffer((BEATS + SLOTS) * Int32Array.BYTES_PER_ELEMENT) };
}

/** Access of one thread to the shared state. */
export interface Watcher {
  readonly stop: () => void;
  /** True once a stop was requested: workers return what they have so far. Called before every case of a range. */
  readonly isStopping: () => boolean;
  /** Counts a case judged by shrinking. */
  readonly noteTry: () => void;
  /** Number of cases judged by shrinking so far, on all threads. */
  readonly tries: () => number;
  /** Cases that the task in this slot has begun. */
  readonly begun: () => number;
  /** Before a task begins in this slot. */
  readonly reset: () => void;
}

/** `slot`: that of the task in question, below `SLOTS`. */
export function watcherOf({ memory }: Watch, slot = 0): Watcher {
  const words = new Int32Array(memory);
  const beat = BEATS + slot;
  return {
    stop: () => void Atomics.store(words, STOP, 1),
    isStopping() {
      Atomics.add(words, beat, 1);
      return Atomics.load(words, STOP) !== 0;
    },
    noteTry() {
      Atomics.add(words, beat, 1);
      Atomics.add(words, TRIES, 1);
    },
    tries: () => Atomics.load(words, TRIES),
    begun: () => Atomics.load(words, beat),
    reset: () => void Atomics.store(words, beat, 0),
  };
}
