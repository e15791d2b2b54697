import type { Always, EventKind, Sometimes } from './invariant.ts';
import { factMask } from './facts.ts';
import * as boot from './boot.ts';
import * as cmr from './cmr.ts';
import * as flow from './flow.ts';
import * as hotplug from './hotplug.ts';
import * as keyid from './keyid.ts';
import * as ledger from './ledger.ts';
import * as lp from './lp.ts';
import * as memory from './memory.ts';
import * as module from './module.ts';
import * as naming from './naming.ts';
import * as pamt from './pamt.ts';
import * as retry from './retry.ts';
import * as suspend from './suspend.ts';
import * as swError from './sw-error.ts';
import * as tdmr from './tdmr.ts';
import * as td from './td.ts';
import * as threads from './threads.ts';
import { SOMETIMES } from './sometimes.ts';

/** Every `always`, in the order of their families. A rule that is not here is not checked; tidy.test.ts looks for such. */
export const ALWAYS: readonly Always[] = [
  swError.A_FAULT_ON_SEAMCALL_NEVER_CRASHES,
  swError.NO_MODULE_STATUS_LOOKS_LIKE_A_SOFTWARE_ERROR,
  swError.ERRNO_SAYS_HOW_THE_SEAMCALL_ENDED,
  swError.A_FAILED_SEAMCALL_NEVER_ENDS_IN_SUCCESS,
  swError.NO_CRASH,
  naming.GP_IS_NOT_SILENT,
  naming.UD_IS_NOT_SILENT,
  naming.A_FAILURE_NAMES_ITS_LEAF_OR_REASON,
  naming.THE_VERDICT_CARRIES_THE_ERRNO,
  naming.A_PACKAGE_WITHOUT_CPU_IS_NAMED,
  naming.AN_LP_THAT_BLOCKS_INIT_IS_NAMED,
  naming.MEMORY_OUTSIDE_THE_CMRS_IS_NAMED,
  naming.A_REFUSED_MEMORY_ADD_IS_EXPLAINED,
  naming.THE_REASON_IS_TRUE,
  naming.AN_OLD_MODULE_IS_CALLED_OLD,
  lp.AN_OFFLINE_LP_DOES_NOT_COST_TDX,
  lp.LP_INIT_ONCE_PER_LP,
  lp.NO_LP_INIT_AFTER_CONFIG,
  lp.AN_UNCOUNTED_LP_DOES_NOT_COST_TDX,
  retry.A_TRANSIENT_STATUS_IS_NOT_PERMANENT,
  retry.NO_ENTROPY_IS_RETRIED_TEN_TIMES_AT_MOST,
  retry.A_RETRY_REPEATS_ITS_INPUTS,
  retry.A_MISTIMED_FIRST_CALL_DOES_NOT_POISON_THE_BOOT,
  retry.ONE_FAILURE_DOES_NOT_BAR_TDX,
  retry.AN_ALLOCATION_FAILURE_IS_NOT_PERMANENT,
  retry.ABSENCE_IS_REMEMBERED,
  memory.MEMORY_OUTSIDE_THE_CMRS_DOES_NOT_COST_TDX,
  memory.RESERVED_AREAS_SUFFICE_WHERE_CMRS_FIT,
  cmr.CONVERTIBLE_MEMORY_IS_NOT_REFUSED,
  cmr.A_REFUSED_TABLE_IS_SHOWN,
  cmr.NO_EMPTY_ENTRY_IS_SHOWN,
  cmr.NO_ENTRY_IS_DROPPED,
  cmr.A_BROKEN_COPY_DOES_NOT_COST_TDX,
  tdmr.THE_MODULE_FINDS_NO_FAULT_WITH_THE_TDMRS,
  tdmr.TDMRS_ARE_WELL_FORMED,
  tdmr.RESERVED_AREAS_ARE_WELL_FORMED,
  tdmr.TDMRS_COVER_TDX_MEMORY,
  tdmr.ALLOCATOR_MEMORY_IS_TDX_MEMORY,
  tdmr.TDMRS_LIE_IN_THE_CMRS,
  pamt.NO_PAMT_IS_FREED_WHILE_THE_MODULE_IS_READY,
  pamt.NO_PAMT_IS_WRITTEN_WHILE_THE_MODULE_IS_READY,
  pamt.PAMT_IS_FLUSHED_BEFORE_IT_IS_FREED,
  pamt.PAMT_IS_RESET_BEFORE_IT_IS_FREED,
  pamt.CACHES_ARE_FLUSHED_BEFORE_THE_FIRST_KEY,
  pamt.EVERY_PAMT_IS_LARGE_ENOUGH,
  pamt.PAMTS_ARE_DISJOINT,
  keyid.THE_KEYID_RANGE_IS_SANE,
  keyid.TDX_NEEDS_TWO_KEYIDS,
  keyid.THE_GLOBAL_KEYID_IS_PRIVATE,
  ledger.INITIALISED_LPS_AGREE,
  ledger.INITIALISED_MEANS_READY,
  ledger.TDMRS_AGREE,
  ledger.EVERY_PACKAGE_IS_CONFIGURED,
  ledger.LOCKS_ARE_BALANCED,
  ledger.NOTHING_IS_LEAKED,
  ledger.A_FAILED_INIT_LEAVES_NO_TDX_MEMORY,
  ledger.NO_COUNT_OUTLIVES_ITS_ARRAY,
  flow.LEAVES_COME_IN_ORDER,
  flow.NOTHING_FOLLOWS_A_FAILURE,
  flow.KEY_CONFIG_ONCE_PER_PACKAGE,
  flow.INITIALISED_IS_STABLE,
  flow.AN_UNNAMED_STATE_IS_NOT_RETRIED_BLINDLY,
  flow.THE_MODULE_IS_INITIALISED_BEFORE_USE,
  flow.EVERY_PACKAGE_IS_LOOKED_AT_FIRST,
  flow.A_FAILURE_SHUTS_NO_LP_DOWN,
  hotplug.A_RANGE_INSIDE_TDX_MEMORY_MAY_COME_BACK,
  hotplug.A_RANGE_OUTSIDE_TDX_MEMORY_IS_REFUSED,
  hotplug.ZONE_DEVICE_IS_LEFT_ALONE,
  hotplug.HOT_PLUG_LEAVES_TDX_ALONE,
  hotplug.A_HOT_ADDED_CPU_IS_ACCEPTED,
  hotplug.MEMORY_MAY_COME_WHILE_TDX_DOES_NOT_RUN,
  hotplug.MACHINE_CHECK_ADDRESSES_ARE_MASKED,
  hotplug.A_MACHINE_CHECK_TOUCHES_THE_MODULE_ONLY_WHEN_TDX_RUNS,
  hotplug.CACHES_ARE_FLUSHED_BEFORE_KEXEC,
  hotplug.KEXEC_MINDS_THE_ERRATUM,
  hotplug.KEXEC_DOES_NOT_LEAVE_THE_MODULE_OPEN,
  module.A_REFUSED_SEAMCALL_CHANGES_NOTHING,
  module.BEFORE_READY_MOST_LEAVES_ARE_REFUSED,
  module.SYS_INFO_SAYS_32,
  module.SYS_CONFIG_WAITS_FOR_EVERY_LP,
  module.READY_MEANS_EVERY_PACKAGE,
  module.TDMR_INIT_STAYS_INSIDE_ITS_TDMR,
  module.LP_INIT_HAS_ITS_WINDOW,
  module.INIT_COMES_ONCE,
  td.A_TD_HAS_ITS_KEY_ON_EVERY_PACKAGE,
  td.A_TD_NEEDS_EVERY_PACKAGE,
  td.A_REFUSED_TD_NAMES_THE_PACKAGE,
  td.THE_LAST_CPU_OF_A_PACKAGE_STAYS,
  td.A_CPU_THAT_STAYS_IS_EXPLAINED,
  td.THE_GLOBAL_KEYID_IS_NEVER_HANDED_OUT,
  td.A_LEAKED_KEYID_IS_NEVER_REUSED,
  td.A_LEAK_IS_TOLD,
  td.A_TRANSIENT_STATUS_COSTS_NO_TD,
  td.NO_VCPU_STAYS_ON_A_CPU_THAT_GOES,
  td.A_TRANSIENT_STATUS_COSTS_NO_KEYID,
  td.A_TD_GIVES_EVERYTHING_BACK,
  td.NO_CONTROL_PAGE_IS_FREED_TOO_EARLY,
  threads.NO_DEADLOCK,
  threads.LOCKS_ARE_TAKEN_IN_ONE_ORDER,
  threads.NO_PACKAGE_GOES_DARK_DURING_INIT,
  module.AN_RBP_CLOBBER_IS_NOTICED,
  boot.PUBLISHED_CMRS_ARE_LEGAL,
  boot.HIBERNATION_EXCLUDES_TDX,
  boot.S3_IS_NOT_LOST_FOR_NOTHING,
  boot.TDX_OFFERED_MEANS_SEAM_ENABLED,
  suspend.TDX_ENDS_WITH_ITS_MODULE,
  suspend.A_REFUSED_SLEEP_IS_EXPLAINED,
  suspend.A_REFUSED_SLEEP_TAKES_NO_CPU_DOWN,
  suspend.EVERY_CPU_COMES_BACK,
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
 * The rules to ask about one event of a kind that had these facts: what is needed to ask them, laid out alike for all, as
 * this is read ten times a case.
 */
export interface Questions {
  readonly kind: EventKind;
  readonly facts: number;
  readonly always: readonly Pick<Always, 'id' | 'check'>[];
  readonly sometimes: readonly Pick<Sometimes, 'id' | 'reached'>[];
}

/** By kind of event, then by facts. A campaign meets a few hundred sets of facts, and each asks for few rules. */
const QUESTIONS: ReadonlyMap<EventKind, Map<number, Questions>> = new Map(EVENT_KINDS.map((kind) => [kind, new Map()]));

/** Those looked up last: CPUs are brought up one after another, and most of them alike. */
let last: Questions | undefined;

/** The rules that look after an event of this kind that had these facts (see factsOf()), in the order of the catalogue. */
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
