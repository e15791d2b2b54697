import type { LeafName } from '../../../../model/abi/leaf-number.ts';
import { LEAF_NUMBER, leafName } from '../../../../model/abi/leaf-number.ts';
import type { StatusName } from '../../../../model/abi/status.ts';
import { STATUS, statusDetails, statusName } from '../../../../model/abi/status.ts';
import type { U64 } from '../../../../model/abi/u64.ts';
import { formatU64 } from '../../../../model/abi/u64.ts';
import { LEAVES } from '../../../../model/module/leaves/index.ts';
import type { ModuleCase } from '../../../transcript/module-case.ts';

/** One thing a call came to: a leaf's answer, or the end of the module. */
export interface Reached {
  readonly leaf: LeafName | 'RAX';
  readonly status: StatusName | 'fatal';
  readonly details: number;
}

const MODELLED = new Set<string>(LEAVES.map(({ name }) => name));

/** Everything the calls of a case came to, each once. `RAX` stands for leaf numbers that the model has no leaf for. */
export function reachedBy({ steps }: ModuleCase): Reached[] {
  const found = new Map<string, Reached>();
  const add = (one: Reached): void => {
    found.set(keyOf(one), one);
  };
  for (const { regs, runs, fatal } of steps) {
    const leaf = leafOf(regs.rax);
    if (fatal) add({ leaf, status: 'fatal', details: 0 });
    for (const { result } of runs) {
      const status = statusName(result.rax);
      if (status === undefined) throw new Error(`${formatU64(result.rax)} is no status`);
      add({ leaf, status, details: statusDetails(result.rax) });
    }
  }
  return [...found.values()];
}

/** `TDH.SYS.CONFIG TDX_OPERAND_INVALID 0x1`. */
export function keyOf({ leaf, status, details }: Reached): string {
  return details === 0 ? `${leaf} ${status}` : `${leaf} ${status} ${formatU64(details)}`;
}

/** The leaf a RAX means, version and reserved bits apart. */
export function leafOf(rax: U64): LeafName | 'RAX' {
  const number = typeof rax === 'number' ? rax % 0x10000 : Number(rax & 0xffffn);
  const name = leafName(number);
  return name !== undefined && MODELLED.has(name) ? name : 'RAX';
}

/** Statuses that the specification gives a leaf of the model and that no call can get, with the reason. */
export const UNREACHABLE: readonly {
  readonly leaves: readonly LeafName[];
  readonly status: StatusName;
  readonly why: string;
}[] = [
  {
    leaves: ['TDH.MNG.ADDCX', 'TDH.MNG.KEY.CONFIG'],
    status: 'TDX_TD_FATAL',
    why: 'no TD of these leaves ever runs, so none becomes fatal',
  },
  {
    leaves: ['TDH.MNG.VPFLUSHDONE'],
    status: 'TDX_FLUSHVP_NOT_DONE',
    why: 'needs a vCPU, and no leaf of the model makes one',
  },
  {
    leaves: ['TDH.MNG.ADDCX'],
    status: 'TDX_OP_STATE_INCORRECT',
    why: 'needs a TD past TDH.MNG.INIT, which the model does not have',
  },
  { leaves: ['TDH.SYS.RDALL'], status: 'TDX_METADATA_LIST_OVERFLOW', why: 'the whole list fits into one page' },
  {
    leaves: ['TDH.SYS.INIT'],
    status: 'TDX_SEAMREPORT_NOT_AVAILABLE',
    why: 'reported as TDX_INCOMPATIBLE_SEAM_CAPABILITIES',
  },
  {
    leaves: ['TDH.SYS.INIT'],
    status: 'TDX_SEAMDB_GETREF_NOT_AVAILABLE',
    why: 'reported as TDX_INCOMPATIBLE_SEAM_CAPABILITIES',
  },
  {
    leaves: ['TDH.PHYMEM.PAGE.WBINVD'],
    status: 'TDX_OP_STATE_INCORRECT',
    why: 'the page belongs to no TD, so none is looked at',
  },
];

