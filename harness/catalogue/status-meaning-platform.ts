import { meaning, type StatusMeaning } from './meaning.ts';

const UPDATE = 'Update BIOS, with it the microcode, and the module.';
const BIOS = 'Update BIOS, and report it to its vendor.';
const SMRR = 'the register that fails (bits 7:0; 0 SMRR, 1 SMRR2)';

/** Statuses with which TDH.SYS.INIT (0x21) and TDH.SYS.LP.INIT (0x23) refuse a platform. */
export const PLATFORM_STATUSES = {
  TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED: {
    meaning: 'BIOS activated more KeyIDs than the module has room for.',
    details: 'the number of KeyIDs that is too many, 0x800',
    causes: ['The last KeyID by MSR 0x87 (MKTME and TDX KeyIDs together) is 2048 or above.'],
    remedy: 'Set a smaller number of KeyIDs in BIOS ("TME-MT/TDX key split"), or update BIOS.',
  },
  TDX_INCORRECT_CPUID_VALUE: {
    meaning:
      'CPUID reports a value that the module does not accept. RCX = leaf | subleaf << 32; RDX, R8 = the bits; R9, R10 = their values expected (EAX | EBX << 32, ECX | EDX << 32).',
    details: null,
    causes: [
      'Module, CPU and BIOS do not fit; the maintainers suspect an old BIOS (https://github.com/canonical/tdx/issues/161).',
    ],
    remedy: UPDATE,
  },
  TDX_LIMIT_CPUID_MAXVAL_SET: {
    meaning: 'IA32_MISC_ENABLE (MSR 0x1a0) bit 22 limits the CPUID leaves.',
    details: null,
    causes: ['BIOS limits the CPUID maximum value.'],
    remedy: 'Turn the limit off in BIOS.',
  },
  TDX_INCONSISTENT_CPUID_FIELD: {
    meaning:
      'CPUID of this LP differs from that of the LP that ran TDH.SYS.INIT. RCX = leaf | subleaf << 32; RDX, R8 = the bits that must agree (EAX | EBX << 32, ECX | EDX << 32).',
    details: null,
    causes: ['Packages differ in family, model, microcode or settings.'],
    remedy: UPDATE,
  },
  TDX_CPUID_MAX_SUBLEAVES_UNRECOGNIZED: meaning(
    'A CPUID leaf has a number of subleaves that the module does not know.',
  ),
  TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED: {
    meaning: 'CPUID leaf 0x1f describes the topology in a form that the module does not know.',
    details: null,
    causes: [
      'The types of its levels do not ascend, or one is unknown.',
      'From 1.5.24 on: a subleaf reports another level number than its own.',
    ],
    remedy: UPDATE,
  },
  TDX_INVALID_WBINVD_SCOPE: {
    meaning: 'The last-level cache is not shared by exactly one package, so WBINVD has another scope.',
    details: null,
    causes: ['CPUID leaf 4, subleaf 3 reports more or fewer LPs to the cache than leaf 0x1f reports to a package.'],
    remedy: UPDATE,
  },
  TDX_INVALID_PKG_ID: {
    meaning: 'The number of the package is beyond the 8 that the module has room for.',
    details: 'the number of the package',
    causes: ['The x2APIC id of the LP (CPUID leaf 0x1f, EDX), shifted to its package, is 8 or above.'],
    remedy: null,
  },
  TDX_ENABLE_MONITOR_FSM_NOT_SET: meaning('The bit ENABLE_MONITOR_FSM is not set.'),
  TDX_CPUID_LEAF_NOT_SUPPORTED: {
    meaning: 'The CPU lacks a CPUID leaf, or a level of one, that the module needs.',
    details: 'the leaf: 0x15, 0x1f, 0x80000008; 0 where leaf 0x1f has no core level',
    causes: ['CPUID leaf 0 or 0x80000000 reports a lower maximum.', '0x15: the ratio of the TSC is not reported.'],
    remedy: UPDATE,
  },
  TDX_SMRR_NOT_LOCKED: {
    meaning: 'An SMRR is not locked.',
    details: SMRR,
    causes: [
      'BIOS left bit 10 of MSR 0x1f3 (SMRR) or 0x1f7 (SMRR2) clear; the module asks for it even where the register is not in use.',
    ],
    remedy: BIOS,
  },
  TDX_INVALID_SMRR_CONFIGURATION: {
    meaning: 'An SMRR has an invalid base or mask.',
    details: SMRR,
    causes: ['The mask is not contiguous, or the base is not aligned to it.'],
    remedy: BIOS,
  },
  TDX_SMRR_OVERLAPS_CMR: {
    meaning: 'An SMRR overlaps convertible memory.',
    details: `${SMRR}, the index of the CMR (15:8)`,
    causes: ['BIOS reports memory of SMM as convertible.'],
    remedy: BIOS,
  },
  TDX_SMRR_LOCK_NOT_SUPPORTED: {
    meaning: 'The SMRRs of the CPU cannot be locked (IA32_MTRRCAP bit 14).',
    details: null,
    causes: [],
    remedy: null,
  },
  TDX_SMRR_NOT_SUPPORTED: {
    meaning: 'The CPU has no SMRRs (IA32_MTRRCAP bit 11).',
    details: null,
    causes: [],
    remedy: null,
  },
  TDX_INCONSISTENT_MSR: {
    meaning: 'An MSR differs between this LP and the one that ran TDH.SYS.INIT.',
    details: 'the index of the MSR',
    causes: [
      'BIOS or the kernel set it on some CPUs only.',
      '0x3b (IA32_TSC_ADJUST): firmware or the kernel adjusted the TSC of one CPU.',
      '0x87, 0x981, 0x982: packages differ in their KeyIDs or in TME.',
      '0xfe, 0x1f2, 0x1f3, 0x1f6, 0x1f7: BIOS set the SMRRs of one CPU differently.',
    ],
    remedy: 'Read the MSR on every CPU (rdmsr -a) and find what sets it; if that is BIOS, update it.',
  },
  TDX_INCORRECT_MSR_VALUE: {
    meaning: 'An MSR has a value that the module does not accept.',
    details: 'the index of the MSR',
    causes: [
      '0xbd (IA32_XAPIC_DISABLE_STATUS): legacy xAPIC is not disabled; BIOS has x2APIC off.',
      '0xbc (IA32_MISC_PACKAGE_CTLS): energy filtering is off.',
      '0x981, 0x982 (TME): TME is not locked, or does not have the encryption that the loader asks for.',
      '0x10a (IA32_ARCH_CAPABILITIES), 0x345 (IA32_PERF_CAPABILITIES), 0x480 to 0x492 (VMX): the CPU or its microcode lacks a feature.',
      '0x99 (IA32_WBNOINVDP): it counts other blocks than 0x98 (IA32_WBINVDP).',
      '0x1a0 (IA32_MISC_ENABLE), from 1.5.05 on: performance monitoring is off, or BTS is unavailable.',
      '0x122 (IA32_TSX_CTRL): an early module does not accept what the kernel set; 1.5.01 does (https://github.com/canonical/tdx/issues/25).',
    ],
    remedy: 'Set x2APIC and TME on in BIOS; if they are, update BIOS, with it the microcode, and the module.',
  },
  TDX_SEAMREPORT_NOT_AVAILABLE: meaning('SEAMREPORT is not available.'),
  TDX_SEAMDB_GETREF_NOT_AVAILABLE: meaning('SEAMDB_GETREF is not available.'),
  TDX_SEAMDB_REPORT_NOT_AVAILABLE: meaning('SEAMDB_REPORT is not available.'),
  TDX_SEAMVERIFYREPORT_NOT_AVAILABLE: meaning('SEAMVERIFYREPORT is not available.'),
} as const satisfies Readonly<Record<string, StatusMeaning>>;
