import type { Flow } from '../kernel/flow.ts';
import type { MemoryRegion } from '../kernel/state.ts';
import { createThread, runThread, type Thread } from '../kernel/thread.ts';
import type { World } from './world.ts';

/** The CPU that a call with no CPU of its own runs on: the boot CPU, or the lowest online one. */
export function firstOnline({ kernel, bootLP }: World): number {
  const { cpus } = kernel;
  // Linux counts from the boot CPU, wherever the case has it.
  if (bootLP !== -1 && cpus[bootLP]?.online === true) return bootLP;
  for (let cpu = 0; cpu < cpus.length; cpu += 1) if (cpus[cpu]?.online === true) return cpu;
  return 0;
}

/** A thread of the latest event, before its first step. `target`, `region`, `td`: what the flow is about; see Thread. */
export function startThread(
  world: World,
  flow: Flow,
  cpu: number,
  target: number = cpu,
  region: MemoryRegion | null = null,
  td = -1,
): Thread {
  return createThread(world.records.length, flow, cpu, target, region, td);
}

/**
 * Runs a thread to its end with no other thread under way. Returns 0 or a negative errno: what the flow returned, or what
 * was on its way out when the kernel crashed.
 */
export function runAlone({ kernel, port }: World, thread: Thread): number {
  const { flow } = thread;
  // A lock that is taken will never be dropped: the kernel hangs for good.
  if (runThread(kernel, thread, port) === 'blocked')
    kernel.crash = `deadlock in ${flow.name}: ${flow.steps[thread.pc]?.name ?? 'end'}`;
  return thread.error;
}
