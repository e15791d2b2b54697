import type { Always, EventKind, Sometimes } from './invariant.ts';
import { factMask } from './facts.ts';
import * as balance from './balance.ts';
import * as boot from './boot.ts';
import * as cmr from './cmr.ts';
import * as flow from './flow.ts';
import * as hotplug from './hotplug.ts';
import * as kexec from './kexec.ts';
import * as keyid from './keyid.ts';
import * as ledger from './ledger.ts';
import * as lp from './lp.ts';
import * as machineCheck from './machine-check.ts';
import * as mcheck from './mcheck.ts';
import * as memory from './memory.ts';
import * as module from './module.ts';
import * as naming from './naming.ts';
import * as once from './once.ts';
import * as pamt from './pamt.ts';
import * as retry from './retry.ts';
import * as suspend from './suspend.ts';
import * as swError from './sw-error.ts';
import * as td from './td.ts';
import * as tdmr from './tdmr.ts';
import * as threads from './threads.ts';
import { SOMETIMES } from './sometimes.ts';

/**
 * Every `always`, family by family. A rule that is not here is not checked; catalogue.test.ts looks for such. A verdict
 * lists the violations of an event in this order, so `tdmr` stands before `memory`, which it explains.
 */
export const ALWAYS: readonly Always[] = [
  swError.SW_ERROR_FAULT_NEVER_CRASHES,
  swError.SW_ERROR_CLASS_FF_IS_NEVER_THE_MODULE_S,
  swError.SW_ERROR_ERRNO_SAYS_HOW,
  swError.SW_ERROR_FAILURE_IS_NEVER_SUCCESS,
  swError.SW_ERROR_NO_CRASH,
  naming.NAMING_GP_IS_NOT_SILENT,
  naming.NAMING_UD_IS_NOT_SILENT,
  naming.NAMING_FAILURE_NAMES_LEAF_OR_REASON,
  naming.NAMING_VERDICT_CARRIES_ERRNO,
  naming.NAMING_PACKAGE_WITHOUT_CPU_IS_NAMED,
  naming.NAMING_LP_THAT_BLOCKS_INIT_IS_NAMED,
  naming.NAMING_MEMORY_OUTSIDE_CMRS_IS_NAMED,
  naming.NAMING_REFUSED_MEMORY_ADD_IS_EXPLAINED,
  naming.NAMING_MODULE_NOT_LOADED_IS_TRUE,
  naming.NAMING_OLD_MODULE_IS_CALLED_OLD,
  naming.NAMING_REFUSED_TD_NAMES_THE_PACKAGE,
  naming.NAMING_CPU_THAT_STAYS_NAMES_THE_PACKAGE,
  lp.LP_OFFLINE_LP_DOES_NOT_COST_TDX,
  lp.LP_INIT_ONCE,
  lp.LP_LATE_LP_IS_NOT_SENT_TO_THE_MODULE,
  lp.LP_UNCOUNTED_LP_DOES_NOT_COST_TDX,
  retry.RETRY_TRANSIENT_IS_NOT_PERMANENT,
  retry.RETRY_ENTROPY_AT_MOST_TEN,
  retry.RETRY_REPEATS_ITS_INPUTS,
  once.ONCE_MISTIMED_FIRST_CALL_DOES_NOT_POISON,
  once.ONCE_ONE_FAILURE_DOES_NOT_BAR_TDX,
  once.ONCE_ALLOCATION_FAILURE_IS_NOT_PERMANENT,
  once.ONCE_ABSENCE_IS_REMEMBERED,
  tdmr.TDMR_MODULE_FINDS_NO_FAULT,
  tdmr.TDMR_GEOMETRY,
  tdmr.TDMR_RESERVED_AREAS,
  tdmr.TDMR_COVERS_TDX_MEMORY,
  tdmr.TDMR_INSIDE_CMRS,
  memory.MEMORY_OUTSIDE_CMRS_DOES_NOT_COST_TDX,
  memory.MEMORY_RESERVED_AREAS_SUFFICE_WHERE_CMRS_FIT,
  memory.MEMORY_PAGE_ALLOCATOR_GIVES_TDX_MEMORY,
  cmr.CMR_CONVERTIBLE_MEMORY_IS_NOT_REFUSED,
  cmr.CMR_REFUSED_TABLE_IS_SHOWN,
  cmr.CMR_NO_EMPTY_ENTRY_IS_SHOWN,
  cmr.CMR_NO_ENTRY_IS_DROPPED,
  cmr.CMR_BROKEN_COPY_DOES_NOT_COST_TDX,
  pamt.PAMT_NOT_FREED_WHILE_READY,
  pamt.PAMT_NOT_WRITTEN_WHILE_READY,
  pamt.PAMT_FLUSHED_BEFORE_FREE,
  pamt.PAMT_RESET_BEFORE_FREE,
  pamt.PAMT_FLUSHED_BEFORE_KEY_CONFIG,
  pamt.PAMT_SIZE,
  pamt.PAMT_DISJOINT,
  keyid.KEYID_RANGE,
  keyid.KEYID_AT_LEAST_TWO,
  keyid.KEYID_GLOBAL_IS_PRIVATE,
  keyid.KEYID_GLOBAL_NEVER_HANDED_OUT,
  keyid.KEYID_NEVER_REUSED_AFTER_LEAK,
  keyid.KEYID_LEAK_IS_TOLD,
  keyid.KEYID_TRANSIENT_STATUS_COSTS_NO_KEYID,
  ledger.LEDGER_INITIALISED_LPS_AGREE,
  ledger.LEDGER_INITIALISED_MEANS_READY,
  ledger.LEDGER_TDMRS_AGREE,
  ledger.LEDGER_PACKAGES_AGREE,
  balance.BALANCE_LOCKS,
  balance.BALANCE_ALLOCATIONS,
  balance.BALANCE_FAILED_INIT_EMPTIES_THE_MEMORY_LIST,
  balance.BALANCE_NO_COUNT_OUTLIVES_ITS_ARRAY,
  flow.FLOW_LEAF_ORDER,
  flow.FLOW_NOTHING_FOLLOWS_A_FAILURE,
  flow.FLOW_KEY_CONFIG_ONCE_PER_PACKAGE,
  flow.FLOW_ENABLE_IS_IDEMPOTENT,
  flow.FLOW_SECOND_KERNEL_KNOWS_WHY,
  flow.FLOW_MODULE_IS_INITIALISED_BEFORE_USE,
  flow.FLOW_EVERY_PACKAGE_IS_LOOKED_AT_FIRST,
  flow.FLOW_NO_USELESS_SHUTDOWN,
  hotplug.HOTPLUG_UNION_OF_ENTRIES_IS_ACCEPTED,
  hotplug.HOTPLUG_OUTSIDE_IS_REFUSED,
  hotplug.HOTPLUG_ZONE_DEVICE_IS_ALLOWED,
  hotplug.HOTPLUG_LEAVES_TDX_ALONE,
  hotplug.HOTPLUG_CPU_ADD_IS_NOT_VETOED,
  hotplug.HOTPLUG_MEMORY_ADD_IS_NOT_VETOED,
  machineCheck.MACHINE_CHECK_ADDRESS_IS_MASKED,
  machineCheck.MACHINE_CHECK_ASKS_ONLY_WHEN_TDX_RUNS,
  kexec.KEXEC_CACHES_ARE_FLUSHED,
  kexec.KEXEC_ERRATUM_IS_MINDED,
  kexec.KEXEC_MODULE_IS_NOT_LEFT_OPEN,
  module.MODULE_REFUSED_CALL_CHANGES_NOTHING,
  module.MODULE_NOT_READY_GATE,
  module.MODULE_SYS_INFO_R9_IS_32,
  module.MODULE_CONFIG_WAITS_FOR_EVERY_LP,
  module.MODULE_READY_MEANS_EVERY_PACKAGE,
  module.MODULE_TDMR_INIT_PROGRESS,
  module.MODULE_LP_INIT_WINDOW,
  module.MODULE_INIT_ONCE,
  module.MODULE_RBP_CLOBBER_IS_NOTICED,
  td.TD_HAS_ITS_KEY_ON_EVERY_PACKAGE,
  td.TD_CREATE_NEEDS_EVERY_PACKAGE,
  td.TD_LAST_CPU_OF_PACKAGE_STAYS,
  td.TD_TRANSIENT_STATUS_COSTS_NO_TD,
  td.TD_NO_VCPU_STAYS_ON_A_CPU_THAT_GOES,
  td.TD_GIVES_EVERYTHING_BACK,
  td.TD_NO_CONTROL_PAGE_IS_FREED_TOO_EARLY,
  threads.THREADS_NO_DEADLOCK,
  threads.THREADS_ONE_LOCK_ORDER,
  threads.THREADS_NO_PACKAGE_GOES_DARK_DURING_INIT,
  mcheck.MCHECK_PUBLISHED_CMRS_ARE_LEGAL,
  boot.BOOT_HIBERNATION_EXCLUDES_TDX,
  boot.BOOT_S3_IS_NOT_LOST_FOR_NOTHING,
  boot.BOOT_OFFERED_MEANS_SEAM_ENABLED,
  suspend.SUSPEND_TDX_ENDS_WITH_ITS_MODULE,
  suspend.SUSPEND_REFUSAL_IS_EXPLAINED,
  suspend.SUSPEND_REFUSAL_COMES_FIRST,
  suspend.SUSPEND_EVERY_CPU_COMES_BACK,
];

