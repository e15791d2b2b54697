/**
 * What surrounds one SEAMCALL and is not the module's doing: contention with other LPs, entropy, PCONFIG, interrupts.
 * Lasts for that call only.
 */
export interface Conditions {
  readonly pconfig: 'ok' | 'busy' | 'no-entropy' | 'other-error';
  /** `none`: RDRAND and RDSEED fail. `flaky`: the first two RDSEEDs fail. */
  readonly entropy: 'ok' | 'none' | 'flaky';
  readonly globalLock: HeldBy;
  /** Another call holds all TDMR locks. */
  readonly tdmrLocks: HeldBy;
  /** Lock of the KeyID ownership table. */
  readonly kotLock: HeldBy;
  /** The calling LP's package write-back lock. */
  readonly writeBackLock: HeldBy;
  /** Lock of one 4 KiB PAMT entry: that of the page at `pamtAddress`. */
  readonly pamtLock: HeldBy;
  readonly pamtAddress: number;
  readonly otherLPInside: boolean;
  readonly interruptPending: boolean;
}

/** How another LP holds a lock. An exclusive attempt fails against any holder, a shared one only against `exclusive`. */
export type HeldBy = 'free' | 'shared' | 'exclusive';

/** The quiet machine. */
export const NO_CONDITIONS: Conditions = {
  pconfig: 'ok',
  entropy: 'ok',
  globalLock: 'free',
  tdmrLocks: 'free',
  kotLock: 'free',
  writeBackLock: 'free',
  pamtLock: 'free',
  pamtAddress: 0,
  otherLPInside: false,
  interruptPending: false,
};

const ONE = {
  'pconfig-busy': { pconfig: 'busy' },
  'pconfig-entropy': { pconfig: 'no-entropy' },
  'pconfig-other': { pconfig: 'other-error' },
  'no-entropy': { entropy: 'none' },
  'entropy-flaky': { entropy: 'flaky' },
  'global-lock-busy': { globalLock: 'exclusive' },
  'global-lock-shared': { globalLock: 'shared' },
  'tdmr-lock-busy': { tdmrLocks: 'exclusive' },
  'kot-lock-busy': { kotLock: 'exclusive' },
  'kot-lock-shared': { kotLock: 'shared' },
  'wbt-lock-busy': { writeBackLock: 'exclusive' },
  'pamt-lock-busy': { pamtLock: 'exclusive' },
  'pamt-lock-shared': { pamtLock: 'shared' },
  'other-lp-busy': { otherLPInside: true },
  'interrupt-pending': { interruptPending: true },
} as const satisfies { readonly [name: string]: Partial<Conditions> };

/**
 * A condition around one SEAMCALL that the module itself cannot cause: contention, entropy, PCONFIG, interrupts.
 * The names are those of the recordings' `inject`.
 */
export type Condition = keyof typeof ONE;

const BY_NAME: { readonly [name: string]: Partial<Conditions> | undefined } = ONE;

/** Every condition there is. */
export const CONDITION_NAMES = Object.keys(ONE) as readonly Condition[];

/**
 * `conditions` with one more, by the name the recordings and cases use; `pamtAddress` (bytes) says whose PAMT entry
 * `pamt-lock-*` means. `undefined` for an unknown name.
 */
export function withCondition(conditions: Conditions, name: string, pamtAddress: number): Conditions | undefined {
  const one = BY_NAME[name];
  if (one === undefined) return undefined;
  return one.pamtLock === undefined ? { ...conditions, ...one } : { ...conditions, ...one, pamtAddress };
}
