import { LEAF_NUMBER } from '../abi/leaf-number.ts';
import { STATUS } from '../abi/status.ts';
import { isBusy } from '../abi/transient-status.ts';
import { isZero, type U64 } from '../abi/u64.ts';
import { CRASH } from './flow.ts';
import type { MessageId } from './message.ts';
import type { KernelPort, Trap } from './port.ts';
import { printk } from './printk.ts';
import type { KernelState } from './state.ts';

/** The leaves that kernels call, as arch/x86/virt/vmx/tdx/tdx.h spells them (Linux 6.12). */
export const TDH_VP_ENTER = LEAF_NUMBER['TDH.VP.ENTER'];
export const TDH_MNG_ADDCX = LEAF_NUMBER['TDH.MNG.ADDCX'];
export const TDH_MNG_KEY_CONFIG = LEAF_NUMBER['TDH.MNG.KEY.CONFIG'];
export const TDH_MNG_CREATE = LEAF_NUMBER['TDH.MNG.CREATE'];
export const TDH_VP_CREATE = LEAF_NUMBER['TDH.VP.CREATE'];
export const TDH_VP_FLUSH = LEAF_NUMBER['TDH.VP.FLUSH'];
export const TDH_MNG_VPFLUSHDONE = LEAF_NUMBER['TDH.MNG.VPFLUSHDONE'];
export const TDH_MNG_KEY_FREEID = LEAF_NUMBER['TDH.MNG.KEY.FREEID'];
export const TDH_PHYMEM_PAGE_RDMD = LEAF_NUMBER['TDH.PHYMEM.PAGE.RDMD'];
export const TDH_PHYMEM_PAGE_RECLAIM = LEAF_NUMBER['TDH.PHYMEM.PAGE.RECLAIM'];
export const TDH_PHYMEM_CACHE_WB = LEAF_NUMBER['TDH.PHYMEM.CACHE.WB'];
export const TDH_PHYMEM_PAGE_WBINVD = LEAF_NUMBER['TDH.PHYMEM.PAGE.WBINVD'];
export const TDH_SYS_KEY_CONFIG = LEAF_NUMBER['TDH.SYS.KEY.CONFIG'];
export const TDH_SYS_INFO = LEAF_NUMBER['TDH.SYS.INFO'];
export const TDH_SYS_INIT = LEAF_NUMBER['TDH.SYS.INIT'];
export const TDH_SYS_RD = LEAF_NUMBER['TDH.SYS.RD'];
export const TDH_SYS_LP_INIT = LEAF_NUMBER['TDH.SYS.LP.INIT'];
export const TDH_SYS_TDMR_INIT = LEAF_NUMBER['TDH.SYS.TDMR.INIT'];
export const TDH_SYS_LP_SHUTDOWN = LEAF_NUMBER['TDH.SYS.LP.SHUTDOWN'];
export const TDH_SYS_CONFIG = LEAF_NUMBER['TDH.SYS.CONFIG'];
export const TDH_SYS_DISABLE = LEAF_NUMBER['TDH.SYS.DISABLE'];

/** What the wrapper makes of a SEAMCALL that did not reach the module. Source: arch/x86/include/asm/tdx.h, TDX_SW_ERROR. */
export const TDX_SEAMCALL_VMFAILINVALID = 0x8000ff00ffff0000n;
export const TDX_SEAMCALL_GP = 0x8000ff000000000dn;
export const TDX_SEAMCALL_UD = 0x8000ff0000000006n;

const { TDX_RND_NO_ENTROPY } = STATUS;

/** How a revision's wrapper turns the end of a SEAMCALL into an errno and dmesg. */
export interface SeamcallPolicy {
  /** Calls in all while the answer is exactly TDX_RND_NO_ENTROPY; 1 = never again. */
  readonly attempts: number;
  /** Calls in all while the answer is another transient status (busy, key generation failed); 1 = never again. */
  readonly transientAttempts: number;
  /** A retry sends the inputs again, also for leaves whose outputs are copied back. */
  readonly repeatsInputs: boolean;
  readonly vmfail: TrapPolicy;
  readonly gp: TrapPolicy;
  readonly ud: TrapPolicy;
  /** Any other status that is not 0. */
  readonly other: OtherPolicy;
  /** The caller's CPU is marked before the instruction as having possibly dirty private cache lines. */
  readonly marksCacheDirty: boolean;
}

