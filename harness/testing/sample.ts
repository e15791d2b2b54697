import { GIB } from '../../model/abi/size.ts';
import { healthyMachine, lpGrid } from '../../model/platform/healthy.ts';
import type { Event } from '../../model/world/event.ts';
import type { Platform } from '../../model/platform/platform.ts';
import type { Case } from '../case.ts';

/**
 * A healthy machine: `packages` x `cores` LPs, one 2 GiB memory block and CMR per package. A test overrides only what it
 * tests.
 */
export function samplePlatform(packages = 2, cores = 2, overrides: Partial<Platform> = {}): Platform {
  const memory = Array.from({ length: packages }, (_, node) => ({ base: (4 * node + 4) * GIB, size: 2 * GIB, node }));
  return { ...healthyMachine(lpGrid(packages, cores), memory), seamrr: { base: GIB, size: 2 ** 25 }, ...overrides };
}

export function sampleCase(events: readonly Event[], platform: Platform = samplePlatform()): Case {
  return { formatVersion: 1, profile: { kernel: 'sample', module: 'sample' }, platform, events };
}
