import { PAGE_4K } from '../../model/abi/page.ts';
import { LEAF_NUMBER } from '../../model/abi/leaf-number.ts';
import type { Registers } from '../../model/abi/registers.ts';
import { STATUS } from '../../model/abi/status.ts';
import { formatU64, type U64 } from '../../model/abi/u64.ts';
import type { AllocationKind, KernelPort, Trap } from '../../model/kernel/port.ts';
import { array, integer, object, optionalArray, registerList, text, u64, type Json } from './linux-format.ts';

/** Replay and recording went different ways: what was expected, what the model did. Ends the case. */
export class Divergence extends Error {
  readonly what: string;
  readonly expected: string;
  readonly got: string;
  constructor(what: string, expected: string, got: string) {
    super(`${what}: expected ${expected}, got ${got}`);
    this.what = what;
    this.expected = expected;
    this.got = got;
  }
}

/** The recorder's loop guard struck here: what the kernel would have done next is not recorded. */
export class GuardStruck extends Error {}

/** The leaves of the recordings, by number: the recorder leaves out the prefix of a name. */
const LEAF_NAMES: ReadonlyMap<U64, string> = new Map(
  (
    [
      'TDH.PHYMEM.PAGE.RDMD',
      'TDH.SYS.KEY.CONFIG',
      'TDH.SYS.INFO',
      'TDH.SYS.INIT',
      'TDH.SYS.RD',
      'TDH.SYS.LP.INIT',
      'TDH.SYS.TDMR.INIT',
      'TDH.SYS.LP.SHUTDOWN',
      'TDH.SYS.CONFIG',
    ] as const
  ).map((name) => [LEAF_NUMBER[name], name.slice('TDH.'.length)]),
);

/**
 * A kernel port that answers from one recorded reply after another, and compares everything the kernel does with it.
 * `begin` opens a reply, `finish` checks that all of it was used.
 */
export interface ReplayPort extends KernelPort {
  begin(reply: Json, cpu: number): void;
  finish(): void;
  /** CPUs that can enter VMX operation (7.3: the recorder's vmxon and vmxoff). */
  readonly canEnterVMX: Set<number>;
  readonly seamcalls: number;
}

/** One recorded reply, and how much of it the kernel has used up. */
interface Replay {
  reply: Json;
  commandCPU: number;
  rows: readonly unknown[];
  rowIndex: number;
  /** Calls of the current row not yet made; -1: no row is open. */
  remaining: number;
  /** Registers of the current row: RCX, RDX, R8. */
  inputs: readonly U64[];
  /** The same of its answer: RAX, RCX, RDX, R8. */
  outputs: readonly U64[];
  allocations: readonly unknown[];
  allocationIndex: number;
  configured: boolean;
  /** Where the latest MOVDIR64B ended, if no other row came since; -1: none. */
  resetEnd: number;
  readonly resets: Range[];
  flushes: number;
  flushesOfAll: number;
  /** Of all replies. */
  seamcalls: number;
  readonly memory: Map<number, U64>;
}

interface Range {
  readonly start: number;
  readonly end: number;
}

export function createReplayPort(): ReplayPort {
  const replay: Replay = {
    reply: {},
    commandCPU: 0,
    rows: [],
    rowIndex: 0,
    remaining: -1,
    inputs: [],
    outputs: [],
    allocations: [],
    allocationIndex: 0,
    configured: false,
    resetEnd: -1,
    resets: [],
    flushes: 0,
    flushesOfAll: 0,
    seamcalls: 0,
    memory: new Map(),
  };
  return {
    canEnterVMX: new Set(),
    get seamcalls() {
      return replay.seamcalls;
    },
    begin: (reply, cpu) => begin(replay, reply, cpu),
    finish: () => finish(replay),
    seamcall: (cpu, registers) => call(replay, cpu, registers, false),
    tdmrInitLoop: (cpu, registers, base, end) => tdmrInitLoop(replay, cpu, registers, base, end),
    metadataRun() {
      // Every call is held against the recording.
    },
    alloc: (kind, bytes, node) => alloc(replay, kind, bytes, node),
    free(kind: AllocationKind, base, bytes) {
      if (kind === 'c') event(replay, 'freePamt', replay.commandCPU, base, bytes);
    },
    writeWord: (at, value) => void replay.memory.set(at, value),
    readWord: (at) => replay.memory.get(at) ?? 0,
    movdir64b: (cpu, base, size) => movdir64b(replay, cpu, base, size),
    wbinvdAll(cpu) {
      replay.flushesOfAll++;
      event(replay, 'wbinvd', cpu);
    },
    wbinvd() {
      // A CPU that flushes only itself leaves no event in the recording, but is counted there.
      replay.flushes++;
    },
    vmxon(cpu) {
      return this.canEnterVMX.has(cpu);
    },
    vmxoff() {
      // The recorder switches VMX off itself; the answers it gave later already say so.
    },
    onlineMemory() {
      // The recordings online memory by calling the notifier alone.
    },
    offlineMemory: () => false,
    printk() {
      // Lines are compared at the end of the command, from the kernel's own log.
    },
  };
}

