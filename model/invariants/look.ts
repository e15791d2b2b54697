import { STATUS, statusName } from '../abi/status.ts';
import { LEAF_NUMBER, leafName as nameOfLeaf } from '../abi/leaf-number.ts';
import type { U64 } from '../abi/u64.ts';
import { formatU64, lowHalf } from '../abi/u64.ts';
import { SEAMLDR_LEAF } from '../seamldr/status.ts';
import type { EventRecord, SeamcallEntry, TraceEntry } from '../world/trace.ts';
import type { World } from '../world/world.ts';
import type { Offence } from './invariant.ts';

/** Events that run the kernel's TDX initialisation, of the module or of one CPU. */
export const INIT_EVENTS = ['enable', 'cpu-enable', 'cpu-online'] as const;

/** Events that run KVM's flows for a guest. */
export const TD_EVENTS = ['td-create', 'td-destroy'] as const;

/** True if the SEAMCALL did not succeed: a trap, or RAX other than 0 (informational statuses too). */
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

const TDH_SYS_LP_INIT = LEAF_NUMBER['TDH.SYS.LP.INIT'];
const TDH_SYS_LP_SHUTDOWN = LEAF_NUMBER['TDH.SYS.LP.SHUTDOWN'];

/**
 * The SEAMCALL that made an event fail: its last one, if that failed. Skips the TDH.SYS.LP.SHUTDOWN calls with which v5 and
 * v7 end a failed attempt, and LPs whose TDH.SYS.LP.INIT succeeded in a round in which another LP's failed.
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

/** True if the same leaf succeeded later on the same LP: the failed call was retried. */
function succeededLater(world: World, record: EventRecord, at: number): boolean {
  const first = world.trace[at];
  if (first?.kind !== 'seamcall') return false;
  for (let index = at + 1; index < record.to; index += 1) {
    const entry = world.trace[index];
    if (entry?.kind === 'seamcall' && entry.leaf === first.leaf && entry.lp === first.lp && !failed(entry)) return true;
  }
  return false;
}

/** `TDX_SYS_BUSY`, `#UD`, `VMfailInvalid`: the class of a status, without its details. */
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

/** `TDH.SYS.INIT` for 33, `SEAMLDR.INSTALL` for a call of the P-SEAMLDR; the number for a leaf without a name. */
export function leafName(leaf: U64): string {
  if (typeof leaf === 'bigint' && leaf >= BIT_63) return LOADER_LEAF.get(leaf) ?? `SEAMLDR leaf ${formatU64(leaf)}`;
  return nameOfLeaf(typeof leaf === 'number' && leaf < 0x10000 ? leaf : lowHalf(leaf)) ?? `leaf ${formatU64(leaf)}`;
}

/** `0x` and the value in lower-case hexadecimal. */
export function hex(value: U64): string {
  return `0x${value.toString(16)}`;
}

/** An offence caused by one SEAMCALL. */
export function offenceOf(entry: SeamcallEntry, message: string, state: string = entry.before): Offence {
  return { leaf: entry.leaf, status: statusClass(entry), state, message, entry };
}

/** An offence that no SEAMCALL caused; `entry`: the effect that broke the rule, if one did. */
export function offence(state: string, message: string, entry: TraceEntry | null = null): Offence {
  return { leaf: null, status: '', state, message, entry };
}

/** True while the kernel's view of the module can be compared with the module's own state. */
export function isUndisturbed(world: World): boolean {
  return !world.tampered && !world.disturbed && world.kernel.crash === null;
}

/**
 * True if other events ran during this one. The machine may then have changed since the event ended; the entries, lines,
 * outcome and errno of the record are still those of the event.
 */
export function isOverlapped({ overlaps }: World, record: EventRecord): boolean {
  for (const turn of overlaps) if (turn.record === record) return true;
  return false;
}

/** The trace in the order of time; in `world.trace` the entries of overlapping events are grouped by event. */
export function inOrder({ trace, records, overlaps }: World): readonly TraceEntry[] {
  if (overlaps.length === 0) return trace;
  const ordered: TraceEntry[] = [];
  let current = -1;
  let end = 0;
  for (const { group, from, to } of overlaps) {
    if (group !== current) {
      // Entries between two groups overlapped with nothing.
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

/** True if the kernel found a CPU offline and refused to start. */
export function isRefusedForOfflineCPUs(record: EventRecord): boolean {
  for (let index = record.dmesgFrom; index < record.dmesgTo; index += 1)
    if (record.kernel.dmesg[index]?.id === 'v5-offline-cpus') return true;
  return false;
}
