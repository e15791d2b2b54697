import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EXIT, UserError } from '../../cli/exit.ts';
import { createWords, type Words } from './words.ts';

/**
 * The compiled kernel as a process beside this one. Every exchange is synchronous, as a call is: the judge of a campaign
 * is a function. Pipes with names make that possible, which Node's own child pipes do not (they never block).
 */
export interface Child {
  /** Sends a whole message; `scripted`: what follows the commands is what they are expected to do. */
  readonly send: (message: Words, scripted: boolean) => void;
  /** Sends the answer to what the kernel asked, without a header. */
  readonly answer: (message: Words) => void;
  /** Receives a message: its words are valid until the next one. */
  readonly receive: () => Uint32Array;
  readonly close: () => void;
}

export function startChild(binary: string): Child {
  const folder = mkdtempSync(join(tmpdir(), 'seamstress-'));
  const [toPath, fromPath] = [join(folder, 'to'), join(folder, 'from')];
  let child: ChildProcess;
  let to: number;
  let from: number;
  try {
    execFileSync('mkfifo', [toPath, fromPath]);
    // Opened for both first, so that no single open waits for the other side.
    const both = [openSync(toPath, 'r+'), openSync(fromPath, 'r+')] as const;
    to = openSync(toPath, 'w');
    from = openSync(fromPath, 'r');
    const ends = [openSync(toPath, 'r'), openSync(fromPath, 'w')] as const;
    child = spawn(binary, [], { stdio: [ends[0], ends[1], 'inherit'] });
    for (const fd of [...both, ...ends]) closeSync(fd);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  child.unref();
  const header = new Uint32Array(2);
  const lengthWord = new Uint32Array(1);
  let input = createWords(1 << 16).list;

  const fill = (target: Uint32Array, count: number): void => {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, 4 * count);
    for (let got = 0; got < bytes.length; ) {
      const read = readSync(from, bytes, got, bytes.length - got, null);
      if (read === 0) throw new UserError(`the compiled kernel at ${binary} ended unexpectedly`, EXIT.CANNOT_RUN);
      got += read;
    }
  };
  const drain = (source: Uint32Array, count: number): void => {
    const bytes = new Uint8Array(source.buffer, source.byteOffset, 4 * count);
    for (let sent = 0; sent < bytes.length; ) sent += writeSync(to, bytes, sent, bytes.length - sent);
  };
  return {
    send({ list, count }, scripted) {
      header[0] = count;
      header[1] = scripted ? 1 : 0;
      drain(header, 2);
      drain(list, count);
    },
    answer: ({ list, count }) => drain(list, count),
    receive() {
      fill(lengthWord, 1);
      const length = lengthWord[0] ?? 0;
      if (length > input.length) input = new Uint32Array(2 * length);
      fill(input, length);
      return input.subarray(0, length);
    },
    close() {
      closeSync(to);
      closeSync(from);
      child.kill();
    },
  };
}
