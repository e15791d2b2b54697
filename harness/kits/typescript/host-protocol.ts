// seam-stdio/1 for a host in TypeScript, and SEAMCALLs that say what failed: need not be touched.
import { readSync, writeSync } from 'node:fs';

const [EIO, EACCES, ENODEV, EOPNOTSUPP] = [-5, -13, -19, -95];
const SYS_RD = 0x22;
// Operand busy, system busy, no entropy, key generation failed: another try may do.
const TRANSIENT = [0x80000200n, 0x80000202n, 0x80000203n, 0x80000800n];
const TRIES = 10;
const TRAPS: { readonly [trap: string]: readonly [errno: number, message: string, text: string] } = {
  gp: [EOPNOTSUPP, 'strict-gp', '#GP, SEAM is not enabled there'],
  ud: [EACCES, 'strict-ud', '#UD, not in VMX operation'],
  vmfail: [ENODEV, 'strict-vmfail', 'no module answers'],
};

export interface CPUFacts {
  readonly package: number;
  readonly present: boolean;
  readonly online: boolean;
  readonly bootable: boolean;
}

export interface Boot {
  readonly cpus: readonly CPUFacts[];
  readonly keyids: { readonly mktme: number; readonly tdx: number } | null;
  readonly addressEnd: string;
  readonly seamrrEnabled: boolean;
  readonly hibernation: boolean;
}

/** Any other command; which members it has depends on its type. */
export interface Command {
  readonly online: readonly number[];
  readonly cpu: number;
  readonly memory: readonly { readonly base: string; readonly size: string; readonly node: number }[];
  readonly base: string;
  readonly size: string;
}

/** The commands beside boot by their names; what they throw as Failed is returned. */
export interface Host {
  readonly state: () => object;
  readonly [command: string]: (request: Command) => number | object;
}

interface Message {
  readonly [member: string]: unknown;
}

/** Initialisation goes no further. */
export class Failed extends Error {
  readonly errno: number;
  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`;
}

/** Asks something within a command: seamcall, alloc, load, vmxon, offline-memory. */
export function ask(what: Message): Message {
  asked += 1;
  tell({ ...what, id: asked });
  return receive();
}
let asked = 0;

/** Does something that has no answer: free, store, movdir64b, wbinvd, vmxoff, printk. */
export function tell(what: Message): void {
  const bytes = Buffer.from(`${JSON.stringify(what)}\n`);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(1, bytes, sent);
}

/** A line of dmesg, and what it means (a name and arguments of model/kernel/message.ts). */
export function say(text: string, level: number, message?: string, ...args: number[]): void {
  tell({ type: 'printk', text: `virt/tdx: ${text}`, level, ...(message !== undefined && { message, args }) });
}

export function store(address: number, words: readonly number[]): void {
  tell({ type: 'store', address: hex(address), words: words.map(hex) });
}

/** A metadata field of the module. */
export function read(cpu: number, field: bigint): number {
  return Number(seamcall(cpu, SYS_RD, { rdx: field })['r8']);
}

/** One SEAMCALL, again while another try may do; says what failed and throws. */
export function seamcall(
  lp: number,
  leaf: number,
  operands: { readonly [name: string]: number | bigint } = {},
): Message {
  const registers = Object.fromEntries(Object.entries(operands).map(([name, value]) => [name, hex(value)]));
  for (let tries = 1; ; tries++) {
    const answer = ask({ type: 'seamcall', lp, rax: hex(leaf), ...registers });
    const status = BigInt(String(answer['rax']));
    if (answer['trap'] === 'none' && status === 0n) return answer;
    if (answer['trap'] === 'none' && TRANSIENT.includes(status >> 32n) && tries < TRIES) continue;
    const [errno, message, text] = TRAPS[String(answer['trap'])] ?? [EIO, '', ''];
    if (message === '') {
      const [number, failure] = [leaf, status].map((value) => value.toString(16).padStart(16, '0'));
      say(`SEAMCALL (0x${number}) failed: 0x${failure}`, 3);
    } else say(`SEAMCALL on CPU ${lp}: ${text}`, 3, message, lp);
    throw new Failed(errno);
  }
}

let rest = Buffer.alloc(0);
const chunk = Buffer.alloc(65536);

/** The next message; a line that is none is answered with an error, and life goes on. */
function receive(): Message {
  for (;;) {
    const end = rest.indexOf(0x0a);
    if (end < 0) {
      const got = readSync(0, chunk, 0, chunk.length, null);
      if (got === 0) process.exit();
      rest = Buffer.concat([rest, chunk.subarray(0, got)]);
      continue;
    }
    const line = rest.subarray(0, end).toString();
    rest = rest.subarray(end + 1);
    try {
      const message = JSON.parse(line) as Message;
      if (typeof message['type'] === 'string' && typeof message['id'] === 'number') return message;
      throw new Error('expected a type and an id');
    } catch (error) {
      tell({ type: 'error', id: null, message: String(error) });
    }
  }
}

export function serve(
  hello: { readonly capabilities: { readonly commands: readonly string[] } },
  make: (boot: Boot) => Host,
): void {
  let host: Host | null = null;
  const perform = (kind: string, request: Message): number => {
    try {
      return Number(host?.[kind]?.(request as unknown as Command));
    } catch (error) {
      if (error instanceof Failed) return error.errno;
      throw error;
    }
  };
  for (;;) {
    const request = receive();
    const { type, id } = request as { type: string; id: number };
    try {
      if (type === 'hello') tell({ type, id, ...hello });
      else if (type === 'ping') tell({ type: 'pong', id });
      else if (type === 'stop') {
        tell({ type: 'stopped', id });
        return;
      } else if (!hello.capabilities.commands.includes(type))
        tell({ type: 'error', id, message: `no such command: ${type}` });
      else {
        if (type === 'boot' && !Array.isArray(request['cpus'])) throw new Error('a boot has cpus');
        // Everything before a boot is forgotten.
        if (type === 'boot') host = make(request as unknown as Boot);
        const ret = type === 'boot' ? 0 : perform(type, request);
        tell({ type: 'done', id, ret, state: host?.state() });
      }
    } catch (error) {
      tell({ type: 'error', id, message: String(error) });
    }
  }
}
