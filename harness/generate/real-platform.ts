import type { Platform, PlatformLP } from '../../model/platform/platform.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

const LPS_MAX = 8;
const CORES_PER_PACKAGE = 2;
const GiB = 2 ** 30;

/**
 * A real machine as a starting point, small enough for a case: at most two cores of each package and eight LPs; half of
 * the time also without the memory above its first high CMR.
 */
export function drawRealPlatform(random: Random, platforms: readonly Platform[]): Platform {
  const whole = pick(random, platforms);
  const lps = fewLPs(whole.lps);
  if (chance(random, 50)) return { ...whole, lps };
  let end = 0;
  for (const { base, size } of whole.cmrs) if (end === 0 && base >= 4 * GiB) end = base + size;
  if (end === 0) return { ...whole, lps };
  return {
    ...whole,
    lps,
    cmrs: whole.cmrs.filter(({ base }) => base < end),
    memory: whole.memory.filter(({ base, size }) => base + size <= end),
  };
}

function fewLPs(lps: readonly PlatformLP[]): PlatformLP[] {
  const few: PlatformLP[] = [];
  for (const lp of lps) {
    if (lp.core < CORES_PER_PACKAGE && few.length < LPS_MAX) few.push(lp);
  }
  return few;
}
