import { GIB } from '../../model/abi/size.ts';
import { healthyMachine, lpGrid } from '../../model/platform/healthy.ts';
import type { Platform } from '../../model/platform/platform.ts';

/** A healthy machine of 2 packages and 4 LPs that MCHECK accepts; a test overrides only what it tests. */
export function healthyPlatform(overrides: Partial<Platform> = {}): Platform {
  const memory = [
    { base: 0x100000, size: 0x77700000, node: 0 },
    { base: 4 * GIB, size: 2 * GIB, node: 0 },
    { base: 6 * GIB, size: 2 * GIB, node: 1 },
  ];
  const cmrs = [
    { base: 0x100000, size: 0x77700000 },
    { base: 4 * GIB, size: 4 * GIB },
  ];
  return { ...healthyMachine(lpGrid(2, 2), memory, cmrs), ...overrides };
}
