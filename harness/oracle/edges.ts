import { highHalf, isSame, lowHalf, type U64 } from '../../model/abi/u64.ts';
import { EVENT_KINDS } from '../../model/invariants/catalogue.ts';
import type { Trap } from '../../model/kernel/port.ts';
import type { ModuleStatus } from '../../model/kernel/state.ts';
import type { EventRecord, ModulePhase, Outcome, SeamcallEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';

/**
 * Edges: the coverage of a case, as small integers that mean the same in every process. An edge is the abstract state
 * before, the event or leaf, and the class of the outcome.
 */

/** Maps, because looking up ever different names in an object is the slowest operation of this file. */
function table<Name extends string>(numbers: Readonly<Record<Name, number>>): (name: Name) => number {
  const byName = new Map<string, number>(Object.entries(numbers));
  return (name) => byName.get(name) as number;
}

const phaseNumber = table<ModulePhase>({
  ABSENT: 0,
  PENDING: 1,
  SYSINIT_DONE: 2,
  CONFIG_DONE: 3,
  READY: 4,
  SHUTDOWN: 5,
  DEAD: 6,
});
const statusNumber = table<ModuleStatus>({ uninitialised: 0, initialised: 1, error: 2, none: 3, shutdown: 4 });
const outcomeNumber = table<Outcome>({ done: 0, refused: 1, ignored: 2, crashed: 3 });
const trapNumber = table<Trap>({ none: 0, gp: 1, ud: 2, vmfail: 3 });
const KIND_NUMBER: ReadonlyMap<string, number> = new Map(EVENT_KINDS.map((kind, index) => [kind, index]));
/** SEAMCALL edges are numbered below this, event edges from here to below twice this. A prime, to distribute evenly. */
const EDGES_HALF = 32749;

/** Number of the case that last passed an edge, by edge: each edge is entered once per case, without a set. */
const passedBy = new Float64Array(2 * EDGES_HALF);
let caseNumber = 0;

/** The last call and record seen: dozens of consecutive events and SEAMCALLs have the same edge. */
let lastCall: SeamcallEntry | undefined;
let lastRecord: EventRecord | undefined;

/** Must be called before the first edge of a case. */
export function beginEdges(): void {
  caseNumber += 1;
  lastCall = undefined;
  lastRecord = undefined;
}

function pass(edge: number, edges: number[]): void {
  if (passedBy[edge] === caseNumber) return;
  passedBy[edge] = caseNumber;
  // Insertion sort: a case passes about ten edges.
  let at = edges.length;
  edges.push(edge);
  for (; at > 0; at -= 1) {
    const before = edges[at - 1] as number;
    if (before < edge) break;
    edges[at] = before;
  }
  edges[at] = edge;
}

/** Adds the edges that an event passed, ascending and each once per case; returns the number of its SEAMCALLs. */
export function collectEdges(world: World, record: EventRecord, edges: number[]): number {
  const { trace } = world;
  let calls = 0;
  for (let index = record.from; index < record.to; index += 1) {
    const entry = trace[index];
    if (entry?.kind !== 'seamcall') continue;
    calls += entry.calls;
    if (lastCall === undefined || !isSameCall(entry, lastCall)) pass(seamcallEdge(entry), edges);
    lastCall = entry;
  }
  if (lastRecord === undefined || !isSameEvent(record, lastRecord)) pass(eventEdge(record), edges);
  lastRecord = record;
  return calls;
}

function isSameEvent(one: EventRecord, other: EventRecord): boolean {
  return (
    one.kind === other.kind &&
    one.outcome === other.outcome &&
    one.errno === other.errno &&
    one.phaseBefore === other.phaseBefore &&
    one.statusBefore === other.statusBefore
  );
}

function eventEdge({ kind, phaseBefore, statusBefore, outcome, errno }: EventRecord): number {
  const number =
    ((phaseNumber(phaseBefore) * 5 + statusNumber(statusBefore)) * 32 + (KIND_NUMBER.get(kind) ?? 0)) * 4 +
    outcomeNumber(outcome);
  return EDGES_HALF + ((number * 128 - errno) % EDGES_HALF);
}

function isSameCall(one: SeamcallEntry, other: SeamcallEntry): boolean {
  return (
    one.before === other.before && one.trap === other.trap && isSame(one.leaf, other.leaf) && isSame(one.rax, other.rax)
  );
}

function leafNumber(leaf: U64): number {
  return typeof leaf === 'number' && leaf < 251 ? leaf : lowHalf(leaf) % 251;
}

function seamcallEdge({ before, leaf, trap, rax }: SeamcallEntry): number {
  const status = trap === 'none' ? (rax === 0 ? 0 : highHalf(rax) % 1048573) : trapNumber(trap);
  return (((phaseNumber(before) * 256 + leafNumber(leaf)) * 1009 + status) * 7 + 3) % EDGES_HALF;
}
