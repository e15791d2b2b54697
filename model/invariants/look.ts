import { STATUS, statusName } from '../abi/status.ts';
import { leafName as nameOfLeaf } from '../abi/leaf-number.ts';
import type { U64 } from '../abi/u64.ts';
import { formatU64, lowHalf } from '../abi/u64.ts';
import { SEAMLDR_LEAF } from '../seamldr/status.ts';
import type { EventRecord, SeamcallEntry, TraceEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Offence } from './invariant.ts';

/** The events that run the kernel's TDX initialisation, whole or per CPU. */
export const INIT_EVENTS = ['enable', 'cpu-enable', 'cpu-online'] as const;

/** The events that run KVM's flows for a guest. */
export const TD_EVENTS = ['td-create', 'td-destroy'] as const;

/** True if the SEAMCALL did not do what it was asked: a trap, or RAX not 0 (informational statuses too). */
export function failed(entry: SeamcallEntry): boolean {
  return entry.trap !== 'none' || entry.rax !== STATUS.TDX_SUCCESS;
}

/** The kernel's last SEAMCALL of an event, or `undefined` if it made none. */
export function lastSeamcall(world: World, record: EventRecord): SeamcallEntry | undefined {
  for (let index = record.to - 1; index >= record.from; index -= 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && !entry.raw) return entry;
  }
  return undefined;
}

const TDH_SYS_LP_INIT = 35;
const TDH_SYS_LP_SHUTDOWN = 44;

/**
 * The SEAMCALL an event's failure goes back to: its last one, if that failed. The shutdown that v5 and v7 end a failure
 * with is passed over, and so are the LPs that fared better than another one in the same failed round of TDH.SYS.LP.INIT.
 */
export function failedSeamcall(world: World, record: EventRecord): SeamcallEntry | undefined {
  for (let index = record.to - 1; index >= record.from; index -= 1) {
    const entry = world.trace[index];
    if (entry?.kind !== 'seamcall' || entry.raw || entry.leaf === TDH_SYS_LP_SHUTDOWN) continue;
    if (failed(entry)) return succeededLater(world, record, index) ? undefined : entry;
    if (entry.leaf !== TDH_SYS_LP_INIT || record.errno === 0) return undefined;
  }
  return undefined;
}

/** True if the same leaf then succeeded on the same LP: what failed was a first try. */
function succeededLater(world: World, record: EventRecord, at: number): boolean {
  const first = world.trace[at];
  if (first?.kind !== 'seamcall') return false;
  for (let index = at + 1; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && entry.leaf === first.leaf && entry.lp === first.lp && !failed(entry)) return true;
  }
  return false;
}

/** `TDX_SYS_BUSY`, `#UD`, `VMfailInvalid`: the class of an answer, without its details. */
export function statusClass(entry: SeamcallEntry): string {
  switch (entry.trap) {
    case 'ud':
      return '#UD';
    case 'gp':
      return '#GP';
    case 'vmfail':
      return 'VMfailInvalid';
    case 'none':
      return statusName(entry.rax) ?? formatU64(entry.rax);
  }
}

const BIT_63 = 2n ** 63n;
const LOADER_LEAF: ReadonlyMap<U64, string> = new Map(
  Object.entries(SEAMLDR_LEAF).map(([name, leaf]) => [leaf, `SEAMLDR.${name}`]),
);

/** `TDH.SYS.INIT` for 33, `SEAMLDR.INSTALL` for a call of the P-SEAMLDR; the number itself for a leaf nobody named. */
export function leafName(leaf: U64): string {
  if (typeof leaf === 'bigint' && leaf >= BIT_63) return LOADER_LEAF.get(leaf) ?? `SEAMLDR leaf ${formatU64(leaf)}`;
  return nameOfLeaf(typeof leaf === 'number' && leaf < 0x10000 ? leaf : lowHalf(leaf)) ?? `leaf ${formatU64(leaf)}`;
}

/** `0x` and the value in lower-case hexadecimal. */
export function hex(value: U64): string {
  return `0x${value.toString(16)}`;
}

/** An offence that goes back to one SEAMCALL. */
export function offenceOf(entry: SeamcallEntry, message: string, state: string = entry.before): Offence {
  return { leaf: entry.leaf, status: statusClass(entry), state, message, entry };
}

/** An offence with no SEAMCALL at its root; `entry`: what broke the rule, if one effect did. */
export function offence(state: string, message: string, entry: TraceEntry | null = null): Offence {
  return { leaf: null, status: '', state, message, entry };
}

/** True while the kernel's view of the module can be held against the module's own. */
export function isUndisturbed(world: World): boolean {
  return !world.tampered && !world.disturbed && world.kernel.crash === null;
}

/**
 * True if other events ran while this one was under way. What the machine looked like at its end is then not what it
 * looks like now; its own entries, lines, outcome and errno are its own all the same.
 */
export function isOverlapped({ overlaps }: World, record: EventRecord): boolean {
  for (const turn of overlaps) if (turn.record === record) return true;
  return false;
}

/** The whole trace in the order in which things happened, which for events that overlapped is not the order it has. */
export function inOrder({ trace, records, overlaps }: World): readonly TraceEntry[] {
  if (overlaps.length === 0) return trace;
  const ordered: TraceEntry[] = [];
  let current = -1;
  let end = 0;
  for (const { group, from, to } of overlaps) {
    if (group !== current) {
      // What lies between two groups overlapped with nothing.
      ordered.push(...trace.slice(end, records[group]?.from));
      current = group;
    }
    ordered.push(...trace.slice(from, to));
    if (to > end) end = to;
  }
  ordered.push(...trace.slice(end));
  return ordered;
}

/** LPs that MCHECK counted and that the module has not seen TDH.SYS.LP.INIT on. */
export function countedLPsNotInitialised(world: World): number[] {
  const missing: number[] = [];
  for (let lp = 0; lp < world.platform.lps.length; lp += 1)
    if (world.platform.lps[lp]?.bios === true && world.module.lps[lp]?.initialised !== true) missing.push(lp);
  return missing;
}

/** Packages that MCHECK counted and in which no CPU is online. */
export function packagesWithoutCPU(world: World): number[] {
  const dark: number[] = [];
  for (const pkg of world.mcheck.table.packages) {
    let online = false;
    for (const cpu of world.kernel.cpus) if (cpu.online && cpu.package === pkg) online = true;
    if (!online) dark.push(pkg);
  }
  return dark;
}

/** True if the kernel found a CPU offline and would not begin. */
export function isRefusedForOfflineCPUs(record: EventRecord): boolean {
  for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1)
    if (record.kernel.dmesg[index]?.id === 'v5-offline-cpus') return true;
  return false;
}
