import type { U64 } from '../abi/u64.ts';
import type { MSROverride } from './platform.ts';

/** The last matching override for this LP: per-LP beats global, later beats earlier; `healthy` if there is none. */
export function readOverride(overrides: readonly MSROverride[], lp: number, msr: number, healthy: U64): U64 {
  let global: U64 | undefined;
  for (let index = overrides.length - 1; index >= 0; index -= 1) {
    const override = overrides[index];
    if (override === undefined || override.msr !== msr) continue;
    if (override.lp === lp) return override.value;
    if (override.lp === null) global ??= override.value;
  }
  return global ?? healthy;
}

/** True if any override touches this MSR: most machines have none, and then every LP reads the same. */
export function isOverridden(overrides: readonly MSROverride[], msr: number): boolean {
  for (const override of overrides) if (override.msr === msr) return true;
  return false;
}
