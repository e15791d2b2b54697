import type { Registers } from '../abi/registers.ts';
import { STATUS, withDetails } from '../abi/status.ts';
import type { U64 } from '../abi/u64.ts';
import { u64FromHalves } from '../abi/u64.ts';
import { CPUID_ROW_COUNT, cpuidRow } from '../platform/cpuid.ts';
import { CPUID_MASK, CPUID_RULES, CPUID_SAME, CPUID_VALUE } from './cpuid-rules.ts';
import { type Death, death, type Refusal, refusal } from './outcome.ts';

const ROW = {
  L0: cpuidRow(0, null),
  L4_3: cpuidRow(4, 3),
  L7_0: cpuidRow(7, 0),
  LA: cpuidRow(0xa, null),
  LD_0: cpuidRow(0xd, 0),
  LD_1: cpuidRow(0xd, 1),
  L15: cpuidRow(0x15, null),
  L1C: cpuidRow(0x1c, null),
  L1F_0: cpuidRow(0x1f, 0),
  L80000000: cpuidRow(0x80000000, null),
  L80000008: cpuidRow(0x80000008, null),
} as const;

const XCR0_USER_MASK = 0x602ff;
const XSS_SUPERVISOR_MASK = 0x1fd00;
/** Hz. */
const TSC_FREQUENCY_MIN = 0x2540c;
const CORE_LEVEL = 2;
const LEVEL_TYPE_END = 6;
const PACKAGE_COUNT_MAX = 8;
const NO_SUBLEAF = 0xffffffff;

const BASIC_LEAF_MISSING = refusal(
  withDetails(STATUS.TDX_CPUID_LEAF_NOT_SUPPORTED, 0x1f),
  'CPUID.0: maximum leaf below 1FH',
);
const EXTENDED_LEAF_MISSING = refusal(
  withDetails(STATUS.TDX_CPUID_LEAF_NOT_SUPPORTED, 0x80000008),
  'CPUID.80000000H: maximum leaf below 80000008H',
);
const VALUE_DIFFERS = refusal(STATUS.TDX_INCORRECT_CPUID_VALUE, 'CPUID: a value TDX needs differs');
const PERFMON_TOO_OLD = refusal(STATUS.TDX_INCORRECT_CPUID_VALUE, 'CPUID.A: performance monitoring version below 5');
const TOO_MANY_COUNTERS = refusal(STATUS.TDX_INCORRECT_CPUID_VALUE, 'CPUID.A: more than 7 fixed counters');
const ADDRESS_WIDTH_WRONG = refusal(
  STATUS.TDX_INCORRECT_CPUID_VALUE,
  'CPUID.80000008H: linear address width does not go with LA57',
);
const NO_LBR_DEPTH = death('CPUID.1C: no LBR depth');
const COMPONENT_CLAIMED_TWICE = death('CPUID.D: a component is claimed by XCR0 and XSS alike');
const NO_TSC_RATIO = refusal(withDetails(STATUS.TDX_CPUID_LEAF_NOT_SUPPORTED, 0x15), 'CPUID.15: no TSC ratio');
const TSC_TOO_SLOW = death('CPUID.15: TSC too slow');
const LEVEL_TYPES_WRONG = refusal(
  STATUS.TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED,
  'CPUID.1F: level types not ascending or unknown',
);
const NO_CORE_LEVEL = refusal(STATUS.TDX_CPUID_LEAF_NOT_SUPPORTED, 'CPUID.1F: no core level');
const CACHE_SCOPE_WRONG = refusal(
  STATUS.TDX_INVALID_WBINVD_SCOPE,
  'CPUID.4.3: the last-level cache is not shared by exactly one package',
);
const DIFFERS_FROM_INIT = refusal(
  STATUS.TDX_INCONSISTENT_CPUID_FIELD,
  'CPUID: differs from the LP that ran TDH.SYS.INIT',
);

/** What `verifyCPUID` learns on its way through the topology leaves. */
export interface Topology {
  packageShift: number;
  previousType: number;
  sawCore: boolean;
  sawEnd: boolean;
}

