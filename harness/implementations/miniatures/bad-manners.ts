import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import { spawn } from 'node:child_process';
import { before, calls, type Miniature } from './miniature.ts';
import type { ModuleCaseText } from '../protocol/messages.ts';

const RDALL = formatU64(LEAF_NUMBER['TDH.SYS.RDALL']);
const UPDATE = formatU64(LEAF_NUMBER['TDH.SYS.UPDATE']);

const never = (): Promise<void> => new Promise(() => undefined);
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Writes past the server, as a stray print statement does. */
function stray(text: string): void {
  process.stdout.write(text);
}

function crash(): void {
  process.stderr.write('miniature: segmentation fault (as if)\n');
  process.exit(3);
}

const held: string[] = [];

/** Those whose answers are right and whose manners are not. */
export const BAD_MANNERS: Readonly<Record<string, Miniature>> = {
  slow: { what: 'needs 700 ms for TDH.SYS.RDALL', verdict: 'slow', module: before(RDALL, () => wait(700)) },
  hang: { what: 'never ends TDH.SYS.RDALL', verdict: 'hang', module: before(RDALL, never) },
  'hang-hard': {
    what: 'never ends TDH.SYS.RDALL and does not react to SIGTERM',
    verdict: 'hang',
    onStart: () => void process.on('SIGTERM', () => undefined),
    module: before(RDALL, () => {
      for (;;);
    }),
  },
  crash: { what: 'ends in TDH.SYS.RDALL', verdict: 'crash', module: before(RDALL, crash) },
  'crash-always': {
    what: 'ends in every case',
    verdict: 'cannot-run',
    module: (model) => ({ ...model, play: () => process.exit(9) }),
  },
  'half-a-line': {
    what: 'ends in the middle of a line',
    verdict: 'crash',
    module: before(RDALL, async () => {
      stray('{"type":"ran","id":');
      await wait(20);
      process.exit(0);
    }),
  },
  'dies-in-batch': {
    what: 'ends when TDH.SYS.UPDATE comes with other cases',
    verdict: 'dies-in-batch',
    onLine(line) {
      const { type, cases } = JSON.parse(line) as { type: string; cases?: readonly ModuleCaseText[] };
      if (type === 'run' && cases !== undefined && cases.length > 1 && cases.some((one) => calls(one, UPDATE))) crash();
    },
  },
  garbage: {
    what: 'prints for debugging on stdout',
    verdict: 'garbage',
    module: before(RDALL, () => stray('here: 1\n')),
  },
  'long-line': {
    what: 'writes a line of 100 MB',
    verdict: 'line-too-long',
    module: before(RDALL, () => {
      for (let megabytes = 0; megabytes < 100; megabytes += 1) stray('x'.repeat(1024 * 1024));
    }),
  },
  'duplicate-answer': {
    what: 'answers twice',
    verdict: 'protocol-violation',
    writer: (write) => (line) => {
      write(line);
      if (line.startsWith('{"type":"ran"')) write(line);
    },
  },
  'wrong-id': {
    what: 'answers a question that was not asked',
    verdict: 'protocol-violation',
    writer: (write) => (line) => write(line.replace(/^\{"type":"ran","id":\d+/, '{"type":"ran","id":999999')),
  },
  'lost-result': {
    what: 'leaves the last result of a message out',
    verdict: 'protocol-violation',
    writer: (write) => (line) => {
      const message = JSON.parse(line) as { type: string; results?: readonly unknown[] };
      write(message.type === 'ran' ? JSON.stringify({ ...message, results: message.results?.slice(0, -1) }) : line);
    },
  },
  'upper-case': {
    what: 'writes numbers in upper case',
    verdict: 'protocol-violation',
    writer: (write) => (line) => write(line.replace(/0xc00/g, '0xC00')),
  },
  'out-of-order': {
    what: 'answers two messages in the opposite order, as it may',
    verdict: 'none',
    writer: (write) => (line) => {
      if (!line.startsWith('{"type":"ran"')) return write(line);
      held.push(line);
      // The last one must not wait for another that may never come.
      setTimeout(() => {
        for (const one of held.splice(0).reverse()) write(one);
      }, 5);
    },
  },
  verbose: {
    what: 'floods stderr',
    verdict: 'none',
    module: before(RDALL, () => {
      for (let lines = 0; lines < 200; lines += 1) process.stderr.write(`${'noise '.repeat(1000)}\n`);
    }),
  },
  'leaves-children': {
    what: 'leaves a process behind that holds its stdout open',
    verdict: 'crash',
    module: before(RDALL, () => {
      const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'inherit'] });
      process.stderr.write(`child ${child.pid}\n`);
      process.exit(3);
    }),
  },
  'deaf-to-bad-input': {
    what: 'says nothing to a line that is no message, as it must not',
    verdict: 'none',
    writer: (write) => (line) => {
      if (!line.startsWith('{"type":"error"')) write(line);
    },
  },
  mute: { what: 'never says hello', verdict: 'cannot-run', writer: () => () => undefined },
  'old-version': {
    what: 'speaks another version',
    verdict: 'cannot-run',
    writer: (write) => (line) => write(line.replace('"protocol":{"major":1,', '"protocol":{"major":7,')),
  },
  'ends-at-once': { what: 'ends before it says anything', verdict: 'cannot-run', onStart: crash },
};
