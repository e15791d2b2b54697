/**
 * State shared between the main thread of a campaign and its workers while a task runs: a stop request, and the
 * progress of shrinking. Shared memory, because a task is one function call that cannot receive messages.
 */
export interface Watch {
  readonly memory: SharedArrayBuffer;
}

const STOP = 0;
const TRIES = 1;

export function createWatch(): Watch {
  return { memory: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT) };
}

/** Access of one thread to the shared state. */
export interface Watcher {
  readonly stop: () => void;
  /** True once a stop was requested: workers return what they have so far. */
  readonly isStopping: () => boolean;
  /** Counts a case judged by shrinking. */
  readonly noteTry: () => void;
  /** Number of cases judged by shrinking so far, on all threads. */
  readonly tries: () => number;
}

export function watcherOf({ memory }: Watch): Watcher {
  const words = new Int32Array(memory);
  return {
    stop: () => void Atomics.store(words, STOP, 1),
    isStopping: () => Atomics.load(words, STOP) !== 0,
    noteTry: () => void Atomics.add(words, TRIES, 1),
    tries: () => Atomics.load(words, TRIES),
  };
}