/**
 * TDH.SYS.INIT's walk over CPUID, `table` as `readCPUIDTable` fills it. On TDX_INCORRECT_CPUID_VALUE
 * RCX to R10 say which leaf and which bits. Source: recorded cases init-cpuid*.
 */
export function verifyCPUID(table: Uint32Array, regs: Registers, topology: Topology): Refusal | Death | null {
  topology.packageShift = 0;
  topology.previousType = 0;
  topology.sawCore = false;
  topology.sawEnd = false;
  if (word(table, ROW.L0, 0) < 0x1f) return BASIC_LEAF_MISSING;
  if (word(table, ROW.L80000000, 0) < 0x80000008) return EXTENDED_LEAF_MISSING;
  for (let row = 0; row < CPUID_ROW_COUNT; row += 1) {
    const at = row * 4;
    for (let index = at; index < at + 4; index += 1) {
      if ((((table[index] ?? 0) ^ (CPUID_VALUE[index] ?? 0)) & (CPUID_MASK[index] ?? 0)) !== 0) {
        return incorrect(
          VALUE_DIFFERS,
          regs,
          row,
          maskAt(CPUID_MASK, at),
          maskAt(CPUID_MASK, at + 2),
          maskAt(CPUID_VALUE, at),
          maskAt(CPUID_VALUE, at + 2),
        );
      }
    }
    const failure = checkSpecialRow(table, row, regs, topology);
    if (failure !== null) return failure;
  }
  return null;
}

function checkSpecialRow(table: Uint32Array, row: number, regs: Registers, topology: Topology): Refusal | Death | null {
  switch (row) {
    case ROW.LA:
      if ((word(table, row, 0) & 0xff) < 5) return incorrect(PERFMON_TOO_OLD, regs, row, 0xf, 0, 5, 0);
      return (word(table, row, 3) & 0x1f) > 7
        ? incorrect(TOO_MANY_COUNTERS, regs, row, 0, u64FromHalves(0x1f, 0), 0, u64FromHalves(7, 0))
        : null;
    case ROW.L80000008: {
      const expected = (word(table, ROW.L7_0, 2) & 0x10000) !== 0 ? 0x3900 : 0x3000;
      return (word(table, row, 0) & 0xff00) === expected
        ? null
        : incorrect(ADDRESS_WIDTH_WRONG, regs, row, 0xff00, 0, expected, 0);
    }
    case ROW.L1C:
      return (word(table, row, 0) & 0xff) === 0 ? NO_LBR_DEPTH : null;
    case ROW.L15:
      return checkTSC(table);
    default:
      if (row > ROW.LD_1 && row <= ROW.LD_0 + 18) return checkXSAVE(table, row);
      if (row >= ROW.L1F_0 && row < ROW.L1F_0 + 6) return checkTopology(table, row, topology);
      return null;
  }
}

/** A component must not be user state by D.n and supervisor state by its mask, or the other way round. */
function checkXSAVE(table: Uint32Array, row: number): Death | null {
  const bit = 1 << (row - ROW.LD_0);
  const supervisor = (word(table, row, 2) & 1) !== 0;
  const claimed = supervisor
    ? word(table, ROW.LD_0, 0) & XCR0_USER_MASK
    : word(table, ROW.LD_1, 2) & XSS_SUPERVISOR_MASK;
  return (claimed & bit) === 0 ? null : COMPONENT_CLAIMED_TWICE;
}

function checkTSC(table: Uint32Array): Refusal | Death | null {
  const denominator = word(table, ROW.L15, 0);
  const numerator = word(table, ROW.L15, 1);
  if (numerator === 0) return NO_TSC_RATIO;
  // floor(a / b) < c is a < b * c; b * c stays below 2^50, so a rounded a cannot mislead.
  const tooSlow = denominator === 0 || word(table, ROW.L15, 2) * numerator < TSC_FREQUENCY_MIN * denominator;
  return tooSlow ? TSC_TOO_SLOW : null;
}