function begin(replay: Replay, reply: Json, cpu: number): void {
  replay.reply = reply;
  replay.commandCPU = cpu;
  replay.rows = optionalArray(reply['sc'], 'sc');
  replay.rowIndex = 0;
  replay.remaining = -1;
  replay.allocations = optionalArray(reply['alloc'], 'alloc');
  replay.allocationIndex = 0;
  replay.configured = false;
  replay.resetEnd = -1;
  replay.resets.length = 0;
  replay.flushes = 0;
  replay.flushesOfAll = 0;
}

function finish(replay: Replay): void {
  const { reply, rows, rowIndex, allocations, allocationIndex, configured } = replay;
  if (rowIndex < rows.length) throw new Divergence(`sc[${rowIndex}]`, JSON.stringify(rows[rowIndex]), 'nothing more');
  if (allocationIndex < allocations.length)
    throw new Divergence(`alloc[${allocationIndex}]`, JSON.stringify(allocations[allocationIndex]), 'nothing more');
  if (reply['tdmrs'] !== undefined && !configured) throw new Divergence('tdmrs', 'a SYS.CONFIG', 'none');
  compareResets(reply, replay.resets);
  if (replay.flushesOfAll === 0) compareFlushes(reply, replay.flushes);
}

/** Throws a Divergence unless the current row is of that name, CPU (`null`: any) and operands. */
function expectRow(replay: Replay, name: string, cpu: number | null, rcx: U64, rdx: U64, r8: U64): void {
  const at = `sc[${replay.rowIndex}]`;
  const got = `${name} on CPU ${cpu ?? 'any'} with ${[rcx, rdx, r8].map(formatU64).join(', ')}`;
  if (replay.rowIndex >= replay.rows.length) {
    if (struckByGuard(replay.reply)) throw new GuardStruck();
    throw new Divergence(at, 'nothing more', got);
  }
  const row = array(replay.rows[replay.rowIndex], at);
  if (replay.remaining === -1) {
    replay.inputs = registerList(row[2], 3, `${at}[2]`);
    replay.outputs = registerList(row[3], 4, `${at}[3]`);
    replay.remaining = integer(row[4], `${at}[4]`);
  }
  const { inputs } = replay;
  const recordedCPU = integer(row[1], `${at}[1]`);
  const same =
    row[0] === name &&
    (cpu === null || cpu === recordedCPU) &&
    inputs[0] === rcx &&
    inputs[1] === rdx &&
    inputs[2] === r8;
  if (same) return;
  const recorded = `${text(row[0], `${at}[0]`)} on CPU ${recordedCPU} with ${inputs.map(formatU64).join(', ')}`;
  throw new Divergence(at, recorded, got);
}

function closeRow(replay: Replay): void {
  replay.rowIndex++;
  replay.remaining = -1;
}

function event(replay: Replay, name: string, cpu: number | null, rcx = 0, rdx = 0): void {
  if (name !== 'movdir64b') replay.resetEnd = -1;
  expectRow(replay, name, cpu, rcx, rdx, 0);
  closeRow(replay);
}

/** One call; `all`: every call of the row but the last may be passed over at once. */
function call(replay: Replay, cpu: number, registers: Registers, all: boolean): Trap {
  replay.resetEnd = -1;
  const leaf = LEAF_NAMES.get(registers.rax);
  if (leaf === undefined)
    throw new Divergence(`sc[${replay.rowIndex}]`, 'a recorded leaf', `leaf ${formatU64(registers.rax)}`);
  if (leaf === 'SYS.CONFIG' && !replay.configured) {
    replay.configured = true;
    compareTDMRs(replay.reply, replay.memory, registers);
  }
  expectRow(replay, leaf, cpu, registers.rcx, registers.rdx, registers.r8);
  const [rax = 0, rcx = 0, rdx = 0, r8 = 0] = replay.outputs;
  if (all && rax === 0 && replay.remaining > 1) {
    replay.seamcalls += replay.remaining - 1;
    replay.remaining = 1;
  }
  replay.seamcalls++;
  registers.rax = rax;
  if (replay.remaining > 1) {
    replay.remaining--;
    // A hidden answer of a folded row: no entropy leaves the registers alone; an earlier TDMR.INIT was not at its end.
    if (rax !== STATUS.TDX_RND_NO_ENTROPY) registers.rdx = 0;
    return 'none';
  }
  registers.rcx = rcx;
  registers.rdx = rdx;
  registers.r8 = r8;
  closeRow(replay);
  return 'none';
}

