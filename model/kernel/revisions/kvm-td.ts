import { defineFlow, type FlowEntry, type Step } from '../flow.ts';
import type { Revision } from '../revision.ts';
import * as lock from '../steps/linux/lock.ts';
import { SKIP } from '../steps/linux/status.ts';
import * as create from '../steps/kvm/td-create.ts';
import * as destroy from '../steps/kvm/td-destroy.ts';
import { CREATE_VCPU, RUN_VCPU } from '../steps/kvm/td-run.ts';

/** A shared step under a name of its own, where a flow has it twice. */
const as = (name: string, step: Step): Step => ({ ...step, name });

/** From the last flush of its vCPUs to the last page of a TD; errors on their way out pass through. */
const TEAR_DOWN: readonly FlowEntry[] = [
  [as('cpus-read-lock-teardown', lock.CPUS_READ_LOCK)],
  [destroy.FLUSH_VCPU],
  [as('lock-kvm-teardown', create.LOCK_KVM)],
  [destroy.VPFLUSHDONE, 'end', 'unlock-kvm-teardown'],
  [destroy.WRITE_BACK_CACHES],
  [destroy.FREE_KEYID],
  [as('unlock-kvm-teardown', create.UNLOCK_KVM), 'cpus-read-unlock-teardown'],
  [as('cpus-read-unlock-teardown', lock.CPUS_READ_UNLOCK)],
  [destroy.RECLAIM_CONTROL_PAGES],
];

const CREATE: readonly FlowEntry[] = [
  [create.REQUIRE_INITIALISED_MODULE],
  [create.TAKE_KEYID],
  [create.ALLOCATE_CONTROL_PAGES, 'give-back-unused'],
  [create.ALLOCATE_MASK, 'give-back-unused'],
  [lock.CPUS_READ_LOCK],
  [create.CHECK_ALL_PACKAGES_ONLINE, 'cpus-read-unlock-unused'],
  [create.LOCK_KVM],
  [create.MNG_CREATE, 'unlock-kvm'],
  [create.UNLOCK_KVM, 'cpus-read-unlock-unused'],
  [create.MNG_KEY_CONFIG_PACKAGES, 'cpus-read-unlock'],
  [lock.CPUS_READ_UNLOCK],
  [create.FREE_MASK, 'give-back-unadded-tdcs'],
  [create.ADD_TDCS_PAGES, 'give-back-unadded-tdcs'],
  [as('td-is-there', SKIP), 'end', 'end'],
  [create.GIVE_BACK_UNADDED_TDCS],
  ...TEAR_DOWN,
  [as('td-is-gone', SKIP), 'end', 'end'],
  [as('cpus-read-unlock-unused', lock.CPUS_READ_UNLOCK)],
  [as('free-mask-unused', create.FREE_MASK), 'give-back-unused'],
  [create.GIVE_BACK_UNUSED],
];

const RUN: readonly FlowEntry[] = [[CREATE_VCPU], [RUN_VCPU]];

/** The same flows with some steps replaced, by name; `first` comes before all, `before` then before a creation. */
export function kvmTD(
  first: readonly FlowEntry[],
  before: readonly FlowEntry[],
  replaced: Readonly<Record<string, Step>>,
): Pick<Revision, 'tdCreate' | 'tdRun' | 'tdDestroy'> {
  const swap = ([step, ...labels]: FlowEntry): FlowEntry => {
    const other = replaced[step.name];
    return other === undefined ? [step, ...labels] : [{ ...other, name: step.name }, ...labels];
  };
  const [required, ...create] = CREATE.map(swap);
  return {
    tdCreate: defineFlow('td-create', required === undefined ? create : [required, ...first, ...before, ...create]),
    tdRun: defineFlow('td-run', [...first, ...RUN.map(swap)]),
    tdDestroy: defineFlow('td-destroy', [[destroy.REQUIRE_TD], ...first, ...TEAR_DOWN.map(swap)]),
  };
}

/** KVM's way to make, run and unmake a guest, as far as KeyIDs, control pages and CPUs go (Linux 6.16 on). */
export const KVM_TD: Pick<Revision, 'tdCreate' | 'tdRun' | 'tdDestroy'> = {
  tdCreate: defineFlow('td-create', CREATE),
  tdRun: defineFlow('td-run', RUN),
  tdDestroy: defineFlow('td-destroy', [[destroy.REQUIRE_TD], ...TEAR_DOWN]),
};
