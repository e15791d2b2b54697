import { createModule } from '../../module/state.ts';
import { lateLoad } from '../../seamldr/late-load.ts';
import { unloadModule } from '../../seamldr/seamldr.ts';
import { hasTalked } from '../record.ts';
import type { Outcome } from '../trace.ts';
import { modulePhase, type World } from '../world.ts';

/** The kernel, or an administrator, has the module loaded anew. */
export function loadModule(world: World): Outcome {
  const online = world.kernel.cpus.map((cpu) => cpu.online);
  const { outcome } = lateLoad(world.seamldr, world.hardware, world.module.phase === 'DEAD', world.platform, online);
  if (outcome === 'no-image') return 'ignored';
  if (outcome === 'loaded') {
    if (hasTalked(world)) world.disturbed = true;
    world.module = createModule(world.release);
    return 'done';
  }
  // While an INSTALL session is open no SEAMCALL reaches the module.
  if (outcome === 'incomplete' && hasTalked(world)) world.disturbed = true;
  return 'refused';
}

export function dropModule(world: World): Outcome {
  if (modulePhase(world) === 'ABSENT') return 'ignored';
  unloadModule(world.seamldr);
  if (hasTalked(world)) world.disturbed = true;
  return 'done';
}

/** The module shuts itself down inside SEAM. */
export function killModule(world: World): Outcome {
  const phase = modulePhase(world);
  if (phase === 'ABSENT' || phase === 'DEAD') return 'ignored';
  world.module.phase = 'DEAD';
  world.disturbed = true;
  return 'done';
}