export interface TrapPolicy {
  readonly errno: number;
  readonly message: MessageId | null;
  /** No exception handler for the instruction: the kernel oopses. */
  readonly oops: boolean;
}

export interface OtherPolicy {
  readonly errno: number;
  /** Arguments: leaf, status, CPU. */
  readonly message: MessageId | null;
  /** Printed after it for leaves whose outputs are copied back. Arguments: RCX RDX R8 R9 R10 R11. */
  readonly outputs: readonly MessageId[];
}

/**
 * A SEAMCALL whose outputs the kernel does not look at: the registers go out, only RAX comes back, so that a retry
 * repeats the same inputs. Answers 0, a negative errno, or CRASH.
 */
export function seamcall(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  leaf: number,
  rcx: U64,
  rdx: U64,
  r8: U64,
  r9: U64 = 0,
): number {
  load(kernel, leaf, rcx, rdx, r8, r9);
  const status = callUntilFinal(kernel, port, cpu, true, ALONE);
  return isZero(status) ? 0 : refused(kernel, port, cpu, leaf, status, false);
}

/** Not a run of TDH.SYS.TDMR.INIT, but one call. */
const ALONE = -1;

/**
 * Makes the call in `kernel.registers` until its answer is final or the revision gives up, and returns the last status.
 * `repeatsInputs`: a retry sends the inputs again, else the registers as they came back. `end`: TDH.SYS.TDMR.INIT up to
 * that address, or ALONE. A run that never gets there crashes the kernel.
 */
function callUntilFinal(kernel: KernelState, port: KernelPort, cpu: number, repeatsInputs: boolean, end: number): U64 {
  const { registers } = kernel;
  const { rax: leaf, rcx, rdx, r8, r9 } = registers;
  let { attempts, transientAttempts } = kernel.revision.seamcall;
  let runs = end !== ALONE;
  markDirty(kernel, cpu);
  for (;;) {
    const trap = runs ? port.tdmrInitLoop(cpu, registers, rcx as number, end) : port.seamcall(cpu, registers);
    if (trap === 'hang') {
      kernel.crash = 'hang: TDH.SYS.TDMR.INIT never reaches the end of the TDMR';
      return 0;
    }
    const status = statusOf(trap, registers.rax);
    if (isZero(status)) return 0;
    if (status === TDX_RND_NO_ENTROPY ? --attempts <= 0 : !isBusy(status) || --transientAttempts <= 0) return status;
    if (repeatsInputs) load(kernel, leaf, rcx, rdx, r8, r9);
    else {
      registers.rax = leaf;
      runs = false;
    }
  }
}

/**
 * A SEAMCALL whose outputs are copied back into the argument block, which a retry sends out again (__seamcall_ret in a
 * loop, Linux 6.12 asm/tdx.h; recording 6.12-demos, line 9). The outputs are in `kernel.registers` afterwards.
 */
export function seamcallReturning(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  leaf: number,
  rcx: U64,
  rdx: U64,
  r8: U64,
  r9: U64 = 0,
): number {
  load(kernel, leaf, rcx, rdx, r8, r9);
  const status = callUntilFinal(kernel, port, cpu, kernel.revision.seamcall.repeatsInputs, ALONE);
  return isZero(status) ? 0 : refused(kernel, port, cpu, leaf, status, true);
}

/**
 * All TDH.SYS.TDMR.INIT calls of one TDMR, [base, end): the module says in RDX how far it is. Answers 0, an errno, or
 * CRASH if the module never gets there. Source: init_tdmr(), Linux 6.12.
 */
