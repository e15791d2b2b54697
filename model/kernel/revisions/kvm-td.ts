import { defineFlow, type FlowEntry, goto, label, replaceSteps, type Step } from '../flow.ts';
import type { Revision } from '../revision.ts';
import * as lock from '../steps/linux/lock.ts';
import * as create from '../steps/kvm/td-create.ts';
import * as destroy from '../steps/kvm/td-destroy.ts';
import { TDX_TD_VCPU_INIT, RUN_VCPU } from '../steps/kvm/td-run.ts';

/**
 * From the last flush of its vCPUs to the last page of a TD; errors on their way out pass through.
 * Source: tdx_mmu_release_hkid() and tdx_reclaim_td_control_pages(), arch/x86/kvm/vmx/tdx.c, Linux 6.16.
 */
const TEAR_DOWN: readonly FlowEntry[] = [
  [lock.CPUS_READ_LOCK],
  [destroy.TDX_FLUSH_VP_ON_CPU],
  [create.LOCK_KVM],
  [destroy.VPFLUSHDONE, 'end', 'out'],
  [destroy.WRITE_BACK_CACHES],
  [destroy.FREE_KEYID],
  label('out'),
  [create.UNLOCK_KVM, 'out_unlocked'],
  label('out_unlocked'),
  [lock.CPUS_READ_UNLOCK],
  [destroy.TDX_RECLAIM_TD_CONTROL_PAGES],
];

/** __tdx_td_init() as far as the last TDCS page. Source: arch/x86/kvm/vmx/tdx.c, Linux 6.16. */
const CREATE: readonly FlowEntry[] = [
  [create.TDX_GUEST_KEYID_ALLOC],
  [create.ALLOCATE_CONTROL_PAGES, 'free_tdcs'],
  [create.ALLOCATE_MASK, 'free_tdcs'],
  [lock.CPUS_READ_LOCK],
  [create.CHECK_ALL_PACKAGES_ONLINE, 'free_packages'],
  [create.LOCK_KVM],
  [create.MNG_CREATE, 'created'],
  label('created'),
  [create.UNLOCK_KVM, 'free_packages'],
  [create.MNG_KEY_CONFIG_PACKAGES, 'break'],
  label('break'),
  [lock.CPUS_READ_UNLOCK],
  [create.FREE_MASK, 'teardown'],
  [create.ADD_TDCS_PAGES, 'teardown'],
  goto('end'),
];

/** Its labels. free_tdcs, free_tdr and free_hkid give back what is there: here they are one step. */
const UNDO_CREATE: readonly FlowEntry[] = [
  label('free_packages'),
  [lock.CPUS_READ_UNLOCK],
  [create.FREE_MASK, 'free_tdcs'],
  label('free_tdcs'),
  [create.GIVE_BACK_UNUSED],
];

const RUN: readonly FlowEntry[] = [[TDX_TD_VCPU_INIT], [RUN_VCPU]];

/** How a kernel's handling of guests differs from KVM's. */
export interface TDPolicy {
  /** Before every flow, behind its check that there is anything to do. */
  readonly first: readonly FlowEntry[];
  /** Then, before a creation. */
  readonly beforeCreate: readonly FlowEntry[];
  readonly create: ReadonlyMap<Step, readonly Step[]>;
  readonly run: ReadonlyMap<Step, readonly Step[]>;
  readonly tearDown: ReadonlyMap<Step, readonly Step[]>;
}

/** KVM's flows with some steps replaced. */
export function kvmTD(policy: TDPolicy): Pick<Revision, 'tdCreate' | 'tdRun' | 'tdDestroy'> {
  const { first } = policy;
  const tearDown = replaceSteps(TEAR_DOWN, policy.tearDown);
  return {
    tdCreate: defineFlow('td-create', [
      [create.REQUIRE_INITIALISED_MODULE],
      ...first,
      ...policy.beforeCreate,
      ...replaceSteps(CREATE, policy.create),
      label('teardown'),
      [create.GIVE_BACK_UNADDED_TDCS],
      ...tearDown,
      goto('end'),
      ...UNDO_CREATE,
    ]),
    tdRun: defineFlow('td-run', [...first, ...replaceSteps(RUN, policy.run)]),
    tdDestroy: defineFlow('td-destroy', [[destroy.REQUIRE_TD], ...first, ...tearDown]),
  };
}

const AS_KVM: TDPolicy = { first: [], beforeCreate: [], create: new Map(), run: new Map(), tearDown: new Map() };

/** KVM's way to make, run and unmake a guest, as far as KeyIDs, control pages and CPUs go (Linux 6.16 on). */
export const KVM_TD: Pick<Revision, 'tdCreate' | 'tdRun' | 'tdDestroy'> = kvmTD(AS_KVM);
