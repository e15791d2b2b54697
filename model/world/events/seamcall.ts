import { modelledLeaf } from '../../module/leaves/index.ts';
import type { Event } from '../event.ts';
import { performSeamcall } from '../seamcall.ts';
import type { Outcome } from '../trace.ts';
import type { World } from '../world.ts';

/** A SEAMCALL that is not the kernel's own. One of a leaf that only reads disturbs nothing. */
export function callRaw(world: World, event: Extract<Event, { kind: 'seamcall' }>): Outcome {
  if (world.kernel.cpus[event.lp]?.online !== true) return 'ignored';
  const { rax, rcx, rdx, r8, r9, r10, r11 } = event;
  const trap = performSeamcall(world, event.lp, { rax, rcx, rdx, r8, r9, r10, r11 }, true);
  const onlyReads = typeof rax === 'number' && modelledLeaf(rax)?.onlyReads === true;
  if (trap === 'none' && !onlyReads) world.tampered = true;
  return 'done';
}
