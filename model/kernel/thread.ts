import { AGAIN, BLOCKED, CRASH, DONE, JUMP, type Flow } from './flow.ts';
import type { LockName } from './lock.ts';
import type { KernelPort } from './port.ts';
import type { KernelState, MemoryRegion } from './state.ts';

/** A kernel thread in the middle of a flow: plain data, so that it can be cloned, hashed and interleaved. */
export interface Thread {
  readonly id: number;
  readonly flow: Flow;
  /** CPU the thread runs on; it does not migrate. */
  readonly cpu: number;
  /** Index of the step to run next. */
  pc: number;
  /** The errno on its way out, 0 = none. At the end: what the entry point returns. */
  error: number;
  /** Loop counter of the step that answers AGAIN; 0 when a step begins. */
  index: number;
  /** The CPU a per-CPU flow is about. */
  target: number;
  /** A CPU that failed and whose predecessors are being walked back; -1 = none. */
  failed: number;
  /** The memory a memory-hotplug flow is about. */
  readonly region: MemoryRegion | null;
  /** Locks held, in the order they were taken. */
  readonly held: LockName[];
  status: ThreadStatus;
}

export type ThreadStatus = 'running' | 'blocked' | 'done' | 'crashed';

/** A thread about to run `flow` on `cpu`; `target` is the CPU the flow is about (by default the same), `region` the memory. */
export function createThread(
  id: number,
  flow: Flow,
  cpu: number,
  target: number = cpu,
  region: MemoryRegion | null = null,
): Thread {
  return { id, flow, cpu, pc: 0, error: 0, index: 0, target, failed: -1, region, held: [], status: 'running' };
}

export function cloneThread(thread: Thread): Thread {
  return { ...thread, held: thread.held.slice() };
}

/** Runs one step and says how the thread stands. A `blocked` thread may be stepped again; a finished one may not. */
export function stepThread(kernel: KernelState, thread: Thread, port: KernelPort): ThreadStatus {
  const { steps } = thread.flow;
  const step = steps[thread.pc];
  if (step === undefined) return (thread.status = 'done');
  const outcome = step.run(kernel, thread, port);
  switch (outcome) {
    case DONE:
      thread.pc++;
      thread.index = 0;
      break;
    case AGAIN:
      return (thread.status = 'running');
    case BLOCKED:
      return (thread.status = 'blocked');
    case JUMP:
      thread.pc = step.jump;
      thread.index = 0;
      break;
    case CRASH:
      return (thread.status = 'crashed');
    default:
      thread.error = outcome;
      thread.pc = step.onError;
      thread.index = 0;
  }
  return (thread.status = thread.pc < steps.length ? 'running' : 'done');
}

/** Runs a thread to its end, or until it blocks or the kernel crashes. */
export function runThread(kernel: KernelState, thread: Thread, port: KernelPort): ThreadStatus {
  let status = stepThread(kernel, thread, port);
  while (status === 'running') status = stepThread(kernel, thread, port);
  return status;
}
