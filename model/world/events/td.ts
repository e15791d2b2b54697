import type { Thread } from '../../kernel/thread.ts';
import { firstOnline, startThread } from '../kernel-thread.ts';
import type { Outcome } from '../trace.ts';
import type { World } from '../world.ts';

export function createTD(world: World): Outcome | Thread {
  const { tdCreate } = world.kernel.revision;
  if (tdCreate === null || world.kernel.status !== 'initialised') return 'ignored';
  return startThread(world, tdCreate, firstOnline(world));
}

export function runTD(world: World, nth: number, lp: number): Outcome | Thread {
  const { cpus, revision } = world.kernel;
  const td = aliveTD(world, nth);
  if (revision.tdRun === null || td === -1 || cpus[lp]?.online !== true) return 'ignored';
  return startThread(world, revision.tdRun, lp, lp, null, td);
}

export function destroyTD(world: World, nth: number): Outcome | Thread {
  const { revision } = world.kernel;
  const td = aliveTD(world, nth);
  if (revision.tdDestroy === null || td === -1) return 'ignored';
  const cpu = firstOnline(world);
  return startThread(world, revision.tdDestroy, cpu, cpu, null, td);
}

/** Number `nth` of the guests that are alive, or the last of them; -1 if there is none. */
function aliveTD({ kernel }: World, nth: number): number {
  const { tds } = kernel;
  let td = -1;
  let left = nth;
  for (let at = 0; at < tds.length && left >= 0; at += 1) {
    if (tds[at]?.alive !== true) continue;
    td = at;
    left -= 1;
  }
  return td;
}
