import type { CMRInfo } from '../../model/abi/cmr-info.ts';
import { CMR_COUNT_MAX } from '../../model/abi/cmr-info.ts';
import { asBigInt, u64FromBigInt } from '../../model/abi/u64.ts';
import type { CPUIDValue, Hardware, LogicalProcessor, MSRValue, SMRR } from '../../model/platform/hardware.ts';
import { createMemory } from '../../model/platform/memory.ts';
import { arrayOr, asArray, asCount, asObject, asU32, asU64, countOr, refuseUnknownKeys, u32, u32Or } from './json.ts';
import { TraceFormatError } from './replay.ts';

/** The recorded `platform` as hardware, everything but memory: that starts empty for each replay. */
export type HardwareSeed = Omit<Hardware, 'memory'>;

const U32_END = 2 ** 32;
const LP_END = 1024;
const DEFAULT_FMS = 0x806f8;
const PLATFORM_KEYS = new Set([
  'maxPa',
  'keyidBits',
  'mktmeKeyids',
  'tdxKeyids',
  'lps',
  'totLps',
  'totPkgs',
  'cmrs',
  'seamrr',
  'smrr',
  'msr',
  'lpMsr',
  'cpuid',
  'wbBlocks',
  'smrr2NotSupported',
  'tdxWithoutIntegrity',
  'fms',
  'seamopsCaps',
  'moduleHv',
  'minUpdateHv',
  'noDowngrade',
  'handoffPages',
  'pkgShift',
  'smtShift',
]);

/** Reads the recorded `platform`; throws TraceFormatError where it is not of the recorded shape. */
export function readPlatform(value: unknown): HardwareSeed {
  const platform = asObject(value, 'platform');
  refuseUnknownKeys(platform, PLATFORM_KEYS, 'platform');
  const { lps, packages } = readLPs(platform['lps']);
  const seamrr = asObject(platform['seamrr'], 'platform.seamrr');
  const base = asU64(seamrr['base'], 'platform.seamrr.base');
  return {
    lps,
    maxPa: asCount(platform['maxPa'], 256, 'platform.maxPa'),
    keyidBits: asCount(platform['keyidBits'], 16, 'platform.keyidBits'),
    mktmeKeyids: u32(platform['mktmeKeyids'], 'platform.mktmeKeyids'),
    tdxKeyids: u32(platform['tdxKeyids'], 'platform.tdxKeyids'),
    packageShift: u32Or(platform['pkgShift'], 4, 'platform.pkgShift'),
    smtShift: u32Or(platform['smtShift'], 1, 'platform.smtShift'),
    seamrr: {
      base,
      // A size stands for the mask that has its lowest bit there: -size in 52 bits.
      mask:
        seamrr['mask'] === undefined
          ? maskOfSize(asU64(seamrr['size'], 'platform.seamrr.size'))
          : asU64(seamrr['mask'], 'platform.seamrr.mask'),
    },
    smrr: readSMRRs(platform['smrr']),
    wbBlocks: u32Or(platform['wbBlocks'], 1, 'platform.wbBlocks'),
    loader: {
      totLPs: u32Or(platform['totLps'], lps.length, 'platform.totLps'),
      totPackages: u32Or(platform['totPkgs'], packages, 'platform.totPkgs'),
      cmrs: readCMRs(platform['cmrs']),
      fms:
        platform['fms'] === undefined
          ? [DEFAULT_FMS]
          : asArray(platform['fms'], 'platform.fms').map((fms, index) => u32(fms, `platform.fms[${index}]`)),
      seamopsCaps: u32Or(platform['seamopsCaps'], 0x7f, 'platform.seamopsCaps'),
      handoffPages: u32Or(platform['handoffPages'], 16, 'platform.handoffPages'),
      moduleHv: u32Or(platform['moduleHv'], 0, 'platform.moduleHv'),
      minUpdateHv: u32Or(platform['minUpdateHv'], 0, 'platform.minUpdateHv'),
      noDowngrade: u32Or(platform['noDowngrade'], 0, 'platform.noDowngrade'),
      smrr2NotSupported: readFlag(platform['smrr2NotSupported'], 'platform.smrr2NotSupported'),
      tdxWithoutIntegrity: readFlag(platform['tdxWithoutIntegrity'], 'platform.tdxWithoutIntegrity'),
    },
    msr: [...readMSRs(platform['msr'], null, 'platform.msr'), ...readLPMSRs(platform['lpMsr'], 'platform.lpMsr')],
    cpuid: readCPUIDs(platform['cpuid'], 'platform.cpuid'),
  };
}

/** Fresh hardware of a seed: what a case changes on its way is not shared with the next replay. */
export function buildHardware(seed: HardwareSeed): Hardware {
  return { ...seed, loader: { ...seed.loader }, msr: [...seed.msr], cpuid: [...seed.cpuid], memory: createMemory() };
}