/** Every kind of event. Edges are numbered by the place here: append, never insert. */
export const EVENT_KINDS: readonly EventKind[] = [
  'boot',
  'vmxon',
  'vmxoff',
  'cpu-online',
  'cpu-offline',
  'cpu-enable',
  'enable',
  'acpi-cpu-add',
  'acpi-cpu-remove',
  'memory-add',
  'memory-remove',
  'td-create',
  'td-destroy',
  'machine-check',
  'allocation-failure',
  'condition',
  'cmr-corruption',
  'late-load',
  'module-unload',
  'seam-death',
  'seamcall',
  'kexec',
  'suspend',
  'td-run',
];

/**
 * The rules to check after an event of a kind with these facts, and what is needed to check them. All have the same shape,
 * as this is read ten times a case.
 */
export interface Questions {
  readonly kind: EventKind;
  readonly facts: number;
  readonly always: readonly Pick<Always, 'id' | 'check'>[];
  readonly sometimes: readonly Pick<Sometimes, 'id' | 'reached'>[];
}

/** By kind of event, then by facts. A campaign meets a few hundred sets of facts, each with few rules. */
const QUESTIONS: ReadonlyMap<EventKind, Map<number, Questions>> = new Map(EVENT_KINDS.map((kind) => [kind, new Map()]));

/** The last lookup: CPUs are brought up one after another, most with the same facts. */
let last: Questions | undefined;

/** The rules to check after an event of this kind with these facts (see factsOf()), in the order of the catalogue. */
export function questionsAfter(kind: EventKind, facts: number): Questions {
  if (last?.facts === facts && last.kind === kind) return last;
  last = QUESTIONS.get(kind)?.get(facts) ?? findQuestions(kind, facts);
  return last;
}

function findQuestions(kind: EventKind, facts: number): Questions {
  const asks = ({ after, needs }: Always | Sometimes): boolean => {
    const mask = factMask(needs ?? []);
    return (after === 'all' || after.includes(kind)) && (facts & mask) === mask;
  };
  const questions = {
    kind,
    facts,
    always: ALWAYS.filter(asks).map(({ id, check }) => ({ id, check })),
    sometimes: SOMETIMES.filter(asks).map(({ id, reached }) => ({ id, reached })),
  };
  QUESTIONS.get(kind)?.set(facts, questions);
  return questions;
}
