import type { U64 } from '../../model/abi/u64.ts';

/** A code in RAX, or in place of RAX, that is no status of the module. */
export interface SoftwareStatus {
  readonly name: string;
  readonly code: U64;
  /** A sentence. */
  readonly meaning: string;
  readonly causes: readonly string[];
  readonly remedy: string | null;
  readonly source: string;
}

const LINUX = 'arch/x86/include/asm/tdx.h (TDX_SW_ERROR), arch/x86/virt/vmx/tdx/seamcall.S, Linux 6.12';
const LOADER = 'Intel P-SEAMLDR, pseamldr_api_defs.h';

/** What the host makes of a SEAMCALL that did not reach the module, and what the P-SEAMLDR returns. */
export const SOFTWARE_STATUS: readonly SoftwareStatus[] = [
  {
    name: 'TDX_SW_ERROR|#GP',
    code: 0x8000ff000000000dn,
    meaning: 'SEAMCALL raised #GP: SEAM is not enabled on this core.',
    causes: ['BIOS left SEAM off, or MCHECK refused the machine.', 'The SEAMRR mask is not valid on this core.'],
    remedy: 'Enable TDX (and SEAM loader, TME, TME-MT) in BIOS; look for MCHECK errors in the BIOS log.',
    source: LINUX,
  },
  {
    name: 'TDX_SW_ERROR|#UD',
    code: 0x8000ff0000000006n,
    meaning: 'SEAMCALL raised #UD: the CPU is not in VMX operation.',
    causes: ['KVM is not loaded, or has not enabled VMX operation on this CPU.'],
    remedy: 'Load kvm_intel first; on Linux 7.3 the core enters VMX operation itself.',
    source: LINUX,
  },
  {
    name: 'TDX_SEAMCALL_VMFAILINVALID',
    code: 0x8000ff00ffff0000n,
    meaning: 'SEAMCALL ended in VMfailInvalid: no TDX module can be called.',
    causes: ['The module is not loaded, its loader is busy, or it has shut itself down.'],
    remedy: 'Load the TDX module: place it where BIOS looks for it (EFI/TDX on the ESP), or update BIOS.',
    source: LINUX,
  },
  ...loader('EBADPARAM', 0x8000000000000000n, 'The leaf is unknown, or an operand or the parameter page is wrong.'),
  ...loader('EBADCALL', 0x8000000000000003n, 'The call comes at the wrong time, or on an LP that has had its turn.'),
  ...loader('EBADHANDOFF', 0x8000000000000004n, 'The handoff data of the running module cannot be used.'),
  ...loader('ECLEANUPREQ', 0x8000000000000005n, 'An earlier operation must be cleaned up first.'),
  ...loader('EUNSUPPORTED', 0x8000000000000006n, 'The loader does not support the operation.'),
  ...loader('ENOMEM', 0x8000000000010002n, 'The module does not fit the SEAM range.'),
  ...loader('EUNSPECERR', 0x8000000000010003n, 'The loader failed for a reason that it does not name.'),
  ...loader('EUNSUPCPU', 0x8000000000010004n, 'The CPU table of the module does not have this processor.', [
    'The module is built for other processors: 1.5 releases do not have Granite Rapids, for instance.',
  ]),
  ...loader('EBADSIG', 0x8000000000020000n, 'The signature of the module is invalid.'),
  ...loader('EBADHASH', 0x8000000000020001n, 'The hash of the module does not match its signature structure.'),
  ...loader('EINTERRUPT', 0x8000000000030000n, 'An interrupt ended the call; it can be made again.'),
  ...loader(
    'ENOENTROPY',
    0x8000000000030001n,
    'The random number generator had no entropy; the call can be made again.',
  ),
];

function loader(name: string, code: U64, meaning: string, causes: readonly string[] = []): readonly SoftwareStatus[] {
  return [{ name: `SEAMLDR.${name}`, code, meaning: `P-SEAMLDR: ${meaning}`, causes, remedy: null, source: LOADER }];
}
