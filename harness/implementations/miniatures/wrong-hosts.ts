import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { formatU64 } from '../../../model/abi/u64.ts';
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { writeSync } from 'node:fs';
import { LINUX_6_12 } from '../../../model/kernel/revisions/6.12.ts';
import { STRICT as STRICT_KERNEL } from '../../../model/kernel/revisions/strict.ts';
import type { HostImplementation } from '../host/implementation.ts';
import type { Answer, Ask, Done } from '../protocol/host-messages.ts';
import { modelHost } from '../host/model.ts';

/** A deliberately bad host: one of our kernels with one thing wrong, and what has to be said of it. */
export interface WrongHost {
  readonly what: string;
  /** The kernel it is made of, and whether it still claims to be that. */
  readonly kernel: 'strict' | '6.12';
  readonly claims: boolean;
  /** The only buckets it is found in, beginnings of them; `cannot-run`: it is not even started. */
  readonly buckets: readonly string[] | 'cannot-run';
  /** What it does can be seen without a process of its own. */
  readonly tame?: true;
  readonly host?: (host: HostImplementation) => HostImplementation;
  /** What it does to its own lines. */
  readonly writer?: (write: (line: string) => void) => (line: string) => void;
}

const KEY_CONFIG = formatU64(LEAF_NUMBER['TDH.SYS.KEY.CONFIG']);
const SYS_CONFIG = formatU64(LEAF_NUMBER['TDH.SYS.CONFIG']);
const TDMR_INIT = formatU64(LEAF_NUMBER['TDH.SYS.TDMR.INIT']);
const STDOUT = 1;

type Asker = (ask: Ask) => Answer | null;

/** Changes what the host asks: `change` stands between the host and the model. */
function asking(change: (ask: Ask, pass: Asker) => Answer | null): (host: HostImplementation) => HostImplementation {
  return (host) => ({ ...host, perform: (command, ask) => host.perform(command, (what) => change(what, ask)) });
}

/** What it answers to a command changed. */
function answering(change: (done: Done, type: string) => Done): (host: HostImplementation) => HostImplementation {
  return (host) => ({
    ...host,
    perform: (command, ask) => change(host.perform(command, ask), command.type),
  });
}

/** Something that happens before its TDH.SYS.CONFIG. */
function before(what: () => void): (host: HostImplementation) => HostImplementation {
  return asking((ask, pass) => {
    if (ask.type === 'seamcall' && ask.rax === SYS_CONFIG) what();
    return pass(ask);
  });
}

const SUCCESS = {
  trap: 'none',
  rax: '0x0',
  rcx: '0x0',
  rdx: '0x0',
  r8: '0x0',
  r9: '0x0',
  r10: '0x0',
  r11: '0x0',
} as const;

const STRICT = { kernel: 'strict', claims: false } as const;
const LINUX = { kernel: '6.12', claims: true } as const;

/** One state for all boots, as a careless host has it. */
const kept = new Set<number>();
let keyed = false;

