import type { Registers } from '../abi/registers.ts';
import type { U64 } from '../abi/u64.ts';
import type { LeafName } from '../abi/leaf-number.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { Conditions } from './conditions.ts';
import type { ModuleState } from './state.ts';

/**
 * How a SEAMCALL that reached the module ended. `answered`: registers are as the module left them. `fatal`: the module
 * shut itself down; registers mean nothing. `unsupported`: the module knows the leaf and this model does not.
 */
export type ModuleOutcome = 'answered' | 'fatal' | 'unsupported';

/** One host-side function of the module. */
export interface Leaf {
  readonly name: LeafName;
  /** The dispatcher lets it through before the module is READY. */
  readonly beforeReady: boolean;
  /** Operands that are pages whose PAMT entry it reads. */
  readonly readsPAMTOf: readonly ('rcx' | 'rdx')[];
  /** Where its rules are stated. */
  readonly source: string;
  readonly run: LeafFunction;
}

/** Changes `regs` and the module in place. `lp` is the calling LP's index. */
export type LeafFunction = (
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
) => ModuleOutcome;

/** Ends a call with a status that is not success; `reason` is a constant text naming the check. */
export function refuse(module: ModuleState, regs: Registers, rax: U64, reason: string): ModuleOutcome {
  regs.rax = rax;
  module.lastReason = reason;
  return 'answered';
}

/** Ends a call with TDX_SUCCESS. */
export function succeed(module: ModuleState, regs: Registers): ModuleOutcome {
  regs.rax = 0;
  module.lastReason = 'success';
  return 'answered';
}

/** The module ends its life: a sanity check failed that no host can cause on a healthy machine. */
export function die(module: ModuleState, reason: string): ModuleOutcome {
  module.phase = 'DEAD';
  module.lastReason = reason;
  return 'fatal';
}