/** `{"0xbd": "0x1"}`: MSR numbers to values, for all LPs (`null`) or one. */
export function readMSRs(value: unknown, lp: number | null, where: string): readonly MSRValue[] {
  if (value === undefined) return [];
  return Object.entries(asObject(value, where)).map(([msr, text]) => ({
    lp,
    msr: asU32(msr, `${where}: MSR number`),
    value: asU64(text, `${where}["${msr}"]`),
  }));
}

/** `{"1": {"0xbd": "0x1"}}`: the same by LP. */
export function readLPMSRs(value: unknown, where: string): readonly MSRValue[] {
  if (value === undefined) return [];
  return Object.entries(asObject(value, where)).flatMap(([lp, msrs]) =>
    readMSRs(msrs, asCount(Number(lp), LP_END, `${where}: LP`), `${where}["${lp}"]`),
  );
}

const CPUID_KEYS = new Set(['leaf', 'subleaf', 'lp', 'eax', 'ebx', 'ecx', 'edx']);

export function readCPUIDs(value: unknown, where: string): CPUIDValue[] {
  return arrayOr(value, where).map((item, index) => {
    const at = `${where}[${index}]`;
    const row = asObject(item, at);
    refuseUnknownKeys(row, CPUID_KEYS, at);
    return {
      lp: row['lp'] === undefined ? null : asCount(row['lp'], LP_END, `${at}.lp`),
      leaf: asU32(row['leaf'], `${at}.leaf`),
      subleaf: row['subleaf'] === undefined ? null : asU32(row['subleaf'], `${at}.subleaf`),
      ...(row['eax'] !== undefined && { eax: asU32(row['eax'], `${at}.eax`) }),
      ...(row['ebx'] !== undefined && { ebx: asU32(row['ebx'], `${at}.ebx`) }),
      ...(row['ecx'] !== undefined && { ecx: asU32(row['ecx'], `${at}.ecx`) }),
      ...(row['edx'] !== undefined && { edx: asU32(row['edx'], `${at}.edx`) }),
    };
  });
}

/** LPs by their id, which is also their index, and the number of distinct packages. */
function readLPs(value: unknown): { lps: LogicalProcessor[]; packages: number } {
  const rows = asArray(value, 'platform.lps');
  const lps: LogicalProcessor[] = [];
  const packages = new Set<number>();
  for (const [index, item] of rows.entries()) {
    const at = `platform.lps[${index}]`;
    const row = asObject(item, at);
    if (asCount(row['id'], LP_END, `${at}.id`) !== index)
      throw new TraceFormatError(`${at}.id: LPs must be listed by id, from 0 and without a gap`);
    const number = asCount(row['pkg'], U32_END, `${at}.pkg`);
    packages.add(number);
    lps.push({ x2apic: u32(row['x2apic'], `${at}.x2apic`), package: number, vmx: true, seamrrValid: true });
  }
  if (lps.length === 0) throw new TraceFormatError('platform.lps: expected at least one LP');
  return { lps, packages: packages.size };
}

function readCMRs(value: unknown): readonly CMRInfo[] {
  const rows = asArray(value, 'platform.cmrs');
  if (rows.length > CMR_COUNT_MAX)
    throw new TraceFormatError(`platform.cmrs: expected at most ${CMR_COUNT_MAX} entries, found ${rows.length}`);
  return rows.map((item, index) => {
    const row = asObject(item, `platform.cmrs[${index}]`);
    return {
      base: asU64(row['base'], `platform.cmrs[${index}].base`),
      size: asU64(row['size'], `platform.cmrs[${index}].size`),
    };
  });
}

function readSMRRs(value: unknown): readonly SMRR[] {
  const rows = asArray(value, 'platform.smrr');
  if (rows.length > 2) throw new TraceFormatError(`platform.smrr: expected at most 2 entries, found ${rows.length}`);
  return rows.map((item, index) => {
    const at = `platform.smrr[${index}]`;
    const row = asObject(item, at);
    return {
      base: asU64(row['base'], `${at}.base`),
      mask: asU64(row['mask'], `${at}.mask`),
      lock: asCount(Number(row['lock']), 2, `${at}.lock`) === 1 ? 1 : 0,
      valid: asCount(Number(row['valid']), 2, `${at}.valid`) === 1 ? 1 : 0,
    };
  });
}

function readFlag(value: unknown, where: string): boolean {
  return typeof value === 'boolean' ? value : countOr(value, 0, 2, where) === 1;
}

function maskOfSize(size: ReturnType<typeof asU64>): ReturnType<typeof asU64> {
  return u64FromBigInt((2n ** 52n - asBigInt(size)) & (2n ** 52n - 1n));
}