function tdmrInitLoop(replay: Replay, cpu: number, registers: Registers, base: number, end: number): Trap | 'hang' {
  for (;;) {
    registers.rax = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];
    registers.rcx = base;
    registers.rdx = 0;
    registers.r8 = 0;
    call(replay, cpu, registers, true);
    if (replay.rowIndex >= replay.rows.length && struckByGuard(replay.reply)) return 'hang';
    if (registers.rax !== 0 || typeof registers.rdx === 'bigint' || registers.rdx >= end) return 'none';
  }
}

/** Returns the recorded address; -1: the allocation failed. */
function alloc(replay: Replay, kind: AllocationKind, bytes: number, node: number): number {
  const { allocations, allocationIndex } = replay;
  const at = `alloc[${allocationIndex}]`;
  const got = `${kind} of ${bytes} bytes${kind === 'c' ? ` on node ${node}` : ''}`;
  if (allocationIndex >= allocations.length) throw new Divergence(at, 'nothing more', got);
  const row = array(allocations[allocationIndex], at);
  replay.allocationIndex++;
  if (row[0] !== kind || row[1] !== bytes || (kind === 'c' && row[3] !== node))
    throw new Divergence(at, JSON.stringify(row), got);
  if (row[4] === 1) return -1;
  const page = Number(u64(row[2], `${at}[2]`)) * PAGE_4K;
  // The recorder puts a small object at the end of its page.
  return kind === 'k' && bytes < PAGE_4K ? page + PAGE_4K - bytes : page;
}

function movdir64b(replay: Replay, cpu: number, base: number, size: number): void {
  if (replay.resetEnd !== base) event(replay, 'movdir64b', cpu, base);
  replay.resetEnd = base + size;
  replay.resets.push({ start: base, end: base + size });
}

/** The recorder gave up on the command: more loops or calls than it allows. */
function struckByGuard(reply: Json): boolean {
  const { oops } = reply;
  return typeof oops === 'string' && oops.startsWith('hang:');
}

/** Reads the TDMRs back from where SYS.CONFIG says they are, as the module would, and compares. */
function compareTDMRs(reply: Json, memory: ReadonlyMap<number, U64>, { rcx, rdx }: Registers): void {
  const recorded = optionalArray(reply['tdmrs'], 'tdmrs');
  if (rdx !== recorded.length) throw new Divergence('tdmrs.length', String(recorded.length), formatU64(rdx));
  const word = (at: number): U64 => memory.get(at) ?? 0;
  recorded.forEach((entry, index) => {
    const at = `tdmrs[${index}]`;
    const tdmr = object(entry, at);
    const slot = word(Number(rcx) + 8 * index);
    const field = (name: string, offset: number, expected: unknown): void => {
      const got = word(Number(slot) + offset);
      if (u64(expected, `${at}.${name}`) !== got)
        throw new Divergence(`${at}.${name}`, text(expected, at), formatU64(got));
    };
    field('base', 0, tdmr['base']);
    field('size', 8, tdmr['size']);
    for (const [i, expected] of array(tdmr['pamt'], `${at}.pamt`).entries()) field(`pamt[${i}]`, 16 + 8 * i, expected);
    const reserved = array(tdmr['rsvd'], `${at}.rsvd`);
    reserved.forEach((area, i) => {
      const [offset, size] = array(area, `${at}.rsvd[${i}]`);
      field(`rsvd[${i}][0]`, 64 + 16 * i, offset);
      field(`rsvd[${i}][1]`, 72 + 16 * i, size);
    });
    const beyond = word(Number(slot) + 72 + 16 * reserved.length);
    if (beyond !== 0) throw new Divergence(`${at}.rsvd.length`, String(reserved.length), 'more');
  });
}

/** Compares what MOVDIR64B covered, touching ranges joined, in the order they were reset. */
function compareResets(reply: Json, resets: readonly Range[]): void {
  const joined: { start: number; end: number }[] = [];
  for (const { start, end } of resets) {
    const last = joined.at(-1);
    if (last !== undefined && last.end === start) last.end = end;
    else joined.push({ start, end });
  }
  const got = JSON.stringify(joined.map(({ start, end }) => [formatU64(start), formatU64(end)]));
  const expected = JSON.stringify(optionalArray(reply['mv'], 'mv'));
  if (got !== expected) throw new Divergence('mv', expected, got);
}

/** WBINVDs of single CPUs; only where none was of all CPUs, which the recorder counts once for each. */
function compareFlushes(reply: Json, got: number): void {
  const counts = reply['st'] ?? reply['stats'];
  if (counts === undefined) return;
  const { wbinvd = 0, wbinvdAll = 0 } = object(counts, 'st');
  if (wbinvdAll === 0 && wbinvd !== got) throw new Divergence('st.wbinvd', String(wbinvd), String(got));
}
