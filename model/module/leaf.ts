import type { Registers } from '../abi/registers.ts';
import { LEAF_NUMBER, type LeafName } from '../abi/leaf-number.ts';
import type { StatusName } from '../abi/status.ts';
import type { Hardware } from '../platform/hardware.ts';
import type { Conditions } from './conditions.ts';
import type { ModuleOutcome } from './outcome.ts';
import type { ModuleState } from './state.ts';

/** One host-side function of the module: all that is known about it, but for the layout of what it reads and writes. */
export interface Leaf {
  readonly name: LeafName;
  /** RAX bits 15:0. */
  readonly number: number;
  /** The dispatcher lets it through before the module is READY. */
  readonly beforeReady: boolean;
  /** Operands that are pages whose PAMT entry it reads. */
  readonly readsPAMTOf: readonly ('rcx' | 'rdx')[];
  /** It returns values in registers and does nothing else: a call behind the kernel's back disturbs nothing. */
  readonly onlyReads: boolean;
  /** The exception to "a refused SEAMCALL changes nothing". */
  readonly mayChangeWhenRefused: ChangeWhenRefused | null;
  /** Modelled as far as kernels need it: the dispatcher answers a raw call, and so every comparison, with `unsupported`. */
  readonly kernelOnly: boolean;
  /** Where its rules are stated. */
  readonly source: string;
  readonly run: LeafFunction;
}

/** Shown by recorded cases of TDX module 1.5.01. */
export interface ChangeWhenRefused {
  /** Only with these statuses. */
  readonly statuses: readonly StatusName[] | 'any';
  readonly why: string;
}

/** The properties of a leaf that cannot be derived; one that is left out does not apply to it. */
type LeafDescription = Pick<Leaf, 'name' | 'beforeReady' | 'source' | 'run'> &
  Partial<Pick<Leaf, 'readsPAMTOf' | 'onlyReads' | 'mayChangeWhenRefused' | 'kernelOnly'>>;

/** The leaf, with its number. */
export function createLeaf(leaf: LeafDescription): Leaf {
  return {
    name: leaf.name,
    number: LEAF_NUMBER[leaf.name],
    beforeReady: leaf.beforeReady,
    readsPAMTOf: leaf.readsPAMTOf ?? [],
    onlyReads: leaf.onlyReads ?? false,
    mayChangeWhenRefused: leaf.mayChangeWhenRefused ?? null,
    kernelOnly: leaf.kernelOnly ?? false,
    source: leaf.source,
    run: leaf.run,
  };
}

/** Changes `regs` and the module in place. `lp` is the calling LP's index. */
export type LeafFunction = (
  module: ModuleState,
  hardware: Hardware,
  lp: number,
  regs: Registers,
  conditions: Conditions,
) => ModuleOutcome;
