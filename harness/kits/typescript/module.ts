// A TDX module that is just begun, behind seam-stdio/1. Copy it, then make it yours: nothing but Node is needed.
// See docs/implementing.md.
import { createInterface } from 'node:readline';

// --- The module: replace this part with yours --------------------------------------------------------------------

const SUCCESS = 0n;
const OPERAND_INVALID = 0xc000010000000000n;
const SYS_NOT_READY = 0xc000050500000000n;
const SYS_INIT_NOT_PENDING = 0xc000050000000000n;
const SYS_LP_INIT_NOT_PENDING = 0xc000050b00000000n;
const SYS_LP_INIT_DONE = 0xc000050300000000n;
const SYS_CONFIG_NOT_PENDING = 0xc000050c00000000n;
const SYS_KEY_CONFIG_NOT_PENDING = 0xc000050700000000n;
const KEY_CONFIGURED = 0x81500000000n;

interface Module {
  phase: 'PENDING' | 'SYSINIT_DONE' | 'CONFIG_DONE' | 'READY';
  /** By LP. */
  readonly packages: readonly number[];
  readonly initialised: Set<number>;
  readonly configured: Set<number>;
}

/** The module as the loader leaves it: made anew for every case. */
function createModule({ lps }: Platform): Module {
  return { phase: 'PENDING', packages: lps.map(({ pkg }) => pkg), initialised: new Set(), configured: new Set() };
}

/** A leaf returns RAX; `regs` are the other registers, to be changed in place. */
type Leaf = (module: Module, lp: number, regs: { [register: string]: bigint }) => bigint;

// A leaf that is not here is answered TDX_SYS_NOT_READY before READY, and "unsupported" after.
const LEAVES = new Map<bigint, Leaf>([
  [
    0x21n,
    function sysInit(module) {
      if (module.phase !== 'PENDING') return SYS_INIT_NOT_PENDING;
      module.phase = 'SYSINIT_DONE';
      return SUCCESS;
    },
  ],
  [
    0x23n,
    function sysLPInit({ phase, initialised }, lp) {
      if (phase !== 'SYSINIT_DONE') return SYS_LP_INIT_NOT_PENDING;
      if (initialised.has(lp)) return SYS_LP_INIT_DONE;
      initialised.add(lp);
      return SUCCESS;
    },
  ],
  [
    0x2dn,
    function sysConfig(module) {
      const { phase, initialised, packages } = module;
      if (phase !== 'SYSINIT_DONE' || initialised.size !== packages.length) return SYS_CONFIG_NOT_PENDING;
      // Next: read the TDMR_INFOs that RCX points to, and check them.
      module.phase = 'CONFIG_DONE';
      return SUCCESS;
    },
  ],
  [
    0x1fn,
    function sysKeyConfig(module, lp) {
      const { phase, configured, packages } = module;
      if (phase !== 'CONFIG_DONE') return SYS_KEY_CONFIG_NOT_PENDING;
      const own = packages[lp] ?? 0;
      if (configured.has(own)) return KEY_CONFIGURED;
      configured.add(own);
      if (packages.every((one) => configured.has(one))) module.phase = 'READY';
      return SUCCESS;
    },
  ],
]);
const BEFORE_READY = new Set([0x20n, 0x22n, 0x25n, 0x2cn, 0x35n]);
/** They may have a version in RAX bits 23:16; bits 63:24 are always 0. */
const VERSIONED = new Set([0x3n, 0xbn, 0x17n, 0x1an, 0x1en]);
const OUTPUTS = ['rcx', 'rdx', 'r8', 'r9', 'r10', 'r11'] as const;
const INPUTS_NOT_READ = ['msr', 'lpMsr', 'cpuid', 'inject', 'seamopsCaps', 'reload', 'read'] as const;

const HELLO = {
  protocol: { major: 1, minor: 0 },
  implementation: { name: 'typescript starter', version: '0.1', language: 'TypeScript' },
  capabilities: {
    role: 'module',
    modules: ['1.5.01'],
    leaves: [...LEAVES.keys()].map((leaf) => `0x${leaf.toString(16)}`),
    inputs: ['mem', 'repeat'],
    batchMax: 16,
    inFlightMax: 4,
    state: false,
    deterministic: true,
  },
};

