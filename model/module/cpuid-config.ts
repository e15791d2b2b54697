import type { U64 } from '../abi/u64.ts';
import { u64FromHalves } from '../abi/u64.ts';
import { cpuidRow, HEALTHY_CPUID } from '../platform/cpuid.ts';
import type { HardwareSample } from './state.ts';

type FourRegisters = readonly [eax: number, ebx: number, ecx: number, edx: number];

/** One CPUID leaf whose virtual value the host may choose: bits that are free, and bits that are free if the CPU has them. */
interface CPUIDConfig {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly direct: FourRegisters;
  readonly allow: FourRegisters;
}

const NONE: FourRegisters = [0, 0, 0, 0];

/** Source: public source of TDX module 1.5.01; recorded cases info-full*, rd-chain*. */
export const CPUID_CONFIG: readonly CPUIDConfig[] = [
  { leaf: 0x1, subleaf: null, direct: [0xfff3fff, 0xff0000, 0, 0], allow: [0, 0, 0x31044d88, 0xb8440000] },
  { leaf: 0x4, subleaf: 0, direct: [0xffffc3ff, 0xfffff000, 0xffffffff, 0xfffffffb], allow: NONE },
  { leaf: 0x4, subleaf: 1, direct: [0xffffc3ff, 0xfffff000, 0xffffffff, 0xfffffffb], allow: NONE },
  { leaf: 0x4, subleaf: 2, direct: [0xffffc3ff, 0xfffff000, 0xffffffff, 0xfffffffb], allow: NONE },
  { leaf: 0x4, subleaf: 3, direct: [0xffffc3ff, 0xfffff000, 0xffffffff, 0x7], allow: NONE },
  { leaf: 0x7, subleaf: 0, direct: NONE, allow: [0, 0xdc2b9b18, 0x2417f65, 0x5411c] },
  { leaf: 0x7, subleaf: 1, direct: NONE, allow: [0x1d30, 0, 0, 0] },
  { leaf: 0xa, subleaf: null, direct: NONE, allow: NONE },
  { leaf: 0x1c, subleaf: null, direct: NONE, allow: [0xff, 0, 0, 0] },
  { leaf: 0x80000008, subleaf: null, direct: NONE, allow: [0, 0x200, 0, 0] },
  { leaf: 0x7, subleaf: 2, direct: NONE, allow: [0, 0, 0, 0x28] },
  { leaf: 0x23, subleaf: 0, direct: NONE, allow: [0xf, 0, 0, 0] },
];

const NO_SUBLEAF = 0xffffffff;
const ROWS = CPUID_CONFIG.map(({ leaf, subleaf }) => cpuidRow(leaf, subleaf));

/** The masks of all entries, register by register, and where the table of a CPU has its registers. */
const DIRECT = Uint32Array.from(CPUID_CONFIG.flatMap(({ direct }) => direct));
const ALLOW = Uint32Array.from(CPUID_CONFIG.flatMap(({ allow }) => allow));
const REGISTERS = Uint32Array.from(ROWS.flatMap((row) => [row * 4, row * 4 + 1, row * 4 + 2, row * 4 + 3]));

/** Words of all entries. */
const CONFIG_WORDS = CPUID_CONFIG.length * 6;

/**
 * The entries as TDSYSINFO_STRUCT has them, six 32-bit words each (leaf, sub-leaf, and the bits free on the CPU that was
 * sampled), behind their number: 64-bit words from TDSYSINFO_OFFSET.NUM_CPUID_CONFIG on.
 */
export function cpuidConfigWords(sample: HardwareSample): readonly U64[] {
  return sample.cpuid === null ? HEALTHY_WORDS : layOut(sample.cpuid);
}

function layOut(table: Uint32Array): readonly U64[] {
  const halves = new Uint32Array(1 + CONFIG_WORDS + 1);
  halves[0] = CPUID_CONFIG.length;
  let at = 1;
  let register = 0;
  for (const { leaf, subleaf } of CPUID_CONFIG) {
    halves[at++] = leaf;
    halves[at++] = subleaf ?? NO_SUBLEAF;
    for (const end = register + 4; register < end; register += 1)
      halves[at++] =
        (DIRECT[register] as number) | ((ALLOW[register] as number) & (table[REGISTERS[register] as number] as number));
  }
  const words: U64[] = [];
  for (let half = 0; half < halves.length; half += 2)
    words.push(u64FromHalves(halves[half + 1] as number, halves[half] as number));
  return words;
}

/** On a machine as it was built: what depends on the machine there (ids, shifts, address width) is free nowhere. */
const HEALTHY_WORDS = layOut(HEALTHY_CPUID);

/** Metadata CPUID_CONFIG_LEAVES[index]: leaf and sub-leaf; `undefined` past the last. */
export function cpuidConfigLeaf(index: number): U64 | undefined {
  const config = CPUID_CONFIG[index];
  return config === undefined ? undefined : u64FromHalves(config.subleaf ?? NO_SUBLEAF, config.leaf);
}

/** Metadata CPUID_CONFIG_VALUES[index]: the directly free bits only (TDH.SYS.INFO adds the others); element 0 EAX and EBX, 1 ECX and EDX. */
export function cpuidConfigValue(index: number, element: number): U64 {
  const direct = CPUID_CONFIG[index]?.direct ?? NONE;
  return element === 0 ? u64FromHalves(direct[1], direct[0]) : u64FromHalves(direct[3], direct[2]);
}