export const WRONG_HOSTS: Readonly<Record<string, WrongHost>> = {
  right: { what: 'our model of Linux 6.12', ...LINUX, buckets: [] },
  strict: {
    what: 'the kernel that breaks no rule, which claims to equal no known kernel',
    ...STRICT,
    tame: true,
    buckets: [],
  },
  'skips-a-package': {
    what: 'configures the key on the first package only, and initialises nothing',
    ...STRICT,
    tame: true,
    buckets: ['key/', 'ledger/', 'flow/', 'balance/'],
    host: (host) => {
      const skipping = asking((ask, pass) => {
        if (ask.type !== 'seamcall' || (ask.rax !== KEY_CONFIG && ask.rax !== TDMR_INIT)) return pass(ask);
        if (ask.rax === TDMR_INIT) return { ...SUCCESS, rdx: ask.until ?? '0x0' };
        if (keyed) return SUCCESS;
        const answer = pass(ask);
        keyed = answer !== null && 'trap' in answer && answer.trap === 'none' && answer.rax === '0x0';
        return answer;
      })(host);
      return {
        ...skipping,
        perform(command, ask) {
          if (command.type === 'boot') keyed = false;
          return skipping.perform(command, ask);
        },
      };
    },
  },
  'no-wbinvd': {
    what: 'flushes no cache',
    ...STRICT,
    tame: true,
    buckets: ['pamt/'],
    host: asking((ask, pass) => (ask.type === 'wbinvd' ? null : pass(ask))),
  },
  'swallows-gp': {
    what: 'takes a #GP for success',
    ...LINUX,
    claims: false,
    tame: true,
    buckets: ['sw-error/', 'ledger/initialised-lps-agree', 'flow/nothing-follows-a-failure'],
    host: asking((ask, pass) => {
      const answer = pass(ask);
      return answer !== null && 'trap' in answer && answer.trap === 'gp' ? { ...answer, ...SUCCESS } : answer;
    }),
  },
  'skips-nothing-but-the-end': {
    what: 'initialises only the beginning of each TDMR',
    ...STRICT,
    buckets: ['ledger/', 'flow/'],
    tame: true,
    host: asking((ask, pass) => {
      if (ask.type !== 'seamcall' || ask.until === undefined) return pass(ask);
      const { until, ...once } = ask;
      const answer = pass(once);
      return answer !== null && 'trap' in answer && answer.rax === '0x0' ? { ...answer, rdx: until } : answer;
    }),
  },
  'swallows-vmfail': {
    what: 'takes it for success that no module answers',
    ...STRICT,
    buckets: ['sw-error/', 'ledger/', 'flow/', 'naming/'],
    tame: true,
    host: asking((ask, pass) => {
      const answer = pass(ask);
      if (answer === null || !('trap' in answer) || answer.trap !== 'vmfail') return answer;
      return { ...answer, ...SUCCESS, ...(ask.type === 'seamcall' && ask.until !== undefined && { rdx: ask.until }) };
    }),
  },
  leaks: {
    what: 'gives nothing back',
    ...STRICT,
    tame: true,
    buckets: ['balance/allocations'],
    host: asking((ask, pass) => (ask.type === 'free' ? null : pass(ask))),
  },
  'frees-twice': {
    what: 'gives everything back twice',
    ...STRICT,
    tame: true,
    buckets: ['host/frees-what-it-has'],
    host: asking((ask, pass) => {
      if (ask.type === 'free') pass(ask);
      return pass(ask);
    }),
  },
  'wrong-errno': {
    what: 'returns -EINVAL where -EIO belongs',
    ...LINUX,
    tame: true,
    buckets: [
      'host/is-its-model|enable: errno',
      'host/is-its-model|cpu-enable: errno',
      'sw-error/errno-says-how',
      'naming/verdict-carries-errno',
    ],
    host: answering((done) => (done.ret === -5 ? { ...done, ret: -22 } : done)),
  },
  'prints-less': {
    what: 'does not say that the module is initialised',
    ...LINUX,
    tame: true,
    buckets: ['host/is-its-model|enable: dmesg'],
    host: asking((ask, pass) => (ask.type === 'printk' && ask.message === 'module-initialised' ? null : pass(ask))),
  },
  'keeps-state': {
    what: 'remembers LPs of earlier boots',
    ...LINUX,
    buckets: ['host/boot-forgets', 'ledger/initialised-lps-agree'],
    host: answering((done) => {
      for (const lp of done.state.lps) kept.add(lp);
      return { ...done, state: { ...done.state, lps: [...kept].sort((a, b) => a - b) } };
    }),
  },
  'non-deterministic': {
    what: 'asks for a random amount of memory',
    ...LINUX,
    buckets: ['host/is-deterministic'],
    host: asking((ask, pass) =>
      ask.type === 'alloc' && ask.kind === 'pages'
        ? pass({ ...ask, size: `0x${(Number(ask.size) + 4096 * randomInt(1, 1000)).toString(16)}` })
        : pass(ask),
    ),
  },
  'swallows-errors': {
    what: 'returns 0 from a failed initialisation',
    ...STRICT,
    buckets: ['sw-error/', 'naming/'],
    tame: true,
    host: answering((done, type) => (type === 'enable' && done.ret < 0 ? { ...done, ret: 0 } : done)),
  },
  crash: {
    what: 'ends before TDH.SYS.CONFIG',
    ...STRICT,
    buckets: ['host/answers|crash|enable'],
    host: before(() => {
      process.stderr.write('segmentation fault\n');
      process.exit(3);
    }),
  },
  panics: {
    what: 'says that it has crashed where TDX was to be initialised',
    ...LINUX,
    tame: true,
    buckets: ['host/is-its-model|enable: crash', 'sw-error/', 'naming/verdict-carries-errno'],
    host: answering((done, type) => (type === 'enable' ? { ...done, crash: 'kernel panic' } : done)),
  },
  hang: {
    what: 'never comes back from before TDH.SYS.CONFIG',
    ...STRICT,
    buckets: ['host/answers|hang|enable'],
    host: before(() => {
      for (;;);
    }),
  },
  endless: {
    what: 'asks for ever',
    ...STRICT,
    buckets: ['host/answers|hang|enable'],
    host: asking((ask, pass) => {
      if (ask.type === 'seamcall' && ask.rax === SYS_CONFIG) for (;;) pass({ type: 'load', address: '0x0', count: 1 });
      return pass(ask);
    }),
  },
  garbage: {
    what: 'prints for debugging on stdout',
    ...STRICT,
    buckets: ['host/answers|garbage|enable'],
    host: before(() => void writeSync(STDOUT, 'here: 1\n')),
  },
  'half-a-line': {
    what: 'ends in the middle of a line',
    ...STRICT,
    buckets: ['host/answers|crash|enable'],
    host: before(() => {
      writeSync(STDOUT, '{"type":"seamcall","id":');
      process.exit(0);
    }),
  },
  'long-line': {
    what: 'writes a line of 100 MB',
    ...STRICT,
    buckets: ['host/answers|line-too-long|enable'],
    host: before(() => {
      const part = 'x'.repeat(64 * 1024);
      for (let kilobytes = 0; kilobytes < 100 * 1024; kilobytes += 64) writeSync(STDOUT, part);
    }),
  },
  'wrong-id': {
    what: 'ends a command that was not given',
    ...STRICT,
    buckets: ['host/answers|protocol-violation|boot'],
    writer: (write) => (line) => write(line.replace(/^\{"type":"done","id":\d+/, '{"type":"done","id":999999')),
  },
  'old-question': {
    what: 'asks every question under the same id',
    ...STRICT,
    buckets: ['host/answers|protocol-violation|enable', 'host/answers|protocol-violation|cpu-enable'],
    writer: (write) => (line) =>
      write(line.replace(/"id":\d+\}$/, (id) => (line.startsWith('{"type":"seamcall"') ? '"id":1}' : id))),
  },
  'upper-case': {
    what: 'writes numbers in upper case',
    ...STRICT,
    buckets: ['host/answers|protocol-violation|enable'],
    host: asking((ask, pass) => (ask.type === 'alloc' ? pass({ ...ask, size: '0x1000F' }) : pass(ask))),
  },
  'leaves-children': {
    what: 'leaves a process behind that holds its stdout open',
    ...STRICT,
    buckets: ['host/answers|crash|enable'],
    host: before(() => {
      const child = spawn('sleep', ['1000'], { stdio: ['ignore', 'inherit', 'inherit'] });
      process.stderr.write(`child ${child.pid}\n`);
      process.exit(3);
    }),
  },
  verbose: {
    what: 'floods stderr',
    ...STRICT,
    buckets: [],
    host: before(() => {
      for (let lines = 0; lines < 200; lines += 1) process.stderr.write(`${'noise '.repeat(1000)}\n`);
    }),
  },
  'deaf-to-bad-input': {
    what: 'says nothing to a line that is no message, as it must not',
    ...STRICT,
    buckets: [],
    writer: (write) => (line) => {
      if (!line.startsWith('{"type":"error"')) write(line);
    },
  },
  mute: { what: 'never says hello', ...STRICT, buckets: 'cannot-run', writer: () => () => undefined },
  'old-version': {
    what: 'speaks another version',
    ...STRICT,
    buckets: 'cannot-run',
    writer: (write) => (line) => write(line.replace('"protocol":{"major":1,', '"protocol":{"major":7,')),
  },
  'claims-too-much': {
    what: 'claims to be a kernel that there is not',
    ...STRICT,
    buckets: 'cannot-run',
    host: (host) => ({ ...host, capabilities: { ...host.capabilities, behavesLike: '9.9' } }),
  },
};

/** The host itself: a model of its kernel with the one thing wrong. */
export function makeWrongHost({ what, kernel, claims, host = (one) => one }: WrongHost): HostImplementation {
  const model = modelHost(kernel === 'strict' ? STRICT_KERNEL : LINUX_6_12, '1');
  const { behavesLike: _, ...unclaimed } = model.capabilities;
  return host({
    ...model,
    capabilities: claims ? model.capabilities : unclaimed,
    identity: { name: what, version: '1' },
  });
}