// --- What comes in -----------------------------------------------------------------------------------------------

interface Platform {
  readonly lps: readonly { readonly id: number; readonly pkg: number }[];
}

interface Step {
  readonly seamcall: { readonly lp: number; readonly rax: string; readonly [register: string]: string | number };
  readonly repeat?: number;
  readonly [input: string]: unknown;
}

interface Case {
  readonly id: string;
  readonly platform: Platform;
  readonly steps: readonly Step[];
}

type Request =
  | { readonly type: 'hello' | 'ping' | 'stop' }
  | { readonly type: 'configure'; readonly profile: { readonly module: string } }
  | { readonly type: 'run'; readonly cases: readonly Case[] };

/** One case from reset: what came of each of its steps. */
function play({ id, platform, steps }: Case): object {
  const module = createModule(platform);
  const answers: object[] = [];
  for (const step of steps) {
    // Words written before the call: step.mem, not read yet. What is not simulated is said to be unsupported.
    const missing = INPUTS_NOT_READ.filter((name) => step[name] !== undefined);
    const answer = missing.length === 0 ? call(module, step) : { unsupported: `no ${missing.join(', ')}` };
    answers.push(answer);
    if ('unsupported' in answer) break;
  }
  return { case: id, outcome: 'observed', steps: answers };
}

function call(module: Module, { seamcall, repeat }: Step): object {
  const regs: { [register: string]: bigint } = {};
  for (const name of OUTPUTS) regs[name] = BigInt(seamcall[name] ?? 0);
  const rax = BigInt(seamcall.rax);
  const isLeafNumber = rax < 0x1000000n && (rax < 0x10000n || VERSIONED.has(rax & 0xffffn));
  const leaf = isLeafNumber ? LEAVES.get(rax) : () => OPERAND_INVALID;
  const runs: { n: number; result: { [register: string]: string } }[] = [];
  for (let made = 0; made < (repeat ?? 1); made += 1) {
    if (leaf === undefined && (module.phase === 'READY' || BEFORE_READY.has(rax)))
      return { unsupported: `leaf ${seamcall.rax}` };
    const status = leaf === undefined ? SYS_NOT_READY : leaf(module, seamcall.lp, regs);
    const result: { [register: string]: string } = { rax: `0x${status.toString(16)}` };
    for (const name of OUTPUTS) if (regs[name] !== 0n) result[name] = `0x${regs[name]?.toString(16)}`;
    const last = runs.at(-1);
    if (last !== undefined && JSON.stringify(last.result) === JSON.stringify(result)) last.n += 1;
    else runs.push({ n: 1, result });
  }
  return repeat === undefined ? { result: runs[0]?.result } : { runs };
}

// --- The protocol: need not be touched ---------------------------------------------------------------------------

function answer(request: Request): object {
  switch (request.type) {
    case 'hello':
      return { type: 'hello', ...HELLO };
    case 'configure': {
      const { module } = request.profile;
      if (HELLO.capabilities.modules.includes(module)) return { type: 'configured', outcome: 'ok' };
      return { type: 'configured', outcome: 'unsupported', reason: `it is no ${module}` };
    }
    case 'run':
      return { type: 'ran', results: request.cases.map(play) };
    case 'ping':
      return { type: 'pong' };
    case 'stop':
      return { type: 'stopped' };
    default:
      throw new Error('unknown type');
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  let id: unknown = null;
  let response: object;
  try {
    const request = JSON.parse(line) as Request & { readonly id?: unknown };
    id = request.id ?? null;
    response = answer(request);
  } catch (error) {
    // A bad line is answered, and life goes on.
    response = { type: 'error', message: String(error) };
  }
  process.stdout.write(`${JSON.stringify({ ...response, id })}\n`);
  if ('type' in response && response.type === 'stopped') process.exit();
}
