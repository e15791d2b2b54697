import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Duplex } from 'node:stream';

/** Bytes of stderr that are kept: enough for the last stack of anything. */
const STDERR_MAX = 64 * 1024;

/** A process of its own group, with a bounded memory of what it wrote to stderr. */
export interface Child {
  /** Writes to its stdin; nothing happens where it is gone, its end is told apart. */
  readonly write: (text: string) => void;
  readonly stderr: () => string;
  /** Stops and goes on reading what it writes to stdout. Output that is not read blocks it. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** How it ended, once it did: `exit code 3`, `signal SIGSEGV`, or why it could not be started. */
  readonly ended: () => string | null;
  /** Ends its input and waits; then SIGTERM, then SIGKILL, each after `patience` ms. Nothing of its group outlives this. */
  readonly close: (patience: number) => Promise<void>;
  /** SIGKILL to the whole group. */
  readonly kill: () => void;
}

/** What the child does, told as it happens. `onEnd` comes once, after the last of its output. */
export interface ChildEvents {
  readonly onData: (chunk: Buffer) => void;
  readonly onEnd: (how: string) => void;
}

/**
 * Runs before the command: a watcher in the same process group, which waits for the end of a pipe that carries no data.
 * The pipe ends when seamstress ends, even by SIGKILL. The watcher then ends the group, because a program that never reads
 * its input would stay. It is not a child of the command, so the command's own wait() does not see it.
 */
export const WATCHED = '( (read -r _ <&3; kill -s KILL 0) </dev/null >/dev/null 2>&1 & )\nexec 3<&-\n';

/** Starts a shell command. Its stderr is always drained and never judged. */
export function startPiped(command: string, { onData, onEnd }: ChildEvents): Child {
  const child = spawn('/bin/sh', ['-c', `${WATCHED}${command}`], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  }) as ChildProcessWithoutNullStreams;
  const lifeline = child.stdio[3] as Duplex;
  const streams = [child.stdin, child.stdout, child.stderr, lifeline];
  const tail = createTail(STDERR_MAX);
  let ended: string | null = null;
  let exited = false;
  const exit = new Promise<void>((resolve) => {
    const end = (how: string): void => {
      exited = true;
      // A grandchild may hold the pipe open for ever: what came until shortly after the exit is what there is.
      const tell = (): void => {
        if (ended !== null) return;
        ended = how;
        clearTimeout(late);
        killGroup(child);
        onEnd(how);
        resolve();
      };
      const late = setTimeout(tell, 200);
      child.stdout.once('close', tell);
      if (child.stdout.closed) tell();
    };
    child.once('error', (error) => end(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  child.stdout.on('data', onData);
  child.stderr.on('data', tail.add);
  // A broken pipe is noticed as the child's end.
  for (const stream of streams) stream.on('error', () => undefined);
  const kill = (): void => {
    killGroup(child);
    for (const stream of streams) stream.destroy();
  };
  return {
    write(text) {
      if (!exited && child.stdin.writable) child.stdin.write(text);
    },
    stderr: tail.text,
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    ended: () => ended,
    kill,
    async close(patience) {
      child.stdin.end();
      if (!(await within(exit, patience))) {
        signalGroup(child, 'SIGTERM');
        await within(exit, patience);
      }
      kill();
      await within(exit, patience);
    },
  };
}

function killGroup(child: ChildProcess): void {
  signalGroup(child, 'SIGKILL');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has no member left.
  }
}

async function within(event: Promise<void>, patience: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  const result = await Promise.race([event.then(() => true), late]);
  clearTimeout(timer);
  return result;
}

interface Tail {
  readonly add: (chunk: Buffer) => void;
  readonly text: () => string;
}

/** The last `sizeMax` bytes of a stream, whatever it amounts to. */
function createTail(sizeMax: number): Tail {
  let parts: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    add(chunk) {
      parts.push(chunk);
      size += chunk.length;
      if (size < 2 * sizeMax) return;
      const all = Buffer.concat(parts);
      parts = [all.subarray(all.length - sizeMax)];
      size = sizeMax;
      cut = true;
    },
    text() {
      const all = Buffer.concat(parts);
      const shown = all.subarray(all.length > sizeMax ? all.length - sizeMax : 0).toString('utf8');
      return cut || all.length > sizeMax ? `[...]${shown}` : shown;
    },
  };
}
