import { highHalf, lowHalf } from '../abi/u64.ts';
import { brokenCMRRule } from './cmr.ts';
import type { CMRRule } from './cmr.ts';
import { KEYID_PARTITIONING_MSR, readKeyIDPartition } from './keyid.ts';
import { isOverridden, readOverride } from './msr-override.ts';
import type { Platform } from './platform.ts';
import { brokenSEAMRRRule, SEAMRR_BASE_MSR, SEAMRR_MASK_MSR, seamrrBaseMSR, seamrrMaskMSR } from './seamrr.ts';
import type { SEAMRRRule } from './seamrr.ts';
import { packageNumbers, topologyShifts, x2apicOf } from './topology.ts';
import type { TopologyShifts } from './topology.ts';

const PACKAGES_MAX = 8;
/** x2APIC ids must be below this (MCHECK's LP table). */
const X2APIC_END = 1024;
/** CPUID(1).EAX where a case names none: Sapphire Rapids, the machine of the recordings. */
const FMS_DEFAULT = 0x806f8;

export type MCHECKRule =
  | SEAMRRRule
  | CMRRule
  /** No package with an enabled LP, or more than 8. */
  | 'package-count'
  /** An enabled LP has an x2APIC id of 1024 or more. */
  | 'x2apic-range'
  /** Family or model differs between packages (steppings may). */
  | 'fms-differs'
  /** MSR 0x87 differs between packages. */
  | 'keyid-differs';

/** The static table MCHECK publishes for the loaders and the module. */
export interface StaticTable {
  /** LPs that BIOS enabled. */
  readonly lpCount: number;
  /** Their package numbers, ascending. */
  readonly packages: readonly number[];
  /** CPUID(1).EAX per package, in the order of `packages`. */
  readonly fms: readonly number[];
  /** Family and model with the lowest stepping found in any package. */
  readonly platformFMS: number;
}

export interface MCHECKResult {
  /** `published`: all rules hold. `refused`: one does not, SEAM stays off. `bypassed`: the case overrides the refusal. */
  readonly verdict: 'published' | 'refused' | 'bypassed';
  /** The first rule BIOS broke. */
  readonly rule: MCHECKRule | null;
  readonly table: StaticTable;
  readonly shifts: TopologyShifts;
}

/**
 * MCHECK judges what BIOS proposes and publishes the static table, or refuses. It is closed firmware: the rules are
 * those of the loader interface specification and of the mails that argue from it (v5 22/22, v7 09/20, v7 04/20).
 */
export function runMCHECK(platform: Platform): MCHECKResult {
  const shifts = topologyShifts(platform.lps);
  const table = tabulate(platform);
  const rule = brokenRule(platform, table, shifts);
  const verdict = rule === null ? 'published' : platform.mcheck === 'bypass' ? 'bypassed' : 'refused';
  return { verdict, rule, table, shifts };
}

function tabulate({ lps, fms }: Platform): StaticTable {
  let lpCount = 0;
  for (const lp of lps) if (lp.bios) lpCount += 1;
  const packages = packageNumbers(lps, true);
  const first = fms[0] ?? FMS_DEFAULT;
  const perPackage = fms.slice(0, packages.length);
  while (perPackage.length < packages.length) perPackage.push(first);
  let platformFMS = first;
  for (let index = 0; index < perPackage.length; index += 1) {
    const value = perPackage[index] ?? first;
    if (value < platformFMS) platformFMS = value;
  }
  return { lpCount, packages, fms: perPackage, platformFMS };
}

function brokenRule(platform: Platform, table: StaticTable, shifts: TopologyShifts): MCHECKRule | null {
  const seamrr = brokenSEAMRRRule(platform.seamrr);
  if (seamrr !== null) return seamrr;
  if (table.packages.length === 0 || table.packages.length > PACKAGES_MAX) return 'package-count';
  for (const lp of platform.lps) if (lp.bios && x2apicOf(lp, shifts) >= X2APIC_END) return 'x2apic-range';
  const family = (table.fms[0] ?? 0) >>> 4;
  for (const fms of table.fms) if (fms >>> 4 !== family) return 'fms-differs';
  if (platform.msr.length > 0) {
    if (seamrrDiffers(platform)) return 'seamrr-differs';
    if (keyidsDiffer(platform)) return 'keyid-differs';
  }
  return brokenCMRRule(platform.cmrs);
}

function seamrrDiffers(platform: Platform): boolean {
  const { msr, seamrr } = platform;
  if (seamrr === null) return false;
  if (!isOverridden(msr, SEAMRR_BASE_MSR) && !isOverridden(msr, SEAMRR_MASK_MSR)) return false;
  // Against what BIOS declared, not only among the cores: a range that is nowhere what was declared is no SEAMRR.
  const base = seamrrBaseMSR(seamrr);
  const mask = seamrrMaskMSR(seamrr);
  for (let lp = 0; lp < platform.lps.length; lp += 1) {
    if (platform.lps[lp]?.bios !== true) continue;
    if (readOverride(msr, lp, SEAMRR_BASE_MSR, base) !== base) return true;
    if (readOverride(msr, lp, SEAMRR_MASK_MSR, mask) !== mask) return true;
  }
  return false;
}

function keyidsDiffer(platform: Platform): boolean {
  if (!isOverridden(platform.msr, KEYID_PARTITIONING_MSR)) return false;
  let high = -1;
  let low = -1;
  for (let lp = 0; lp < platform.lps.length; lp += 1) {
    if (platform.lps[lp]?.bios !== true) continue;
    const value = readKeyIDPartition(platform, lp);
    if (high === -1) {
      high = highHalf(value);
      low = lowHalf(value);
    } else if (highHalf(value) !== high || lowHalf(value) !== low) return true;
  }
  return false;
}
