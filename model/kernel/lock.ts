import type { KernelState } from './state.ts';
import type { Thread } from './thread.ts';

/**
 * The host locks an init flow touches, outermost first in the kernel's own order:
 * `cpus` cpus_read_lock / cpus_write_lock (CPU hotplug), `module` tdx_module_lock, `mems` get_online_mems (memory
 * hotplug), `sysinit` the raw spinlock around the first SYS.INIT, `kvm` KVM's tdx_lock.
 */
export const LOCKS = ['cpus', 'module', 'mems', 'sysinit', 'kvm'] as const;
export type LockName = (typeof LOCKS)[number];

export interface LockState {
  /** Thread id of the exclusive owner, -1 = none. */
  owner: number;
  /** Shared holders; negative after a share was dropped that was not held (what a percpu-rwsem would count). */
  readers: number;
}

export function createLocks(): Record<LockName, LockState> {
  return {
    cpus: { owner: -1, readers: 0 },
    module: { owner: -1, readers: 0 },
    mems: { owner: -1, readers: 0 },
    sysinit: { owner: -1, readers: 0 },
    kvm: { owner: -1, readers: 0 },
  };
}

/** Bit of `KernelState.lockOrder` that says `held` was held when `taken` was taken. */
export function lockOrderBit(held: LockName, taken: LockName): number {
  return 1 << (positionOf(held) * LOCKS.length + positionOf(taken));
}

// Written out: to look a property up by a name that is never the same costs more than all the rest of a lock.

function positionOf(name: LockName): number {
  switch (name) {
    case 'cpus':
      return 0;
    case 'module':
      return 1;
    case 'mems':
      return 2;
    case 'sysinit':
      return 3;
    case 'kvm':
      return 4;
  }
}

function lockNamed({ locks }: KernelState, name: LockName): LockState {
  switch (name) {
    case 'cpus':
      return locks.cpus;
    case 'module':
      return locks.module;
    case 'mems':
      return locks.mems;
    case 'sysinit':
      return locks.sysinit;
    case 'kvm':
      return locks.kvm;
  }
}

/** Takes a lock exclusively; false if it is held in any way. */
export function lock(kernel: KernelState, thread: Thread, name: LockName): boolean {
  const state = lockNamed(kernel, name);
  if (state.owner !== -1 || state.readers > 0) return false;
  noteOrder(kernel, thread, name);
  state.owner = thread.id;
  thread.held.push(name);
  return true;
}

/** Takes a share of a lock; false if it is held exclusively. */
export function lockShared(kernel: KernelState, thread: Thread, name: LockName): boolean {
  const state = lockNamed(kernel, name);
  if (state.owner !== -1) return false;
  noteOrder(kernel, thread, name);
  state.readers++;
  thread.held.push(name);
  return true;
}

/** Drops a lock. One that the thread does not hold is an imbalance: recorded, and the count goes wrong as in the kernel. */
export function unlock(kernel: KernelState, thread: Thread, name: LockName): void {
  const state = lockNamed(kernel, name);
  const { held } = thread;
  let at = held.length - 1;
  while (at >= 0 && held[at] !== name) at -= 1;
  if (at === -1)
    kernel.lockImbalances.push({
      thread: thread.id,
      flow: thread.flow.name,
      lock: name,
      what: 'dropped while not held',
    });
  else if (at === held.length - 1) held.pop();
  else held.splice(at, 1);
  if (state.owner === thread.id) state.owner = -1;
  else state.readers--;
}

function noteOrder(kernel: KernelState, { held }: Thread, name: LockName): void {
  for (const outer of held) kernel.lockOrder |= lockOrderBit(outer, name);
}
