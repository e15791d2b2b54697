import type { U64 } from '../../model/abi/u64.ts';

/** A code in RAX, or in place of RAX, that is no status of the module. */
export interface SoftwareStatus {
  readonly name: string;
  readonly code: U64;
  /** A sentence. */
  readonly meaning: string;
  /** What leads to it, each a sentence. */
  readonly causes: readonly string[];
  /** What the host or the user can do about it; `null`: nothing is known. */
  readonly remedy: string | null;
  readonly source: string;
}

const LINUX = 'arch/x86/include/asm/tdx.h (TDX_SW_ERROR), arch/x86/virt/vmx/tdx/seamcall.S, Linux 6.12';
const LOADER = 'Intel P-SEAMLDR 1.5.02, pseamldr_api_defs.h';

/**
 * What the host makes of a SEAMCALL that did not reach the module (class 0xff in bits 47:40, which no module uses), and what
 * the P-SEAMLDR returns from a SEAMCALL with RAX bit 63 set.
 */
export const SOFTWARE_STATUS: readonly SoftwareStatus[] = [
  {
    name: 'TDX_SW_ERROR|#GP',
    code: 0x8000ff000000000dn,
    meaning:
      'SEAMCALL raised #GP: SEAM is not enabled on this core. Linux 6.8 and later return -EOPNOTSUPP and print nothing.',
    causes: [
      'BIOS announces KeyIDs and leaves SEAM off: "BIOS enabled", then "not enabled by BIOS" or silence (https://github.com/canonical/tdx/issues/33, https://github.com/canonical/tdx/issues/102, https://github.com/canonical/tdx/issues/260).',
      'MCHECK refused the machine, so that the SEAMRR mask is not valid on this core.',
    ],
    remedy: 'Enable TME, TME-MT, TDX and SEAM Loader in BIOS and power-cycle; look for MCHECK errors in the BIOS log.',
    source: LINUX,
  },
  {
    name: 'TDX_SW_ERROR|#UD',
    code: 0x8000ff0000000006n,
    meaning:
      'SEAMCALL raised #UD: the CPU is not in VMX operation. Linux 6.8 and later return -EACCES and print nothing.',
    causes: ['KVM is not loaded, or has not entered VMX operation on this CPU.'],
    remedy: 'Load kvm_intel first; the core of Linux 7.3 enters VMX operation itself.',
    source: LINUX,
  },
  {
    name: 'TDX_SEAMCALL_VMFAILINVALID',
    code: 0x8000ff00ffff0000n,
    meaning: 'SEAMCALL ended in VMfailInvalid: no TDX module can be called. Linux 6.8 and later return -ENODEV.',
    causes: [
      'The module is not loaded; BIOS may lack the P-SEAMLDR (https://github.com/canonical/tdx/issues/425).',
      'An installation or update is under way: the module is closed until every LP has run SEAMLDR.INSTALL.',
      'The module has shut itself down after a fatal error (inferred).',
      'RAX bit 63 is set, and another LP is in the P-SEAMLDR.',
    ],
    remedy: 'Set SEAM Loader on in BIOS, update BIOS, or place the module where BIOS looks for it.',
    source: LINUX,
  },
  loader(
    'EBADPARAM',
    0x8000000000000000n,
    'The leaf is unknown, or an address, the parameter page or the module image is malformed.',
    [
      'A version or reserved bits in RAX make an unknown leaf.',
      'An address is not aligned, lies in SEAMRR, or has a private KeyID.',
      'SEAMLDR.INSTALL for an update, and there is no module that can be called.',
      'The value is also the number of SEAMLDR.INFO: a wrapper that returns the RAX of the input shows it.',
    ],
    'Correct the operand; without a module install with scenario LOAD, which loses the TDs.',
  ),
  loader(
    'EBADCALL',
    0x8000000000000003n,
    'The call comes at the wrong time, or on an LP that has had its turn.',
    [
      'SEAMLDR.INSTALL a second time on one LP, or while SEAMLDR.SHUTDOWN or SEAMLDR.CLEANUP is under way.',
      'SEAMLDR.INSTALL for an update, and no update remains (num_remaining_updates is 0).',
      'SEAMLDR.SHUTDOWN ends on another LP than the one that NP-SEAMLDR ran on.',
    ],
    'Finish the session: make the call once on every LP that MCHECK counted. If no update remains: reboot.',
  ),
  loader(
    'EBADHANDOFF',
    0x8000000000000004n,
    'The handoff data of the old module cannot be used for the update.',
    [
      'The old module was not shut down with TDH.SYS.SHUTDOWN.',
      'The handoff version is outside the range (min_update_hv to module_hv) of the new module.',
    ],
    'Run TDH.SYS.SHUTDOWN with a handoff version that the new module reads, or install another image.',
  ),
  loader(
    'ECLEANUPREQ',
    0x8000000000000005n,
    'Keys or caches of an earlier module must be cleaned up first.',
    [
      'SEAMLDR.SHUTDOWN after an installation.',
      'SEAMLDR.INSTALL (LOAD) of another major SVN, or a lower minor SVN, than that of the module before.',
    ],
    'Run SEAMLDR.CLEANUP on every LP, then the call again.',
  ),
  loader('EUNSUPPORTED', 0x8000000000000006n, 'The loader does not support an image with this SVN.', [
    'The major SVN of the image is 0.',
    'An update changes the major SVN, for instance from a 1.5 to a 2.0 release.',
  ]),
  loader('ENOMEM', 0x8000000000010002n, 'The SEAM range is too small for the module.', [
    'The size that the module needs grows with the number of LPs.',
  ]),
  loader('EUNSPECERR', 0x8000000000010003n, 'The loader failed for a reason that it does not name.', [
    'The x2APIC id of the LP is 1024 or above, or its package number is 8 or above.',
    'The first call of all had no entropy for its stack; the next one tries again.',
  ]),
  loader(
    'EUNSUPCPU',
    0x8000000000010004n,
    'The CPU table of the image does not have the family and model of every socket.',
    [
      'The image is of another line: 1.5 is for Sapphire Rapids, Emerald Rapids and Sierra Forest, 2.0 for Granite Rapids (https://github.com/intel/confidential-computing.tdx.tdx-module/releases).',
    ],
    'Take the line of releases that is for this processor.',
  ),
  loader('EBADSIG', 0x8000000000020000n, 'The signature structure of the image is malformed, or is not accepted.', [
    'It is not signed by the vendor, or is signed for debugging.',
    'An update to a lower minor SVN, for instance from 1.5.16 to 1.5.13.',
    'The image file is cut into signature structure and module at the wrong place.',
  ]),
  loader(
    'EBADHASH',
    0x8000000000020001n,
    'The hash of the image does not match its signature structure.',
    ['The image is damaged. The old module is gone (RDX is 1).'],
    'Install an intact image with scenario LOAD; the TDs are lost.',
  ),
  loader(
    'EINTERRUPT',
    0x8000000000030000n,
    'An interrupt ended SEAMLDR.CLEANUP early; its progress is kept.',
    ['An interrupt was pending.'],
    'Make the call again.',
  ),
  loader(
    'ENOENTROPY',
    0x8000000000030001n,
    'The random number generator had no entropy.',
    ['RDRAND failed; with RDX = 1 the list of installed modules (SEAM database) could not be written.'],
    'RDX = 0: run the installation again on every LP. RDX = 1: install with scenario LOAD.',
  ),
];

function loader(
  name: string,
  code: U64,
  meaning: string,
  causes: readonly string[],
  remedy: string | null = null,
): SoftwareStatus {
  return { name: `SEAMLDR.${name}`, code, meaning: `P-SEAMLDR: ${meaning}`, causes, remedy, source: LOADER };
}
