import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type FailureKind, ImplementationFailure } from './failure.ts';

/** What the thread beside tells: whole lines, or the end of all lines. */
export type ToldByChild =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly message: string; readonly stderr: string }
  | { readonly kind: 'stderr'; readonly text: string }
  | { readonly kind: 'closed' };

/** What it is told. */
export type ToldToChild =
  | { readonly kind: 'write'; readonly text: string }
  | { readonly kind: 'stderr' }
  | { readonly kind: 'resume' }
  | { readonly kind: 'close'; readonly patience: number }
  | { readonly kind: 'kill' };

export interface ChildOfThread {
  readonly command: string;
  readonly port: MessagePort;
  /** The 32-bit words of `SHARED`. */
  readonly told: SharedArrayBuffer;
}

/** Words that both threads use. */
export const SHARED = {
  /** Messages told so far. */
  TOLD: 0,
  /** Characters of lines told and not yet received. */
  BACKLOG: 1,
  /** 1 while the thread beside reads nothing from the process, because the backlog is too long. */
  PAUSED: 2,
} as const;

/** The backlog, in characters, at which reading from the process pauses and resumes: a flood costs it time, not us memory. */
export const BACKLOG_MAX = 1 << 24;
const BACKLOG_LOW = 1 << 20;

/**
 * A process that is talked to synchronously, line by line: the judge of a campaign is a function, and what it talks to
 * asks back in the middle. A thread beside this one does the waiting: it starts the process, drains what it writes,
 * notices how it ends and ends it with all its children, while this one sleeps until there is something to read.
 */
export interface SyncChild {
  readonly write: (text: string) => void;
  /** The next line; throws an ImplementationFailure when the process has ended, or `late` after `patience` ms of silence. */
  readonly read: (patience: number, late: () => ImplementationFailure) => string;
  readonly stderr: () => string;
  /** Ends its input and waits `patience` ms; then SIGTERM, then SIGKILL to its process group. */
  readonly close: (patience: number) => void;
  readonly kill: () => void;
}

/** Beyond what any of its answers takes, ms: the thread itself is stuck. */
const THREAD_PATIENCE = 5000;

interface ThreadBeside {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** The words of `SHARED`. */
  readonly counter: Int32Array;
}

function startThread(command: string): ThreadBeside {
  const { port1: port, port2 } = new MessageChannel();
  const told = new SharedArrayBuffer(4 * Object.keys(SHARED).length);
  const counter = new Int32Array(told);
  const worker = new Worker(new URL('./synchronous-thread.js', import.meta.url), {
    workerData: { command, port: port2, told } satisfies ChildOfThread,
    transferList: [port2],
    // The launcher's flags are for the main thread.
    execArgv: [],
  });
  worker.unref();
  port.unref();
  return { worker, port, counter };
}

export function startSyncChild(command: string): SyncChild {
  const { worker, port, counter } = startThread(command);
  const lines: string[] = [];
  let next = 0;
  let failure: ImplementationFailure | null = null;
  let over = false;

  /** Waits for a message, `patience` ms at most; null: none came. */
  const receive = (patience: number): ToldByChild | null => {
    for (;;) {
      const seen = Atomics.load(counter, SHARED.TOLD);
      const message = receiveMessageOnPort(port) as { readonly message: ToldByChild } | undefined;
      if (message !== undefined) return message.message;
      if (Atomics.wait(counter, SHARED.TOLD, seen, patience) === 'timed-out') return null;
    }
  };
  const tell = (message: ToldToChild): void => port.postMessage(message);
  const note = (message: ToldByChild): void => {
    if (message.kind === 'lines') {
      lines.splice(0, next);
      next = 0;
      let size = 0;
      for (const line of message.lines) {
        lines.push(line);
        size += line.length;
      }
      const left = Atomics.sub(counter, SHARED.BACKLOG, size) - size;
      if (left < BACKLOG_LOW && Atomics.exchange(counter, SHARED.PAUSED, 0) === 1) tell({ kind: 'resume' });
    } else if (message.kind === 'failed')
      failure ??= new ImplementationFailure(message.failure, message.message, message.stderr);
  };
  const stderr = (): string => {
    if (failure !== null || over) return failure?.stderr ?? '';
    tell({ kind: 'stderr' });
    for (;;) {
      const message = receive(THREAD_PATIENCE);
      if (message === null) return '';
      if (message.kind === 'stderr') return message.text;
      note(message);
    }
  };
  const end = (message: ToldToChild, patience: number): void => {
    if (over) return;
    over = true;
    tell(message);
    for (let answer = receive(patience); answer !== null && answer.kind !== 'closed'; ) answer = receive(patience);
    port.close();
    void worker.terminate();
  };
  return {
    write: (text) => tell({ kind: 'write', text }),
    read(patience, late) {
      while (next === lines.length) {
        if (failure !== null) throw failure;
        const message = receive(patience);
        if (message === null) throw late();
        note(message);
      }
      next += 1;
      return lines[next - 1] as string;
    },
    stderr,
    close: (patience) => end({ kind: 'close', patience }, 3 * patience + THREAD_PATIENCE),
    kill: () => end({ kind: 'kill' }, THREAD_PATIENCE),
  };
}
