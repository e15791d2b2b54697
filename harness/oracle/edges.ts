import { highHalf, lowHalf, type U64 } from '../../model/abi/u64.ts';
import { EVENT_KINDS } from '../../model/invariants/catalogue.ts';
import type { Trap } from '../../model/kernel/port.ts';
import type { ModuleStatus } from '../../model/kernel/state.ts';
import type { EventRecord, ModulePhase, Outcome, SeamcallEntry } from '../../model/world/trace.ts';
import type { World } from '../../model/world/world.ts';

/**
 * Edges: what a case went through, as small integers that mean the same in every process. An edge is the abstract state
 * before, the event or leaf, and the class of what came of it.
 */

/** Maps, because an object asked for ever other names is the slowest thing of all here. */
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
/** Edges are numbered below this; SEAMCALL edges in the lower half, event edges in the upper. A prime keeps mixing even. */
const EDGES_HALF = 32749;

/** Which case last passed an edge, by edge: an edge is entered once a case, without a set. */
const passedBy = new Float64Array(2 * EDGES_HALF);
let caseNumber = 0;

/** To be called before the first edges of a case. */
export function beginEdges(): void {
  caseNumber += 1;
}

function pass(edge: number, edges: number[]): void {
  if (passedBy[edge] === caseNumber) return;
  passedBy[edge] = caseNumber;
  // In its place at once: a case passes some ten edges.
  let at = edges.length;
  edges.push(edge);
  for (; at > 0; at -= 1) {
    const before = edges[at - 1] as number;
    if (before < edge) break;
    edges[at] = before;
  }
  edges[at] = edge;
}

/** Adds the edges an event passed, ascending and each once a case, and answers how many SEAMCALLs it made. */
export function collectEdges(world: World, record: EventRecord, edges: number[]): number {
  const { trace } = world;
  let calls = 0;
  let last: SeamcallEntry | undefined;
  for (let index = record.from; index < record.to; index += 1) {
    const entry = trace[index];
    if (entry?.kind !== 'seamcall') continue;
    calls += entry.calls;
    // Fields are read dozens in a row.
    if (last === undefined || !isSameEdge(entry, last)) pass(seamcallEdge(entry), edges);
    last = entry;
  }
  const outcome =
    ((phaseNumber(record.phaseBefore) * 5 + statusNumber(record.statusBefore)) * 32 +
      (KIND_NUMBER.get(record.kind) ?? 0)) *
      4 +
    outcomeNumber(record.outcome);
  pass(EDGES_HALF + ((outcome * 128 - record.errno) % EDGES_HALF), edges);
  return calls;
}

function isSameEdge(one: SeamcallEntry, other: SeamcallEntry): boolean {
  return one.leaf === other.leaf && one.rax === other.rax && one.before === other.before && one.trap === other.trap;
}

function leafNumber(leaf: U64): number {
  return typeof leaf === 'number' && leaf < 251 ? leaf : lowHalf(leaf) % 251;
}

function seamcallEdge({ before, leaf, trap, rax }: SeamcallEntry): number {
  const status = trap === 'none' ? (rax === 0 ? 0 : highHalf(rax) % 1048573) : trapNumber(trap);
  return (((phaseNumber(before) * 256 + leafNumber(leaf)) * 1009 + status) * 7 + 3) % EDGES_HALF;
}
