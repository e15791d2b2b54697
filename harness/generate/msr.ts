import type { MSROverride } from '../../model/platform/platform.ts';
import type { Random } from './draw.ts';
import { chance, pick } from './draw.ts';

/**
 * Deviations from a healthy machine that BIOS or an early kernel can cause and that TDH.SYS.INIT (on every LP) or
 * TDH.SYS.LP.INIT (on one) must refuse. MCHECK does not check them.
 */
const EVERYWHERE: readonly (Omit<MSROverride, 'lp'> & { readonly rule: string })[] = [
  { rule: 'msr-arch-capabilities', msr: 0x10a, value: 0 },
  { rule: 'msr-misc-package-ctls', msr: 0xbc, value: 0 },
  { rule: 'msr-xapic-disable-status', msr: 0xbd, value: 0 },
  { rule: 'msr-perf-capabilities', msr: 0x345, value: 0 },
  { rule: 'msr-limit-cpuid-maxval', msr: 0x1a0, value: 0x400000 },
  { rule: 'msr-tme-not-locked', msr: 0x982, value: 0x600000002 },
  { rule: 'msr-tme-algorithm', msr: 0x981, value: 0 },
  { rule: 'msr-wbinvdp', msr: 0x99, value: 2 },
  { rule: 'msr-smrr-not-supported', msr: 0xfe, value: 0 },
  { rule: 'msr-smrr-not-locked', msr: 0x1f3, value: 0xff800800 },
  { rule: 'msr-vmx-basic', msr: 0x480, value: 0 },
];

const ONE_LP: readonly (Omit<MSROverride, 'lp'> & { readonly rule: string })[] = [
  { rule: 'msr-tsc-adjust-differs', msr: 0x3b, value: 0x1000 },
  { rule: 'msr-smrr-differs', msr: 0x1f2, value: 0x7e000006 },
  { rule: 'msr-core-capabilities-differs', msr: 0xcf, value: 0 },
  { rule: 'msr-wbinvdp-differs', msr: 0x98, value: 2 },
];

export const MSR_BREAKS: readonly string[] = [...EVERYWHERE, ...ONE_LP].map(({ rule }) => rule);

/** One deviating MSR, on all LPs or on one of `lpCount`. */
export function drawBrokenMSR(random: Random, lpCount: number): { override: MSROverride; rule: string } {
  if (chance(random, 60)) {
    const { rule, msr, value } = pick(random, EVERYWHERE);
    return { override: { lp: null, msr, value }, rule };
  }
  const { rule, msr, value } = pick(random, ONE_LP);
  return { override: { lp: random.nextInt(0, lpCount - 1), msr, value }, rule };
}

/** Any value in any of the MSRs that MCHECK, the kernel or the module read. */
export function drawWildMSRs(random: Random, lpCount: number): MSROverride[] {
  const overrides: MSROverride[] = [];
  const count = random.nextInt(0, 2);
  for (let index = 0; index < count; index += 1) {
    const { msr, value } = pick(random, chance(random, 70) ? EVERYWHERE : ONE_LP);
    overrides.push({
      lp: chance(random, 50) ? null : random.nextInt(0, lpCount - 1),
      msr: chance(random, 80) ? msr : pick(random, [0x87, 0x1400, 0x1401]),
      value: chance(random, 60) ? value : random.nextInt(0, 0x7fffffff),
    });
  }
  return overrides;
}