const READY_ONLY = LEAVES.filter(({ beforeReady }) => !beforeReady).map(({ name }) => name);
const ALL = LEAVES.map(({ name }) => name);

/** Statuses of the dispatcher, and by leaf those of its own checks: what the suite must reach, no more and no less. */
export function declaredStatuses(): ReadonlyMap<LeafName | 'RAX', ReadonlySet<StatusName | 'fatal'>> {
  const declared = new Map<LeafName | 'RAX', Set<StatusName | 'fatal'>>();
  for (const leaf of ALL) {
    const statuses = new Set<StatusName | 'fatal'>([
      'TDX_SUCCESS',
      'TDX_OPERAND_INVALID',
      ...OWN[leaf as ModelledLeaf],
    ]);
    if (READY_ONLY.includes(leaf)) statuses.add('TDX_SYS_NOT_READY');
    if (leaf !== 'TDH.SYS.LP.SHUTDOWN') statuses.add('TDX_SYS_SHUTDOWN');
    declared.set(leaf, statuses);
  }
  declared.set('RAX', new Set(['TDX_OPERAND_INVALID', 'TDX_SYS_NOT_READY', 'TDX_SYS_SHUTDOWN']));
  return declared;
}

type ModelledLeaf = keyof typeof OWN;

const PAGE_STATUSES = ['TDX_OPERAND_ADDR_RANGE_ERROR', 'TDX_OPERAND_BUSY'] as const satisfies readonly StatusName[];
const TDR_STATUSES = [
  ...PAGE_STATUSES,
  'TDX_PAGE_METADATA_INCORRECT',
  'TDX_LIFECYCLE_STATE_INCORRECT',
] as const satisfies readonly StatusName[];

