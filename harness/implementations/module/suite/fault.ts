import type { LeafName } from '../../../../model/abi/leaf-number.ts';
import type { StatusName } from '../../../../model/abi/status.ts';
import { STATUS, withDetails } from '../../../../model/abi/status.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import type { Draft, DraftStep } from './draft.ts';
import { hex } from './draft.ts';

/** One way in which a call fails: a change to a draft that succeeds, and the answer it must get where it comes first. */
export interface Fault {
  readonly name: string;
  /** RAX, or `fatal`: the module shuts itself down. */
  readonly rax: U64 | 'fatal';
  /** What it changes; two faults that share an entry cannot be combined. */
  readonly touches: readonly string[];
  readonly apply: (draft: Draft) => void;
}

/** A leaf's faults in the order in which the module checks for them. */
export interface FaultTable {
  readonly leaf: LeafName;
  /** A draft whose call succeeds. */
  readonly base: () => Draft;
  readonly faults: readonly Fault[];
}

export function fault(
  name: string,
  rax: U64 | 'fatal',
  touches: string | readonly string[],
  apply: (draft: Draft) => void,
): Fault {
  return { name, rax, touches: typeof touches === 'string' ? [touches] : touches, apply };
}

/** RAX of a status with details. */
export function rax(status: StatusName, details = 0): U64 {
  return withDetails(STATUS[status], details);
}

/** A fault that is a value in one of the call's registers. */
export function operandFault(name: string, answer: U64, register: string, value: U64): Fault {
  return fault(name, answer, register, ({ call }) => {
    call.seamcall[register] = hex(value);
  });
}

/** A fault that surrounds the call. A step can meet one condition only. */
export function injected(name: string, answer: U64 | 'fatal', inject: string, address?: U64): Fault {
  return fault(name, answer, 'inject', ({ call }) => {
    call.inject = inject;
    if (address !== undefined) call.injectArg = hex(address);
  });
}

/** An MSR value in force from the call on, for all LPs. */
export function msrFault(name: string, answer: U64 | 'fatal', msr: number, value: U64): Fault {
  return fault(name, answer, `msr ${hex(msr)}`, ({ call }) => {
    call.msr = { ...call.msr, [hex(msr)]: hex(value) };
  });
}

/** A CPUID register in force from the call on, for all LPs or one. */
export function cpuidFault(
  name: string,
  answer: U64 | 'fatal',
  leaf: number,
  subleaf: number | null,
  register: 'eax' | 'ebx' | 'ecx' | 'edx',
  value: number,
  lp?: number,
): Fault {
  return fault(name, answer, `cpuid ${hex(leaf)}.${subleaf ?? ''} ${register}`, ({ call }) => {
    const row = {
      leaf: hex(leaf),
      ...(subleaf !== null && { subleaf: hex(subleaf) }),
      ...(lp !== undefined && { lp }),
      [register]: hex(value),
    };
    call.cpuid = [...(call.cpuid ?? []), row];
  });
}

/** Replaces one word of a structure the call (or an earlier step) finds in memory; words between are zero. */
export function setWord(step: DraftStep, address: number, index: number, value: U64): void {
  const write = step.mem?.find(({ pa }) => pa === hex(address));
  if (write === undefined) throw new Error(`${step.label} writes nothing at ${hex(address)}`);
  while (write.u64.length <= index) write.u64.push('0x0');
  write.u64[index] = hex(value);
}
