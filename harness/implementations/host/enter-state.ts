import { PAGE_4K } from '../../../model/abi/page.ts';
import { parseU64 } from '../../../model/abi/u64.ts';
import type { AllocationKind } from '../../../model/kernel/port.ts';
import type { KernelState, TDXMemory } from '../../../model/kernel/state.ts';
import { forEachTDXRange } from '../../../model/kernel/tdx-memory.ts';
import type { HostCommand } from '../protocol/host-command.ts';
import type { Untold } from './state-difference.ts';
import type { HostState, RegionText } from '../protocol/host-messages.ts';

/** What is kept about a host since its boot. Addresses and sizes are bytes. */
export interface HostObjects {
  /** Objects that are allocated, by address. */
  readonly objects: Map<number, { readonly kind: AllocationKind; readonly bytes: number }>;
  /** Those that were allocated in the command under way, whether or not they still are. */
  readonly allocated: number[];
  /** The object that held the TDMR_INFOs of the last TDH.SYS.CONFIG; -1: none. */
  array: number;
  /** TDH.SYS.CONFIG has succeeded since the boot: what it was given must stay. */
  configured: boolean;
}

const OTHER_THREAD = 1;

/**
 * Enters what a host says of itself after a command. What it does not say is worked out from what it did, so that every
 * invariant has something to go by, and noted in `untold`. `exact`: it claims to be one of our revisions, so its objects
 * are counted one by one; of any other host only those count as leaked that a failed initialisation leaves behind.
 */
export function enterState(
  kernel: KernelState,
  state: HostState,
  ledger: HostObjects,
  untold: Set<Untold>,
  exact: boolean,
  command: HostCommand,
  ret: number,
): void {
  untold.clear();
  // No host reports these.
  for (const what of ['users of VMX operation', 'CPUs with dirty caches'] as const) untold.add(what);
  const { offered, tdx, lps, s3, erratum, tdxMemory, tdmrs, locks } = state;
  const note = (what: Untold, told: boolean): boolean => {
    if (!told) untold.add(what);
    return told;
  };
  kernel.platformEnabled = offered;
  kernel.status = tdx;
  for (let cpu = 0; cpu < kernel.cpus.length; cpu += 1) {
    const one = kernel.cpus[cpu];
    if (one !== undefined) one.lpInitialised = lps.includes(cpu);
  }
  // Nothing is held against what is not told.
  kernel.s3Available = note('S3', s3 !== undefined) ? (s3 as boolean) : tdx !== 'initialised';
  if (note('erratum', erratum !== undefined)) kernel.partialWriteErratum = erratum as boolean;
  enterKeyIDs(kernel, state);
  note('next bring-up of an LP', state.sysinit !== undefined);
  kernel.sysinitDone = state.sysinit?.done ?? false;
  kernel.sysinitError = state.sysinit?.ret ?? 0;
  if (note('walks freed TDMRs', tdmrs !== undefined)) {
    kernel.tdmrArrayLive = tdmrs?.live ?? false;
    kernel.tdmrCount = tdmrs?.count ?? 0;
  } else settleTDMRs(kernel, ledger);
  if (note('TDX memory', tdxMemory !== undefined)) enterMemory(kernel.tdxMemory, tdxMemory ?? []);
  else if (command.kind === 'boot' || command.kind === 'enable') workOutMemory(kernel);
  if (note('locks', locks !== undefined)) enterLocks(kernel, locks);
  if (!exact) kernel.live = heldBy(kernel) + leaked(ledger, command, ret);
}

function enterKeyIDs(kernel: KernelState, { offered, keyids }: HostState): void {
  const partition = kernel.facts.keyids[0];
  if (keyids !== undefined) {
    kernel.keyidStart = keyids.first;
    kernel.keyidCount = keyids.count;
  } else if (offered && partition !== undefined && partition !== null) {
    kernel.keyidStart = (partition.mktme + 1) % 2 ** 32;
    kernel.keyidCount = partition.tdx;
  }
  if (kernel.globalKeyID === 0) kernel.globalKeyID = kernel.keyidStart;
}

/** The array lives as long as the object its TDMR_INFOs were in. */
function settleTDMRs(kernel: KernelState, { objects, array }: HostObjects): void {
  kernel.tdmrArrayLive = array !== -1 && objects.has(array);
  if (kernel.tdmrArrayLive) return;
  // Nothing indicates that the host still reads an array that it freed.
  kernel.tdmrArray = -1;
  if (kernel.status !== 'initialised') kernel.tdmrCount = 0;
}

/** Memory inside a TDMR and outside its reserved areas is what was promised to TDX, while it runs. */
function workOutMemory(kernel: KernelState): void {
  const { tdmrs, tdmrCount, tdxMemory, status } = kernel;
  tdxMemory.length = 0;
  if (status !== 'initialised') return;
  forEachTDXRange(kernel, (startPfn, endPfn, node) => {
    for (const { base, size, reserved } of tdmrs.slice(0, tdmrCount)) {
      let start = Math.max(startPfn * PAGE_4K, base);
      const end = Math.min(endPfn * PAGE_4K, base + size);
      for (const { offset, size: hole } of reserved) {
        if (base + offset > start && start < end) push(tdxMemory, start, Math.min(base + offset, end), node);
        if (base + offset + hole > start) start = Math.max(start, base + offset + hole);
      }
      if (start < end) push(tdxMemory, start, end, node);
    }
    return 0;
  });
}

function push(tdxMemory: TDXMemory[], base: number, end: number, node: number): void {
  tdxMemory.push({ startPfn: base / PAGE_4K, endPfn: end / PAGE_4K, node, object: -1 });
}

function enterMemory(tdxMemory: TDXMemory[], regions: readonly RegionText[]): void {
  tdxMemory.length = 0;
  for (const { base, size, node } of regions) {
    const start = Number(parseU64(base));
    push(tdxMemory, start, start + Number(parseU64(size)), node);
  }
}

function enterLocks({ locks, lockImbalances }: KernelState, told: HostState['locks']): void {
  if (told === undefined) return;
  locks.cpus.readers = told.cpus;
  locks.mems.readers = told.mems;
  locks.module.owner = told.module === 0 ? -1 : OTHER_THREAD;
  locks.sysinit.owner = told.sysinit === 0 ? -1 : OTHER_THREAD;
  for (const { flow, lock } of told.imbalances.slice(lockImbalances.length))
    lockImbalances.push({ thread: OTHER_THREAD, flow, lock, what: 'dropped while not held' });
}

/** What the rule about leaks takes for pointed at (model/invariants/ledger.ts). */
function heldBy({ tdxMemory, tdmrArrayLive, status, tdmrs, tdmrCount }: KernelState): number {
  let held = tdxMemory.length + (tdmrArrayLive ? 1 : 0);
  if (tdmrArrayLive || status === 'initialised')
    for (const { pamt4K } of tdmrs.slice(0, tdmrCount)) if (pamt4K > 0) held += 1;
  return held;
}

/** Objects that an initialisation that failed before the module was given any has allocated and left. */
function leaked({ objects, allocated, configured }: HostObjects, { kind }: HostCommand, ret: number): number {
  if (kind !== 'enable' || ret === 0 || configured) return 0;
  let count = 0;
  for (const address of allocated) if (objects.has(address)) count += 1;
  return count;
}
