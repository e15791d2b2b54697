import { GIB } from '../../model/abi/size.ts';
import type { Platform, PlatformLP } from '../../model/platform/platform.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

const LPS_MAX = 8;
const CORES_PER_PACKAGE = 2;

/** A real machine reduced for cases: few LPs, with all its memory or only that up to the end of its first high CMR. */
interface ScaledDown {
  readonly whole: Platform;
  readonly low: Platform;
}

/** Cached per machine, because scaling walks through hundreds of LPs. */
const scaled = new WeakMap<Platform, ScaledDown>();

/**
 * A real machine as a starting point, reduced to the size of a case: at most two cores of each package and eight LPs;
 * half of the time also without the memory above its first high CMR.
 */
export function drawRealPlatform(random: Random, platforms: readonly Platform[]): Platform {
  const platform = pick(random, platforms);
  let entry = scaled.get(platform);
  if (entry === undefined) {
    entry = scaleDown(platform);
    scaled.set(platform, entry);
  }
  return chance(random, 50) ? entry.whole : entry.low;
}

function scaleDown(platform: Platform): ScaledDown {
  const whole = { ...platform, lps: fewLPs(platform.lps) };
  const first = platform.cmrs.find(({ base, size }) => base >= 4 * GIB && size > 0);
  if (first === undefined) return { whole, low: whole };
  const end = first.base + first.size;
  return {
    whole,
    low: {
      ...whole,
      cmrs: platform.cmrs.filter(({ base }) => base < end),
      memory: platform.memory.filter(({ base, size }) => base + size <= end),
    },
  };
}

function fewLPs(lps: readonly PlatformLP[]): PlatformLP[] {
  return lps.filter(({ core }) => core < CORES_PER_PACKAGE).slice(0, LPS_MAX);
}
