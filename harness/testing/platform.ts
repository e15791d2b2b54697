import { healthyMachine, lpGrid } from '../../model/platform/healthy.ts';
import type { Platform } from '../../model/platform/platform.ts';

const GiB = 2 ** 30;

/** A healthy machine of 2 packages and 4 LPs that MCHECK accepts; a test overrides only what it tests. */
export function healthyPlatform(overrides: Partial<Platform> = {}): Platform {
  const memory = [
    { base: 0x100000, size: 0x77700000, node: 0 },
    { base: 4 * GiB, size: 2 * GiB, node: 0 },
    { base: 6 * GiB, size: 2 * GiB, node: 1 },
  ];
  const cmrs = [
    { base: 0x100000, size: 0x77700000 },
    { base: 4 * GiB, size: 4 * GiB },
  ];
  return { ...healthyMachine(lpGrid(2, 2), memory, cmrs), ...overrides };
}
