import { BLOCKED, DONE, type Step } from '../../flow.ts';
import { lock, lockShared, unlock, type LockName } from '../../lock.ts';

/** The locks around it all. Source: arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12. */

const SOURCE =
  'cpus_read_lock(), get_online_mems(), tdx_module_lock, sysinit_lock: arch/x86/virt/vmx/tdx/tdx.c, Linux 6.12';

/** A step that takes a lock exclusively, or blocks. */
function exclusive(name: string, which: LockName): Step {
  return { name, source: SOURCE, run: (kernel, thread) => (lock(kernel, thread, which) ? DONE : BLOCKED) };
}

/** A step that takes a share of a lock, or blocks. */
function shared(name: string, which: LockName): Step {
  return { name, source: SOURCE, run: (kernel, thread) => (lockShared(kernel, thread, which) ? DONE : BLOCKED) };
}

/** A step that drops a lock and passes on an error that was on its way out before it. */
function drop(name: string, which: LockName): Step {
  return {
    name,
    source: SOURCE,
    run: (kernel, thread) => {
      unlock(kernel, thread, which);
      return DONE;
    },
  };
}

export const CPUS_READ_LOCK = shared('cpus_read_lock', 'cpus');
export const CPUS_READ_UNLOCK = drop('cpus_read_unlock', 'cpus');
export const CPUS_WRITE_LOCK = exclusive('cpus_write_lock', 'cpus');
export const CPUS_WRITE_UNLOCK = drop('cpus_write_unlock', 'cpus');
export const LOCK_MODULE = exclusive('lock-module', 'module');
export const UNLOCK_MODULE = drop('unlock-module', 'module');
export const GET_ONLINE_MEMS = shared('get_online_mems', 'mems');
export const PUT_ONLINE_MEMS = drop('put_online_mems', 'mems');
export const LOCK_SYSINIT = exclusive('lock-sysinit', 'sysinit');

/** Drops the raw spinlock; an error of SYS.INIT, fresh or remembered, leaves the flow here. */
export const UNLOCK_SYSINIT: Step = {
  name: 'unlock-sysinit',
  source: SOURCE,
  run: (kernel, thread) => {
    unlock(kernel, thread, 'sysinit');
    return thread.error;
  },
};
