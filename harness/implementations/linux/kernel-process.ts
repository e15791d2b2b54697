import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, UserError } from '../../user-error.ts';
import { errorCode } from '../../store/errno.ts';
import { WATCHED } from '../process/piped.ts';
import { createExchangeLimit, EXCHANGE_SECONDS, type ExchangeLimit } from './exchange-limit.ts';
import { createWords, type Words } from './words.ts';

/**
 * The compiled kernel as a process beside this one. Every exchange is synchronous, as a call is: the judge of a campaign
 * is a function. Pipes with names make that possible, which Node's own child pipes do not (they never block).
 *
 * A process that ends in the middle of an exchange is a `ChildEnded`; the next message goes to a new one.
 */
export interface KernelProcess {
  /** Path of what it runs. */
  readonly program: string;
  /** Sends a whole message; `scripted`: what follows the commands is what they are expected to do. */
  readonly send: (message: Words, scripted: boolean) => void;
  /** Sends the answer to what the kernel asked, without a header. */
  readonly answer: (message: Words) => void;
  /** Receives a message: its words are valid until the next one. */
  readonly receive: () => Uint32Array;
  readonly close: () => void;
}

/** The process of the compiled kernel is gone: it was killed, or the code in it did what no signal handler survives. */
export class ChildEnded extends Error {
  /** It was killed by the harness, because it did not answer within the limit of an exchange. */
  readonly late: boolean;

  constructor(message: string, late: boolean) {
    super(message);
    this.late = late;
  }
}

/** Starts the program, `seconds` at most for an exchange; throws a UserError if it does not answer. */
export function startKernelProcess(binary: string, seconds = EXCHANGE_SECONDS): KernelProcess {
  const pipes = createPipes(binary, seconds);
  const { limit, fill, drain } = pipes;
  const header = new Uint32Array(2);
  const lengthWord = new Uint32Array(1);
  let input = createWords(1 << 16).list;

  const send = ({ list, count }: Words, scripted: boolean): void => {
    if (!pipes.isOpen()) start();
    limit.begin();
    header[0] = count;
    header[1] = scripted ? 1 : 0;
    drain(header, 2);
    drain(list, count);
  };
  const receive = (): Uint32Array => {
    limit.begin();
    fill(lengthWord, 1);
    const length = lengthWord[0] ?? 0;
    if (length > MESSAGE_WORDS_MAX) {
      pipes.end();
      throw new UserError(
        `the compiled kernel ${binary} sent a message of ${length} words, at most ${MESSAGE_WORDS_MAX} are possible: code of the tree writes to the pipe of the harness`,
        EXIT.CANNOT_RUN,
      );
    }
    if (length > input.length) input = new Uint32Array(2 * length);
    fill(input, length);
    limit.end();
    return input.subarray(0, length);
  };
  /** Starts the process with an empty script: a process that does not answer even that answers nothing. */
  const start = (): void => {
    pipes.open();
    try {
      send(NOTHING, true);
      receive();
    } catch (error) {
      if (!(error instanceof ChildEnded)) throw error;
      throw new UserError(
        `the compiled kernel ${binary} does not start; remove its folder and run this again to have it built anew`,
        EXIT.CANNOT_RUN,
      );
    }
  };

  start();
  return {
    program: binary,
    send,
    receive,
    answer({ list, count }) {
      limit.begin();
      drain(list, count);
    },
    close() {
      pipes.end();
      limit.close();
    },
  };
}

/** The pipes to one process after another, and the limit of their exchanges. */
interface Pipes {
  readonly limit: ExchangeLimit;
  readonly isOpen: () => boolean;
  readonly open: () => void;
  readonly end: () => void;
  /** Reads words; throws a ChildEnded where the process ends, or takes too long. */
  readonly fill: (target: Uint32Array, count: number) => void;
  /** Writes words, and throws in the same way. */
  readonly drain: (source: Uint32Array, count: number) => void;
}

function createPipes(binary: string, seconds: number): Pipes {
  const limit = createExchangeLimit(seconds);
  let piped: Piped | undefined;
  const end = (): void => {
    if (piped === undefined) return;
    limit.unwatch();
    closeSync(piped.to);
    closeSync(piped.from);
    endPiped(piped);
    piped = undefined;
  };
  const lost = (): ChildEnded => {
    const late = limit.expired();
    end();
    return new ChildEnded(`the process of ${binary} ${late ? 'did not answer' : 'ended'}`, late);
  };
  return {
    limit,
    isOpen: () => piped !== undefined,
    open() {
      piped = spawnPiped(binary);
      limit.watch(piped.child.pid ?? 0, piped.to, piped.from);
    },
    end,
    fill(target, count) {
      if (piped === undefined) throw lost();
      const bytes = new Uint8Array(target.buffer, target.byteOffset, 4 * count);
      for (let got = 0; got < bytes.length; ) {
        const read = readSync(piped.from, bytes, got, bytes.length - got, null);
        if (read === 0 || limit.expired()) throw lost();
        got += read;
      }
    },
    drain(source, count) {
      if (piped === undefined) throw lost();
      const bytes = new Uint8Array(source.buffer, source.byteOffset, 4 * count);
      try {
        for (let sent = 0; sent < bytes.length; ) {
          sent += writeSync(piped.to, bytes, sent, bytes.length - sent);
          if (limit.expired()) throw lost();
        }
      } catch (error) {
        throw errorCode(error) === 'EPIPE' ? lost() : error;
      }
    },
  };
}

const NOTHING = createWords(1);
/** The buffer for output in shim/protocol.c. */
const MESSAGE_WORDS_MAX = 1 << 16;

interface Piped {
  readonly child: ChildProcess;
  readonly to: number;
  readonly from: number;
  /** Its end makes the watcher beside the process end the group, even if seamstress was killed. */
  readonly lifeline: Socket;
}

function spawnPiped(binary: string): Piped {
  const folder = mkdtempSync(join(tmpdir(), 'seamstress-'));
  const [toPath, fromPath] = [join(folder, 'to'), join(folder, 'from')];
  try {
    execFileSync('mkfifo', [toPath, fromPath]);
    // Opened for both first, so that no single open waits for the other side.
    const both = [openSync(toPath, 'r+'), openSync(fromPath, 'r+')] as const;
    const to = openSync(toPath, 'w');
    const from = openSync(fromPath, 'r');
    const ends = [openSync(toPath, 'r'), openSync(fromPath, 'w')] as const;
    // In a process group of its own, it gets no Ctrl-C.
    const child = spawn('/bin/sh', ['-c', `${WATCHED}exec "$0"`, binary], {
      stdio: [ends[0], ends[1], 'inherit', 'pipe'],
      detached: true,
    });
    for (const fd of [...both, ...ends]) closeSync(fd);
    // What cannot be started does not answer, and that is when it is told.
    child.once('error', () => undefined);
    child.unref();
    const lifeline = child.stdio[3] as Socket;
    lifeline.on('error', () => undefined);
    lifeline.unref();
    return { child, to, from, lifeline };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** SIGKILL to the process and its group. */
function endPiped({ child: { pid }, lifeline }: Piped): void {
  lifeline.destroy();
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has no member left.
  }
}
