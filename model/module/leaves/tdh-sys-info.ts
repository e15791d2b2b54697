import { CMR_COUNT_MAX, CMR_INFO_SIZE } from '../../abi/cmr-info.ts';
import { OPERAND } from '../../abi/operand-id.ts';
import type { Registers } from '../../abi/registers.ts';
import { STATUS, withDetails } from '../../abi/status.ts';
import { TDSYSINFO_OFFSET, TDSYSINFO_SIZE } from '../../abi/tdsysinfo.ts';
import type { U64 } from '../../abi/u64.ts';
import { highHalf, lowHalf, u64FromHalves } from '../../abi/u64.ts';
import type { Hardware } from '../../platform/hardware.ts';
import { writeWord, writeWords, zeroRange } from '../../platform/memory.ts';
import { sharedAddress } from '../address.ts';
import { cpuidConfigWords } from '../cpuid-config.ts';
import { LP_NOT_INITIALISED } from '../common-refusals.ts';
import { createLeaf } from '../leaf.ts';
import type { ModuleOutcome } from '../outcome.ts';
import { refusal, refuse, succeed } from '../outcome.ts';
import { xfamFixed0 } from '../metadata-value.ts';
import type { HardwareSample, ModuleState } from '../state.ts';

/**
 * Writes TDSYSINFO_STRUCT to RCX and the loader's 32 CMR slots to R8.
 *
 * The RCX buffer is zeroed before R8 and R9 are checked: a call refused over them leaves it wiped.
 */
export const TDH_SYS_INFO = createLeaf({
  name: 'TDH.SYS.INFO',
  beforeReady: true,
  mayChangeWhenRefused: {
    statuses: 'any',
    why: 'TDH.SYS.INFO wipes the RCX buffer before it looks at R8 and R9 (info-*)',
  },
  source: 'TDX Module ABI specification, TDH.SYS.INFO; tdh_sys_info.c, TDX module 1.5.01; recorded cases info-*',
  run,
});

const CMR_ARRAY_SIZE = CMR_COUNT_MAX * CMR_INFO_SIZE;
const VENDOR_INTEL = 0x8086;
const ATTRIBUTES_FIXED0 = 0x8000000070000001n;
const XFAM_FIXED1 = 3;

const RCX_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RCX),
  'RCX: not 1 KiB aligned, private, or in SEAMRR',
);
const RDX_TOO_SMALL = refusal(withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.RDX), 'RDX: buffer too small');
const R8_INVALID = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.R8),
  'R8: not 512-byte aligned, private, or in SEAMRR; the RCX buffer is wiped',
);
const R9_TOO_SMALL = refusal(
  withDetails(STATUS.TDX_OPERAND_INVALID, OPERAND.R9),
  'R9: fewer than 32 slots; the RCX buffer is wiped',
);

function run(module: ModuleState, hardware: Hardware, lp: number, regs: Registers): ModuleOutcome {
  const size = regs.rdx;
  const slots = regs.r9;
  regs.rdx = 0;
  regs.r9 = 0;

  // Checks.
  const { sample } = module;
  if (module.lps[lp]?.initialised !== true || sample === null) {
    return refuse(regs, LP_NOT_INITIALISED);
  }
  const info = sharedAddress(module, regs.rcx, TDSYSINFO_SIZE);
  if (info < 0) return refuse(regs, RCX_INVALID);
  if (size < TDSYSINFO_SIZE) return refuse(regs, RDX_TOO_SMALL);
  zeroRange(hardware.memory, info, TDSYSINFO_SIZE);
  const cmrs = sharedAddress(module, regs.r8, CMR_ARRAY_SIZE);
  if (cmrs < 0) return refuse(regs, R8_INVALID);
  if (slots < CMR_COUNT_MAX) return refuse(regs, R9_TOO_SMALL);

  // Effect. The CMR array comes last: it wins where the buffers overlap.
  writeSysInfo(module, hardware, info, sample);
  zeroRange(hardware.memory, cmrs, CMR_ARRAY_SIZE);
  let slot = cmrs;
  for (const { base, size } of hardware.loader.cmrs) {
    if (slot === cmrs + CMR_ARRAY_SIZE) break;
    writeWord(hardware.memory, slot, base);
    writeWord(hardware.memory, slot + 8, size);
    slot += CMR_INFO_SIZE;
  }
  regs.rdx = TDSYSINFO_SIZE;
  regs.r9 = CMR_COUNT_MAX;
  return succeed(regs);
}

/** The structure up to the CPUID configuration, being put together, in 32-bit words. */
const WORDS = new Uint32Array(TDSYSINFO_OFFSET.NUM_CPUID_CONFIG / 4);

/** Fields are gathered as 32-bit words and written in pairs; the buffer is zero before. */
function writeSysInfo(module: ModuleState, { memory }: Hardware, address: number, sample: HardwareSample): void {
  const { build, sysRd } = module.release;
  WORDS[TDSYSINFO_OFFSET.VENDOR_ID / 4] = VENDOR_INTEL;
  WORDS[TDSYSINFO_OFFSET.BUILD_DATE / 4] = build.date;
  WORDS[TDSYSINFO_OFFSET.BUILD_NUM / 4] = build.num + build.minor * 0x10000;
  WORDS[TDSYSINFO_OFFSET.MAJOR_VERSION / 4] = build.major + sysRd * 0x10000;
  WORDS[TDSYSINFO_OFFSET.MAX_TDMRS / 4] = 64 + 16 * 0x10000;
  WORDS[TDSYSINFO_OFFSET.PAMT_ENTRY_SIZE / 4] = 16;
  WORDS[TDSYSINFO_OFFSET.TDCS_BASE_SIZE / 4] = 0x6000;
  WORDS[TDSYSINFO_OFFSET.TDVPS_BASE_SIZE / 4] = 0x6000;
  put64(TDSYSINFO_OFFSET.ATTRIBUTES_FIXED0, ATTRIBUTES_FIXED0);
  put64(TDSYSINFO_OFFSET.XFAM_FIXED0, xfamFixed0(module));
  put64(TDSYSINFO_OFFSET.XFAM_FIXED1, XFAM_FIXED1);
  for (let half = 0; half < WORDS.length; half += 2)
    writeWord(memory, address + half * 4, u64FromHalves(WORDS[half + 1] as number, WORDS[half] as number));
  writeWords(memory, address + TDSYSINFO_OFFSET.NUM_CPUID_CONFIG, cpuidConfigWords(sample));
}

function put64(offset: number, value: U64): void {
  WORDS[offset / 4] = lowHalf(value);
  WORDS[offset / 4 + 1] = highHalf(value);
}
