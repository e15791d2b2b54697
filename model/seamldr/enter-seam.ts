import type { U64 } from '../abi/u64.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { SEAMLDRState } from './seamldr.ts';

/** Where SEAMCALL ends up: a fault, VMfailInvalid, or inside SEAM. */
export type SEAMEntry = 'ud' | 'gp' | 'vmfail' | 'module' | 'seamldr';

const BIT_63 = 2n ** 63n;

/**
 * The SEAMCALL instruction up to the SEAM transition, in the order of Intel's pseudo-code (TDX CPU architectural
 * extensions, SEAMCALL): VMX operation (#UD), VMX non-root (never: the host is root), CPL and this core's SEAMRR
 * (#GP; the host is at CPL 0), then RAX bit 63 chooses the callee: the module must be loaded and alive, the P-SEAMLDR
 * must have its mutex free and be ready; otherwise VMfailInvalid.
 *
 * `moduleDead`: the module shut itself down inside SEAM, after which no SEAMCALL of either kind enters (inferred from
 * the unbreakable shutdown the module asks for).
 */
export function enterSEAM(
  hardware: Hardware,
  seamldr: SEAMLDRState,
  moduleDead: boolean,
  lp: number,
  rax: U64,
): SEAMEntry {
  const processor = hardware.lps[lp];
  if (processor?.vmx !== true) return 'ud';
  if (!processor.seamrrValid) return 'gp';
  if (moduleDead) return 'vmfail';
  if (typeof rax === 'bigint' && rax >= BIT_63) return seamldr.mutexBusy || !seamldr.ready ? 'vmfail' : 'seamldr';
  return seamldr.moduleReady ? 'module' : 'vmfail';
}
