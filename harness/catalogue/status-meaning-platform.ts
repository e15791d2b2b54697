import type { StatusMeaning } from './meaning.ts';

const BIOS = 'Update BIOS, microcode and module; they do not fit one another.';
const SMRR = 'the register that fails: 0 SMRR, 1 SMRR2';
const LEAF = 'the CPUID leaf and subleaf';

/** Statuses with which TDH.SYS.INIT and TDH.SYS.LP.INIT refuse a platform, and those of attestation. */
export const PLATFORM_STATUSES = {
  TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED: {
    meaning: 'The KeyID partitioning (MSR 0x87) has no private KeyID, or more KeyIDs than the address bits hold.',
    details: null,
    causes: ['BIOS gives TDX no KeyIDs, or too many.'],
    remedy: 'Set the number of TDX KeyIDs in BIOS ("TME-MT/TDX key split").',
  },
  TDX_INCORRECT_CPUID_VALUE: {
    meaning: 'CPUID reports a value that the module does not support.',
    details: LEAF,
    causes: ['Module, CPU and BIOS do not fit: an old BIOS (https://github.com/canonical/tdx/issues/161).'],
    remedy: BIOS,
  },
  TDX_LIMIT_CPUID_MAXVAL_SET: {
    meaning: 'IA32_MISC_ENABLE limits the CPUID leaves.',
    details: null,
    causes: ['BIOS sets "limit CPUID maximum".'],
    remedy: 'Turn the limit off in BIOS.',
  },
  TDX_INCONSISTENT_CPUID_FIELD: {
    meaning: 'CPUID differs between this LP and the one that ran TDH.SYS.INIT.',
    details: LEAF,
    causes: ['Packages differ in model, stepping or settings.'],
    remedy: BIOS,
  },
  TDX_CPUID_MAX_SUBLEAVES_UNRECOGNIZED: {
    meaning: 'A CPUID leaf has more subleaves than the module knows.',
    details: LEAF,
    causes: [],
    remedy: BIOS,
  },
  TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED: {
    meaning: 'CPUID leaf 0x1f describes the topology in a form that the module does not know.',
    details: LEAF,
    causes: [],
    remedy: BIOS,
  },
  TDX_INVALID_WBINVD_SCOPE: {
    meaning: 'IA32_WBINVDP reports a scope of WBINVD that the module does not support.',
    details: null,
    causes: [],
    remedy: BIOS,
  },
  TDX_INVALID_PKG_ID: {
    meaning: 'The number of the package is beyond the 8 that the module has room for.',
    details: 'the number of the package',
    causes: ['The x2APIC id of the LP has package bits above 7.'],
    remedy: BIOS,
  },
  TDX_ENABLE_MONITOR_FSM_NOT_SET: {
    meaning: 'IA32_MISC_ENABLE has MONITOR/MWAIT disabled.',
    details: null,
    causes: ['BIOS disables MONITOR/MWAIT.'],
    remedy: 'Enable MONITOR/MWAIT in BIOS.',
  },
  TDX_CPUID_LEAF_NOT_SUPPORTED: {
    meaning: 'The CPU lacks a CPUID leaf that the module needs.',
    details: LEAF,
    causes: [],
    remedy: BIOS,
  },
  TDX_SMRR_NOT_LOCKED: {
    meaning: 'An SMRR is not locked.',
    details: SMRR,
    causes: ['BIOS left it open.'],
    remedy: 'Update BIOS.',
  },
  TDX_INVALID_SMRR_CONFIGURATION: {
    meaning: 'An SMRR has an invalid base or mask.',
    details: SMRR,
    causes: [],
    remedy: 'Update BIOS.',
  },
  TDX_SMRR_OVERLAPS_CMR: {
    meaning: 'An SMRR overlaps convertible memory.',
    details: SMRR,
    causes: [],
    remedy: 'Update BIOS.',
  },
  TDX_SMRR_LOCK_NOT_SUPPORTED: {
    meaning: 'The CPU has no lock bit in its SMRRs.',
    details: null,
    causes: [],
    remedy: null,
  },
  TDX_SMRR_NOT_SUPPORTED: { meaning: 'The CPU has no SMRRs.', details: null, causes: [], remedy: null },
  TDX_INCONSISTENT_MSR: {
    meaning: 'An MSR differs between this LP and the one that ran TDH.SYS.INIT.',
    details: 'the index of the MSR',
    causes: ['BIOS or the kernel set it on some CPUs only.'],
    remedy: 'Set the MSR alike on every CPU.',
  },
  TDX_INCORRECT_MSR_VALUE: {
    meaning: 'An MSR has a value that the module does not support.',
    details: 'the index of the MSR',
    causes: ['Details 0x122 (IA32_TSX_CTRL): the kernel had set it, and an early module refused that.'],
    remedy: 'Update BIOS and module; for IA32_TSX_CTRL try another setting of tsx= on the command line.',
  },
  TDX_SEAMREPORT_NOT_AVAILABLE: { meaning: 'The platform has no SEAMREPORT.', details: null, causes: [], remedy: BIOS },
  TDX_SEAMDB_GETREF_NOT_AVAILABLE: {
    meaning: 'The platform has no SEAMDB_GETREF.',
    details: null,
    causes: [],
    remedy: BIOS,
  },
  TDX_SEAMDB_REPORT_NOT_AVAILABLE: {
    meaning: 'The platform has no SEAMDB_REPORT.',
    details: null,
    causes: [],
    remedy: BIOS,
  },
  TDX_SEAMVERIFYREPORT_NOT_AVAILABLE: {
    meaning: 'The platform has no SEAMVERIFYREPORT.',
    details: null,
    causes: [],
    remedy: BIOS,
  },
  TDX_INVALID_CPUSVN: { meaning: 'The report has an invalid CPUSVN.', details: null, causes: [], remedy: null },
  TDX_INVALID_REPORTMACSTRUCT: {
    meaning: 'The MAC structure of the report is invalid.',
    details: null,
    causes: [],
    remedy: null,
  },
} as const satisfies Readonly<Record<string, StatusMeaning>>;
