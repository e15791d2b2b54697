import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { lowHalf, type U64 } from '../../../model/abi/u64.ts';
import type { KernelPort } from '../../../model/kernel/port.ts';
import type { KernelState, ModuleStatus } from '../../../model/kernel/state.ts';
import { type MetadataRead, TD_LIMITS } from '../../../model/kernel/steps/linux/metadata.ts';
import { ADDRESSES_MAX, DROPPED_LOCKS, FEATURE } from './wire.ts';
import { intAt, maskAt, numberAt, u64At } from './words.ts';

/**
 * A kernel state filled in from what can be observed of a compiled kernel: its answers when asked, without effect, what
 * it would do next; its live objects; what it handed to the module. Nothing is read from its variables.
 */

const TDH_SYS_INIT = LEAF_NUMBER['TDH.SYS.INIT'];
const OTHER_THREAD = 1;
/** What a kernel would do that is asked for TDX now: 1, start it; 0, answer at once; or die. */
const WOULD_DIE = 2;

/**
 * Enters a DONE item (`at`: its first word). `liveBefore`: objects of the compiled code before the command; what others
 * have allocated counts besides. Returns how many it has now.
 */
export function fillKernel(kernel: KernelState, list: Uint32Array, at: number, liveBefore: number): number {
  const features = list[at + 2] ?? 0;
  kernel.platformEnabled = (features & FEATURE.PLATFORM) !== 0;
  kernel.partialWriteErratum = (features & FEATURE.ERRATUM) !== 0;
  kernel.s3Available = features >= FEATURE.S3;
  const partition = kernel.facts.keyids[0];
  if (kernel.platformEnabled && partition !== undefined && partition !== null) {
    kernel.keyidStart = (partition.mktme + 1) % 2 ** 32;
    kernel.keyidCount = partition.tdx;
    if (kernel.globalKeyID === 0) kernel.globalKeyID = kernel.keyidStart;
  }
  let next = at + 5;
  for (const [cpu, state] of kernel.cpus.entries())
    state.lpInitialised = kernel.platformEnabled && maskAt(list, next, cpu);
  next += Math.ceil(kernel.cpus.length / 32);
  // A flush is told when it is made; what others than the compiled file made dirty stays so.
  for (const [cpu, state] of kernel.cpus.entries()) if (maskAt(list, next, cpu)) state.cacheDirty = true;
  next += Math.ceil(kernel.cpus.length / 32);
  const leaf = list[next] ?? 0;
  const error = intAt(list, next + 1);
  kernel.sysinitError = kernel.platformEnabled ? error : 0;
  kernel.sysinitDone = kernel.platformEnabled && leaf !== TDH_SYS_INIT;
  const live = intAt(list, next + 2);
  kernel.live += live - liveBefore;
  const arrays = intAt(list, next + 3);
  kernel.tdmrArrayLive = arrays > 0;
  fillLocks(kernel, list, next + 4);
  next += 9;
  // Only an initialisation tells its memory.
  const enabled = next < list.length;
  kernel.status =
    list[at + 3] === WOULD_DIE
      ? statusByResult(kernel, intAt(list, at + 1), enabled)
      : statusOf(kernel, list[at + 3] === 1, intAt(list, at + 4));
  if (enabled) fillMemory(kernel, list, next);
  return live;
}

function statusOf({ platformEnabled }: KernelState, acts: boolean, answer: number): ModuleStatus {
  if (acts || !platformEnabled) return 'uninitialised';
  return answer === 0 ? 'initialised' : 'error';
}

/** The status where the kernel has no query for it: from the result of an initialisation (`enabled`), or as before. */
function statusByResult({ platformEnabled, status }: KernelState, ret: number, enabled: boolean): ModuleStatus {
  if (!enabled || !platformEnabled || status === 'initialised') return status;
  return ret === 0 ? 'initialised' : 'error';
}

function fillLocks({ locks, lockImbalances }: KernelState, list: Uint32Array, at: number): void {
  locks.cpus.readers = intAt(list, at);
  locks.module.owner = list[at + 1] === 0 ? -1 : OTHER_THREAD;
  locks.mems.readers = intAt(list, at + 2);
  locks.sysinit.owner = list[at + 3] === 0 ? -1 : OTHER_THREAD;
  const counts = list[at + 4] ?? 0;
  for (const [byte, lock] of DROPPED_LOCKS.entries())
    for (
      let known = lockImbalances.filter((one) => one.lock === lock).length;
      known < ((counts >>> (8 * byte)) & 0xff);
      known += 1
    )
      lockImbalances.push({ thread: OTHER_THREAD, flow: 'compiled kernel', lock, what: 'dropped while not held' });
}

/** Only after an initialisation: the list of TDX memory, and whether the count of TDMRs outlives their array. */
function fillMemory(kernel: KernelState, list: Uint32Array, at: number): void {
  const walksFreed = list[at] === 1;
  if (!kernel.tdmrArrayLive) kernel.tdmrCount = walksFreed ? Math.max(kernel.tdmrCount, 1) : 0;
  kernel.tdxMemory.length = 0;
  const count = list[at + 1] ?? 0;
  for (let entry = 0; entry < count; entry += 1) {
    const word = at + 2 + 5 * entry;
    kernel.tdxMemory.push({
      startPfn: numberAt(list, word),
      endPfn: numberAt(list, word + 2),
      node: intAt(list, word + 4),
      object: -1,
    });
  }
}

const METADATA: ReadonlyMap<U64, MetadataRead['into']> = new Map(TD_LIMITS.map(({ field, into }) => [field, into]));

/** Notes what TDH.SYS.RD answered of a field that code outside the compiled file goes by: how large a guest's pages are. */
export function noteMetadata({ info }: KernelState, field: U64, value: U64): void {
  const into = METADATA.get(field) ?? null;
  if (into !== null && into !== 'features0') info[into] = lowHalf(value) & 0xffff;
}

/** Enters into memory what came with a TDH.SYS.CONFIG: the array of addresses, then each TDMR_INFO. */
export function setMemory(port: KernelPort, list: Uint32Array, at: number, array: U64, count: U64): void {
  let next = writeBlock(port, list, at, array);
  const entries = typeof count === 'number' && count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
  for (let entry = 0; entry < entries; entry += 1) {
    const address = typeof array === 'number' ? port.readWord(array + 8 * entry) : 0;
    next = writeBlock(port, list, next, address);
  }
}

function writeBlock(port: KernelPort, list: Uint32Array, at: number, address: U64): number {
  const words = list[at] ?? 0;
  if (typeof address === 'number' && address % 8 === 0)
    for (let word = 0; word < words; word += 2)
      port.writeWord(address + 4 * word, wordPair(list, at + 1 + word, words - word));
  return at + 1 + words;
}

/** Two words of a block; the second may have been left out as a trailing zero. */
function wordPair(list: Uint32Array, at: number, left: number): U64 {
  return left >= 2 ? u64At(list, at) : (list[at] ?? 0);
}