function checkTopology(table: Uint32Array, row: number, topology: Topology): Refusal | null {
  const type = (word(table, row, 2) >>> 8) & 0xff;
  if (type !== 0) {
    if (type <= topology.previousType || type >= LEVEL_TYPE_END) return LEVEL_TYPES_WRONG;
    topology.previousType = type;
    topology.packageShift = word(table, row, 0) & 0x1f;
    if (type === CORE_LEVEL) topology.sawCore = true;
    return null;
  }
  if (!topology.sawCore) return NO_CORE_LEVEL;
  if (topology.sawEnd) return null;
  topology.sawEnd = true;
  const sharingMax = (word(table, ROW.L4_3, 0) >>> 14) & 0xfff;
  const isOnePackage = topology.packageShift !== 0 && sharingMax >>> (topology.packageShift - 1) === 1;
  return isOnePackage ? null : CACHE_SCOPE_WRONG;
}

/**
 * TDH.SYS.LP.INIT's comparison of this LP's CPUID with INIT's. Stores the LP's package when it gets to
 * CPUID.1F, whatever comes after. Source: recorded cases lpinit-cpuid*, lpinit-pkgid*, lpinit-shift.
 */
export function compareCPUID(
  table: Uint32Array,
  sample: Uint32Array,
  regs: Registers,
  storePackage: () => Refusal | null,
): Refusal | null {
  const basicMax = word(table, ROW.L0, 0);
  const extendedMax = word(table, ROW.L80000000, 0);
  for (let row = 0; row < CPUID_ROW_COUNT; row += 1) {
    const leaf = CPUID_RULES[row]?.leaf ?? 0;
    if (leaf > (leaf >= 0x80000000 ? extendedMax : basicMax)) continue;
    const at = row * 4;
    for (let index = at; index < at + 4; index += 1) {
      if ((((table[index] ?? 0) ^ (sample[index] ?? 0)) & (CPUID_SAME[index] ?? 0)) !== 0) {
        regs.rcx = leafAndSubleaf(row);
        regs.rdx = maskAt(CPUID_SAME, at);
        regs.r8 = maskAt(CPUID_SAME, at + 2);
        return DIFFERS_FROM_INIT;
      }
    }
    if (row === ROW.L1F_0) {
      const failure = storePackage();
      if (failure !== null) return failure;
    }
  }
  return null;
}

/** A package number the module has room for. */
export function isPackageNumber(value: number): boolean {
  return value < PACKAGE_COUNT_MAX;
}

/** Components the CPU allows in XFAM, by CPUID.D. */
export function xfamAllowed(table: Uint32Array): number {
  return (word(table, ROW.LD_0, 0) & XCR0_USER_MASK) | (word(table, ROW.LD_1, 2) & XSS_SUPERVISOR_MASK);
}

/** CPUID.7.0:ECX[5]. */
export function hasWAITPKG(table: Uint32Array): boolean {
  return (word(table, ROW.L7_0, 2) & 0x20) !== 0;
}

function incorrect(
  why: Refusal,
  regs: Registers,
  row: number,
  maskAB: U64,
  maskCD: U64,
  valueAB: U64,
  valueCD: U64,
): Refusal {
  regs.rcx = leafAndSubleaf(row);
  regs.rdx = maskAB;
  regs.r8 = maskCD;
  regs.r9 = valueAB;
  regs.r10 = valueCD;
  return why;
}

function leafAndSubleaf(row: number): U64 {
  const rule = CPUID_RULES[row];
  return rule === undefined ? 0 : u64FromHalves(rule.subleaf ?? NO_SUBLEAF, rule.leaf);
}

function word(table: Uint32Array, row: number, register: number): number {
  return table[row * 4 + register] ?? 0;
}

/** Two neighbouring registers as the module packs them: the second one on top. */
function maskAt(words: Uint32Array, index: number): U64 {
  return u64FromHalves(words[index + 1] ?? 0, words[index] ?? 0);
}
