import type { Thread } from '../../kernel/thread.ts';
import { firstOnline, startThread } from '../kernel-thread.ts';
import type { EventRecord, Outcome } from '../trace.ts';
import type { World } from '../world.ts';

/** Per-CPU bring-up, on the CPU itself. */
export function enableCPU(world: World, lp: number): Outcome | Thread {
  const { cpuEnable } = world.kernel.revision;
  if (cpuEnable === null || world.kernel.cpus[lp]?.online !== true) return 'ignored';
  return startThread(world, cpuEnable, lp);
}

/** Module initialisation; a kernel that initialises the module at boot does so once. */
export function enableModule(world: World, record: EventRecord): Outcome | Thread {
  const { enablesAtBoot, enable } = world.kernel.revision;
  if (enablesAtBoot && hasEnabled(world, record)) return 'ignored';
  return startThread(world, enable, firstOnline(world));
}

/** True if an earlier event was the one attempt that there is. */
function hasEnabled({ records }: World, now: EventRecord): boolean {
  for (const record of records) if (record !== now && record.kind === 'enable') return true;
  return false;
}
