import { lowHalf } from '../abi/u64.ts';
import type { Hardware, LogicalProcessor } from './hardware.ts';
import type { MCHECKResult } from './mcheck.ts';
import { createMemory } from './memory.ts';
import { readOverride } from './msr-override.ts';
import type { Platform, PlatformLP } from './platform.ts';
import { isSEAMRRValid, SEAMRR_MASK_MSR, seamrrMask, seamrrMaskMSR } from './seamrr.ts';
import { healthySMRR } from './smrr.ts';
import { x2apicOf } from './topology.ts';

/**
 * The machine beneath the module after BIOS and MCHECK have run. What the platform does not say is healthy, with the
 * values of the recorded machines. After a refusal no core's SEAMRR is valid; MSR 0x87 keeps what BIOS wrote.
 */
export function buildHardware(platform: Platform, mcheck: MCHECKResult): Hardware {
  const { seamrr } = platform;
  const enabled = seamrr !== null && mcheck.verdict !== 'refused';
  return {
    lps: buildLPs(platform, mcheck, enabled),
    maxPa: 52,
    keyidBits: platform.keyidBits,
    mktmeKeyids: platform.keyids.mktme,
    tdxKeyids: platform.keyids.tdx,
    packageShift: mcheck.shifts.packageShift,
    smtShift: mcheck.shifts.smtShift,
    seamrr: enabled ? { base: seamrr.base, mask: seamrrMask(seamrr) } : { base: 0, mask: 0 },
    smrr: [healthySMRR(platform.cmrs, seamrr)],
    wbBlocks: 1,
    loader: {
      totLPs: mcheck.table.lpCount,
      totPackages: mcheck.table.packages.length,
      cmrs: platform.cmrs,
      fms: mcheck.table.fms,
      seamopsCaps: 0x7f,
      handoffPages: 16,
      moduleHv: 0,
      minUpdateHv: 0,
      noDowngrade: 0,
      smrr2NotSupported: false,
      tdxWithoutIntegrity: false,
    },
    msr: platform.msr.length === 0 ? [] : platform.msr.slice(),
    cpuid: [],
    memory: createMemory(),
  };
}

function buildLPs(platform: Platform, { shifts }: MCHECKResult, enabled: boolean): LogicalProcessor[] {
  const { lps, msr, seamrr } = platform;
  const mask = seamrr === null ? 0 : seamrrMaskMSR(seamrr);
  return lps.map((lp, index) => ({
    x2apic: x2apicOf(lp, shifts),
    package: lp.package,
    vmx: lp.vmx,
    seamrrValid:
      enabled &&
      (lp.bios || sharesCountedCore(platform, lp)) &&
      (msr.length === 0 || isSEAMRRValid(lowHalf(readOverride(msr, index, SEAMRR_MASK_MSR, mask)))),
  }));
}

/**
 * An LP that MCHECK did not count can still enter SEAM if it shares its core with one that was counted: SEAMRR
 * registers are per core.
 */
function sharesCountedCore({ lps }: Platform, lp: PlatformLP): boolean {
  for (const other of lps) if (other.bios && other.package === lp.package && other.core === lp.core) return true;
  return false;
}
