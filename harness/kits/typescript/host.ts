// A host that makes SEAMCALLs, behind seam-stdio/1. Copy it, then make it yours: nothing but Node is needed.
// See docs/implementing-a-host.md.
import { type CMR, convertible, cover, type Region } from './host-memory.ts';
import { ask, type Boot, type Command, type CPUFacts, Failed, type Host } from './host-protocol.ts';
import { hex, read, say, seamcall, serve, tell } from './host-protocol.ts';
import { allocatePAMTs, readCMRs, writeTable } from './host-tdmrs.ts';

const [EACCES, ENODEV, EINVAL, ENOSPC] = [-13, -19, -22, -28];
const [KEY_CONFIG, SYS_INIT, LP_INIT, TDMR_INIT, SYS_CONFIG] = [0x1f, 0x21, 0x23, 0x24, 0x2d];

const HELLO = {
  protocol: { major: 1, minor: 0 },
  implementation: { name: 'typescript host starter', version: '0.1', language: 'TypeScript' },
  capabilities: { role: 'host', commands: ['boot', 'enable', 'memory-online'], deterministic: true },
};

/** Everything the host knows; made anew by every boot. */
interface State {
  readonly cpus: readonly CPUFacts[];
  /** The global KeyID. */
  readonly keyid: number;
  readonly offered: boolean;
  initialised: boolean;
  online: readonly number[];
  sysinit: boolean;
  /** LPs and packages that are done. */
  readonly lps: Set<number>;
  readonly keyed: Set<number>;
  /** What the module was given, once it was. */
  given: { readonly tdmrs: readonly CMR[]; readonly memory: readonly Region[] } | null;
  /** How many TDMRs are initialised. */
  ready: number;
}

/** A host as `boot` leaves it. */
function createHost({ cpus, keyids, addressEnd, seamrrEnabled, hibernation }: Boot): Host {
  const keyid = (keyids?.mktme ?? 0) + 1;
  const count = keyids?.tdx ?? 0;
  const offered = count >= 2 && keyid + count <= 2 ** 52 / Number(addressEnd) && seamrrEnabled && !hibernation;
  const state: State = {
    ...{ cpus, keyid, offered, initialised: false, online: [], sysinit: false },
    ...{ lps: new Set(), keyed: new Set(), given: null, ready: 0 },
  };
  return {
    state: () => described(state),
    enable: (request) => enable(state, request),
    'memory-online': (request) => judgeMemory(state, request),
  };
}

function described({ offered, initialised, lps, given }: State): Record<string, unknown> {
  const tdx = initialised ? 'initialised' : 'uninitialised';
  const memory = given?.memory ?? [];
  return {
    ...{ offered, tdx, lps: [...lps].sort((a, b) => a - b), s3: !initialised },
    tdxMemory: memory.map(({ base, end, node }) => ({ base: hex(base), size: hex(end - base), node })),
  };
}

function enable(state: State, request: Command): number {
  if (!state.offered) return ENODEV;
  if (state.initialised) return 0;
  state.online = request.online;
  bringUp(state);
  if (state.given === null) configure(state, request.cpu, request.memory);
  finish(state, request.cpu);
  state.initialised = true;
  return 0;
}

/** Once TDX runs, what is not TDX memory must not reach the page allocator. */
function judgeMemory({ initialised, given }: State, request: Command): number {
  const [base, end] = [Number(request.base), Number(request.base) + Number(request.size)];
  let at = base;
  for (const region of [...(given?.memory ?? [])].sort((a, b) => a.base - b.base))
    if (region.base <= at && at < region.end) at = region.end;
  if (!initialised || at >= end) return 0;
  const range = `[${hex(base)}, ${hex(end)})`;
  say(`Reject hot-adding memory range: ${range} for TDX compatibility.`, 4, 'memory-refused', base, end);
  return EINVAL;
}

function facts({ cpus }: State, lp: number): CPUFacts {
  return cpus[lp] ?? { package: 0, present: false, online: false, bootable: false };
}

/** Names the LP that is in the way, and every package that has no CPU online. */
function blame(state: State, lp: number, text: string, message: string, errno: number): never {
  const { package: number } = facts(state, lp);
  say(`CPU ${lp} in package ${number} ${text}`, 3, message, lp, number);
  const dark = new Set(state.cpus.filter(({ present }) => present).map((cpu) => cpu.package));
  for (const other of state.online) dark.delete(facts(state, other).package);
  for (const pkg of dark) say(`no online CPUs in package ${pkg}`, 3, 'package-without-cpu', pkg);
  throw new Failed(errno);
}

/** One SEAMCALL on an LP that may be offline, or not in VMX operation. */
function callOn(state: State, lp: number, leaf: number): void {
  if (ask({ type: 'vmxon', lp })['entered'] !== true)
    blame(state, lp, 'cannot enter VMX operation', 'lp-not-in-vmx', EACCES);
  try {
    seamcall(lp, leaf);
  } finally {
    if (!state.online.includes(lp)) tell({ type: 'vmxoff', lp });
  }
}

/** The module waits for every LP that was there at boot, whether it is online now or not. */
function bringUp(state: State): void {
  for (const [lp, { present, bootable }] of state.cpus.entries()) {
    if (!present || state.lps.has(lp)) continue;
    if (!state.online.includes(lp) && !bootable)
      blame(state, lp, 'cannot be brought up for TDX', 'lp-held-offline', EINVAL);
    if (!state.sysinit) callOn(state, lp, SYS_INIT);
    state.sysinit = true;
    callOn(state, lp, LP_INIT);
    state.lps.add(lp);
  }
}

/** TDMRs over all convertible memory, their PAMTs, TDH.SYS.CONFIG. What fails gives everything back. */
function configure(state: State, cpu: number, regions: Command['memory']): void {
  const objects: number[] = [];
  try {
    const cmrs = readCMRs(cpu);
    const memory = convertible(regions, cmrs);
    const tdmrs = cover(memory);
    if (tdmrs.length > read(cpu, 0x9100000100000008n)) {
      say('initialization failed: TDMRs exhausted.', 4);
      throw new Failed(ENOSPC);
    }
    const pamts = allocatePAMTs(cpu, tdmrs, objects);
    const table = writeTable(cpu, tdmrs, pamts, cmrs, objects);
    seamcall(cpu, SYS_CONFIG, { rcx: table, rdx: tdmrs.length, r8: state.keyid });
    // From here on the module can reach the PAMTs: they stay, and another try goes on where this one stopped.
    state.given = { tdmrs, memory };
  } catch (error) {
    for (const address of objects) tell({ type: 'free', address: hex(address) });
    throw error;
  }
}

/** Caches flushed, the key on every package, then every TDMR initialised. */
function finish(state: State, cpu: number): void {
  const { lps, keyed, online } = state;
  if (keyed.size === 0) tell({ type: 'wbinvd' });
  for (const { package: pkg, present } of state.cpus) {
    if (!present || keyed.has(pkg)) continue;
    const there = [...lps].filter((lp) => facts(state, lp).package === pkg);
    callOn(state, there.find((lp) => online.includes(lp)) ?? there[0] ?? cpu, KEY_CONFIG);
    keyed.add(pkg);
  }
  for (const { base, end } of state.given?.tdmrs.slice(state.ready) ?? []) {
    seamcall(cpu, TDMR_INIT, { rcx: base, until: end });
    state.ready++;
  }
}

serve(HELLO, createHost);
