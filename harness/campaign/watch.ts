/**
 * What the thread that leads a campaign and those that work for it tell each other while a task is under way: that it is to
 * stop, and how far it is. Shared memory, because a task is one function call that hears no messages.
 */
export interface Watch {
  readonly memory: SharedArrayBuffer;
}

const STOP = 0;
const TRIES = 1;

export function createWatch(): Watch {
  return { memory: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT) };
}

/** One thread's side of it. */
export interface Watcher {
  readonly stop: () => void;
  /** Somebody wants it all to end: whoever works comes to an end with what there is. */
  readonly isStopping: () => boolean;
  /** A case was judged to make another one smaller. */
  readonly noteTry: () => void;
  /** How many were so far, on all threads. */
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
