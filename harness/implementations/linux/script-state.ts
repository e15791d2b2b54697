import { LEAF_NUMBER } from '../../../model/abi/leaf-number.ts';
import { EINVAL, ENODEV } from '../../../model/kernel/errno.ts';
import type { KernelState } from '../../../model/kernel/state.ts';
import { DROPPED_LOCKS, FEATURE, ITEM } from './wire.ts';
import { put, putMask, putNumber, type Words } from './words.ts';

const TDH_SYS_INIT = LEAF_NUMBER['TDH.SYS.INIT'];
const TDH_SYS_LP_INIT = LEAF_NUMBER['TDH.SYS.LP.INIT'];

/** What others than the compiled file did to a kernel: KVM's objects, and SEAMCALLs that left caches dirty. */
export interface Outside {
  live: number;
  readonly dirty: Set<number>;
}

/** The DONE item that a compiled kernel in the model's state would end a command with. `memory`: after an initialisation. */
export function putDone(words: Words, kernel: KernelState, outside: Outside, ret: number, memory: boolean): void {
  const { cpus, platformEnabled, locks } = kernel;
  put(words, ITEM.DONE);
  put(words, ret);
  put(
    words,
    (platformEnabled ? FEATURE.PLATFORM : 0) +
      (kernel.partialWriteErratum ? FEATURE.ERRATUM : 0) +
      (kernel.s3Available ? FEATURE.S3 : 0),
  );
  // What tdx_enable() would do now: act, or answer at once.
  put(words, platformEnabled && kernel.status === 'uninitialised' ? 1 : 0);
  put(words, !platformEnabled ? ENODEV : kernel.status === 'error' ? EINVAL : 0);
  putMask(words, cpus.length, (cpu) => platformEnabled && cpus[cpu]?.lpInitialised === true);
  putMask(words, cpus.length, (cpu) => cpus[cpu]?.cacheDirty === true && !outside.dirty.has(cpu));
  const all = platformEnabled && cpus.every(({ lpInitialised }) => lpInitialised);
  putNextCPUEnable(words, kernel, all || cpus.length === 0);
  put(words, kernel.live - outside.live);
  put(words, kernel.tdmrArrayLive ? 1 : 0);
  put(words, locks.cpus.readers);
  put(words, locks.module.owner === -1 ? 0 : 1);
  put(words, locks.mems.readers);
  put(words, locks.sysinit.owner === -1 ? 0 : 1);
  putImbalances(words, kernel);
  if (memory) putMemory(words, kernel);
}

/** Of the locks that the compiled file can drop, a byte each. */
function putImbalances(words: Words, { lockImbalances }: KernelState): void {
  let word = 0;
  for (const { lock } of lockImbalances) {
    const at = DROPPED_LOCKS.indexOf(lock);
    if (at !== -1) word += 2 ** (8 * at);
  }
  put(words, word);
}

/** What tdx_cpu_enable() would do on the first CPU without LP.INIT: the leaf it would call, or the error it would return at once. */
function putNextCPUEnable(
  words: Words,
  { platformEnabled, sysinitDone, sysinitError }: KernelState,
  all: boolean,
): void {
  const barred = !platformEnabled || (sysinitDone && sysinitError !== 0);
  put(words, all || barred ? 0 : sysinitDone ? TDH_SYS_LP_INIT : TDH_SYS_INIT);
  put(words, all ? 0 : !platformEnabled ? ENODEV : barred ? sysinitError : 0);
}

function putMemory(words: Words, { platformEnabled, tdmrArrayLive, tdmrCount, tdxMemory }: KernelState): void {
  put(words, platformEnabled && !tdmrArrayLive && tdmrCount > 0 ? 1 : 0);
  put(words, tdxMemory.length);
  for (const { startPfn, endPfn, node } of tdxMemory) {
    putNumber(words, startPfn);
    putNumber(words, endPfn);
    put(words, node);
  }
}