export function seamcallTDMRInit(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  base: number,
  end: number,
): number {
  const { registers } = kernel;
  for (;;) {
    load(kernel, TDH_SYS_TDMR_INIT, base, 0, 0, 0);
    const status = callUntilFinal(kernel, port, cpu, kernel.revision.seamcall.repeatsInputs, end);
    if (kernel.crash !== null) return CRASH;
    if (!isZero(status)) return refused(kernel, port, cpu, TDH_SYS_TDMR_INIT, status, true);
    // Only a call that succeeded after a retry can leave the run early; a bigint is beyond every TDMR.
    if (typeof registers.rdx === 'bigint' || registers.rdx >= end) return 0;
  }
}

/**
 * TDH.SYS.RD of the first `count` of `fields`, in order: the value of each is added to `values`, up to the first that fails.
 * Answers 0, a negative errno, or CRASH. Source: read_sys_metadata_field(), Linux 6.12.
 */
export function seamcallSysRD(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  fields: readonly U64[],
  count: number,
  values: U64[],
): number {
  markDirty(kernel, cpu);
  while (values.length < count) {
    port.metadataRun(cpu, fields, count, values);
    if (values.length === count) break;
    const error = seamcallReturning(kernel, port, cpu, TDH_SYS_RD, 0, fields[values.length] ?? 0, 0);
    if (error !== 0) return error;
    values.push(kernel.registers.r8);
  }
  return 0;
}

/** A SEAMCALL whose status the caller judges itself, tried again while there is no entropy (KVM's tdh_*() wrappers). */
export function seamcallStatus(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  leaf: number,
  rcx: U64,
  rdx: U64,
): U64 {
  load(kernel, leaf, rcx, rdx, 0, 0);
  return callUntilFinal(kernel, port, cpu, true, ALONE);
}

/** A bare SEAMCALL: no retry, no errno, no dmesg; answers the status as the wrapper reports it (`__seamcall_ret`). */
export function seamcallBare(kernel: KernelState, port: KernelPort, cpu: number, leaf: number, rcx: U64): U64 {
  load(kernel, leaf, rcx, 0, 0, 0);
  markDirty(kernel, cpu);
  return statusOf(port.seamcall(cpu, kernel.registers), kernel.registers.rax);
}

function load({ registers }: KernelState, leaf: U64, rcx: U64, rdx: U64, r8: U64, r9: U64): void {
  registers.rax = leaf;
  registers.rcx = rcx;
  registers.rdx = rdx;
  registers.r8 = r8;
  registers.r9 = r9;
  registers.r10 = 0;
  registers.r11 = 0;
}

function markDirty(kernel: KernelState, cpu: number): void {
  if (!kernel.revision.seamcall.marksCacheDirty) return;
  const caller = kernel.cpus[cpu];
  if (caller !== undefined) caller.cacheDirty = true;
}

function statusOf(trap: Trap, rax: U64): U64 {
  switch (trap) {
    case 'none':
      return rax;
    case 'gp':
      return TDX_SEAMCALL_GP;
    case 'ud':
      return TDX_SEAMCALL_UD;
    case 'vmfail':
      return TDX_SEAMCALL_VMFAILINVALID;
  }
}

/** Maps and reports a status that is not 0. */
function refused(
  kernel: KernelState,
  port: KernelPort,
  cpu: number,
  leaf: number,
  status: U64,
  outputs: boolean,
): number {
  const policy = kernel.revision.seamcall;
  const trap =
    status === TDX_SEAMCALL_VMFAILINVALID
      ? policy.vmfail
      : status === TDX_SEAMCALL_GP
        ? policy.gp
        : status === TDX_SEAMCALL_UD
          ? policy.ud
          : null;
  if (trap !== null) {
    if (trap.oops) {
      kernel.crash =
        status === TDX_SEAMCALL_GP
          ? 'oops: general protection fault in __seamcall'
          : 'oops: invalid opcode in __seamcall';
      return CRASH;
    }
    if (trap.message !== null) printk(kernel, port, trap.message, cpu);
    return trap.errno;
  }
  const { other } = policy;
  if (other.message !== null) printk(kernel, port, other.message, leaf, status, cpu);
  if (outputs) {
    const { rcx, rdx, r8, r9, r10, r11 } = kernel.registers;
    for (const id of other.outputs) printk(kernel, port, id, rcx, rdx, r8, r9, r10, r11);
  }
  return other.errno;
}