/** Beside success, an invalid operand and the dispatcher's own. Source: the leaf's page in the TDX Module ABI specification. */
const OWN = {
  'TDH.SYS.INIT': [
    'fatal',
    'TDX_SYS_BUSY',
    'TDX_SYS_INIT_NOT_PENDING',
    'TDX_INCORRECT_MSR_VALUE',
    'TDX_LIMIT_CPUID_MAXVAL_SET',
    'TDX_CPUID_LEAF_NOT_SUPPORTED',
    'TDX_INCORRECT_CPUID_VALUE',
    'TDX_CPUID_LEAF_1F_FORMAT_UNRECOGNIZED',
    'TDX_INVALID_WBINVD_SCOPE',
    'TDX_NUM_ACTIVATED_HKIDS_NOT_SUPPORTED',
    'TDX_CMR_LIST_INVALID',
    'TDX_SMRR_NOT_SUPPORTED',
    'TDX_SMRR_LOCK_NOT_SUPPORTED',
    'TDX_SMRR_NOT_LOCKED',
    'TDX_INVALID_SMRR_CONFIGURATION',
    'TDX_SMRR_OVERLAPS_CMR',
    'TDX_INCOMPATIBLE_SEAM_CAPABILITIES',
    'TDX_SYS_INCOMPATIBLE_SIGSTRUCT',
    'TDX_RND_NO_ENTROPY',
  ],
  'TDH.SYS.LP.INIT': [
    'TDX_SYS_BUSY',
    'TDX_SYS_LP_INIT_NOT_PENDING',
    'TDX_SYS_LP_INIT_DONE',
    'TDX_RND_NO_ENTROPY',
    'TDX_INCOMPATIBLE_SEAM_CAPABILITIES',
    'TDX_INCONSISTENT_MSR',
    'TDX_LIMIT_CPUID_MAXVAL_SET',
    'TDX_INCONSISTENT_CPUID_FIELD',
    'TDX_INVALID_PKG_ID',
  ],
  'TDH.SYS.INFO': ['TDX_SYS_LP_INIT_NOT_DONE'],
  'TDH.SYS.RD': [
    'fatal',
    'TDX_SYS_LP_INIT_NOT_DONE',
    'TDX_METADATA_FIRST_FIELD_ID_IN_CONTEXT',
    'TDX_METADATA_FIELD_ID_INCORRECT',
  ],
  'TDH.SYS.RDALL': ['fatal', 'TDX_SYS_LP_INIT_NOT_DONE', 'TDX_METADATA_FIELD_ID_INCORRECT'],
  'TDH.SYS.CONFIG': [
    'TDX_SYS_BUSY',
    'TDX_SYS_CONFIG_NOT_PENDING',
    'TDX_INVALID_TDMR',
    'TDX_NON_ORDERED_TDMR',
    'TDX_TDMR_OUTSIDE_CMRS',
    'TDX_INVALID_PAMT',
    'TDX_PAMT_OUTSIDE_CMRS',
    'TDX_PAMT_OVERLAP',
    'TDX_INVALID_RESERVED_IN_TDMR',
    'TDX_NON_ORDERED_RESERVED_IN_TDMR',
  ],
  'TDH.SYS.KEY.CONFIG': [
    'fatal',
    'TDX_SYS_BUSY',
    'TDX_SYS_KEY_CONFIG_NOT_PENDING',
    'TDX_KEY_CONFIGURED',
    'TDX_OPERAND_BUSY',
    'TDX_KEY_GENERATION_FAILED',
  ],
  'TDH.SYS.TDMR.INIT': ['TDX_OPERAND_BUSY', 'TDX_TDMR_ALREADY_INITIALIZED'],
  'TDH.SYS.LP.SHUTDOWN': [],
  'TDH.SYS.SHUTDOWN': ['TDX_SYS_BUSY'],
  'TDH.SYS.UPDATE': ['TDX_SYS_BUSY', 'TDX_SYS_STATE_INCORRECT', 'TDX_SYS_INVALID_HANDOFF'],
  'TDH.PHYMEM.PAGE.RDMD': PAGE_STATUSES,
  'TDH.PHYMEM.PAGE.RECLAIM': [...TDR_STATUSES, 'TDX_TD_ASSOCIATED_PAGES_EXIST'],
  'TDH.PHYMEM.PAGE.WBINVD': [...PAGE_STATUSES, 'TDX_PAGE_METADATA_INCORRECT'],
  'TDH.PHYMEM.CACHE.WB': [
    'TDX_OPERAND_BUSY',
    'TDX_NO_HKID_READY_TO_WBCACHE',
    'TDX_WBCACHE_RESUME_ERROR',
    'TDX_INTERRUPTED_RESUMABLE',
  ],
  'TDH.MNG.CREATE': [...PAGE_STATUSES, 'TDX_PAGE_METADATA_INCORRECT', 'TDX_HKID_NOT_FREE', 'TDX_RND_NO_ENTROPY'],
  'TDH.MNG.KEY.CONFIG': ['fatal', ...TDR_STATUSES, 'TDX_KEY_CONFIGURED', 'TDX_KEY_GENERATION_FAILED'],
  'TDH.MNG.ADDCX': [
    ...PAGE_STATUSES,
    'TDX_PAGE_METADATA_INCORRECT',
    'TDX_TD_KEYS_NOT_CONFIGURED',
    'TDX_TDCX_NUM_INCORRECT',
    'TDX_RND_NO_ENTROPY',
  ],
  'TDH.MNG.VPFLUSHDONE': TDR_STATUSES,
  'TDH.MNG.KEY.FREEID': [...TDR_STATUSES, 'TDX_WBCACHE_NOT_COMPLETE'],
  'TDH.MNG.KEY.RECLAIMID': [],
} as const satisfies Partial<Record<LeafName, readonly (StatusName | 'fatal')[]>>;

/** Order of the columns and rows of the matrix: by number and by code. */
export const LEAF_COLUMNS: readonly (LeafName | 'RAX')[] = [
  'RAX',
  ...[...ALL].sort((a, b) => LEAF_NUMBER[a] - LEAF_NUMBER[b]),
];
export const STATUS_ROWS: readonly (StatusName | 'fatal')[] = [...(Object.keys(STATUS) as StatusName[]), 'fatal'];
