import { AGAIN, BLOCKED, CRASH, DONE, JUMP, type Flow } from './flow.ts';
import type { LockName } from './lock.ts';
import type { KernelPort } from './port.ts';
import type { KernelState, MemoryRegion } from './state.ts';

/** A kernel thread in the middle of a flow: plain data, so that it can be cloned, hashed and interleaved. */
export interface Thread {
  readonly id: number;
  readonly flow: Flow;
  /** CPU the thread runs on. A step never moves it; the scheduler does where the CPU goes offline between two. */
  cpu: number;
  /** Index of the step to run next. */
  pc: number;
  /** Steps run so far. */
  steps: number;
  /** The errno on its way out, 0 = none. At the end: what the entry point returns. */
  error: number;
  /** Loop counter of the step that answers AGAIN; 0 when a step begins. */
  index: number;
  /** The CPU a per-CPU flow is about. */
  target: number;
  /** A CPU that failed and whose predecessors are being walked back; -1 = none. */
  failed: number;
  /** Index of the guest TD a flow is about; -1 = none yet. */
  td: number;
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
  td = -1,
): Thread {
  return {
    id,
    flow,
    cpu,
    pc: 0,
    steps: 0,
    error: 0,
    index: 0,
    target,
    failed: -1,
    td,
    region,
    held: [],
    status: 'running',
  };
}

export function cloneThread(thread: Thread): Thread {
  return { ...thread, held: thread.held.slice() };
}

/** Runs one step and says how the thread stands. A `blocked` thread may be stepped again; a finished one may not. */
export function stepThread(kernel: KernelState, thread: Thread, port: KernelPort): ThreadStatus {
  thread.status = advance(kernel, thread, port);
  return thread.status;
}

/** No flow of a machine that a case can describe takes a hundredth of this; a flow that goes round in circles does. */
const STEPS_MAX = 1_000_000;

function advance(kernel: KernelState, thread: Thread, port: KernelPort): ThreadStatus {
  const { steps } = thread.flow;
  const step = steps[thread.pc];
  if (step === undefined) return 'done';
  thread.steps++;
  if (thread.steps > STEPS_MAX) {
    kernel.crash = `endless loop in ${thread.flow.name} at ${step.name}`;
    return 'crashed';
  }
  const outcome = step.run(kernel, thread, port);
  switch (outcome) {
    case DONE:
      thread.pc++;
      break;
    case AGAIN:
      return 'running';
    case BLOCKED:
      return 'blocked';
    case JUMP:
      thread.pc = step.jump;
      break;
    case CRASH:
      return 'crashed';
    default:
      thread.error = outcome;
      thread.pc = step.onError;
  }
  thread.index = 0;
  return thread.pc < steps.length ? 'running' : 'done';
}

/** Runs a thread to its end, or until it blocks or the kernel crashes. */
export function runThread(kernel: KernelState, thread: Thread, port: KernelPort): ThreadStatus {
  let status = stepThread(kernel, thread, port);
  while (status === 'running') status = stepThread(kernel, thread, port);
  return status;
}
