/** One broken invariant. */
export interface Violation {
  /** Id of the invariant, e.g. `pamt/never-freed-while-ready`. */
  readonly invariant: string;
  /** Identifies the finding: invariant, leaf, status class and abstract state before, as stable text. */
  readonly bucket: string;
  /** 0-based index of the event after which the rule was broken; `events.length`: not before the end of the case. */
  readonly event: number;
  readonly message: string;
}

/** Result of judging one case. Plain data: it crosses threads. */
export interface Verdict {
  /** In the order of detection; a bucket may occur more than once. */
  readonly violations: readonly Violation[];
  /** (abstract state, event or leaf, outcome class) edges passed, as 16-bit integers that mean the same in every process. */
  readonly edges: readonly number[];
  /** Ids of the `sometimes` invariants reached. */
  readonly sometimes: readonly string[];
  /** Number of SEAMCALLs; each call of a counted run is one. */
  readonly seamcalls: number;
  /** The case reached READY or a named failure. */
  readonly complete: boolean;
  /** Cost of judging, in ordinary cases; missing: 1. Higher if the implementation hung and the harness waited for it. */
  readonly cost?: number;
  /** The implementation satisfies more invariants than the model in this case; then a difference is not a violation. */
  readonly better?: Better;
}

/** The implementation satisfies invariants the model violates, and violates none the model satisfies. */
export interface Better {
  /** Buckets in which only the model fails; at least one. */
  readonly kept: readonly string[];
  /** The bucket in which the difference would be a violation. */
  readonly difference: string;
  /** Do not report this difference in cases where it fixes nothing either. */
  readonly excuses: boolean;
}

/** A `sometimes`: a campaign that judged `budget` cases without reaching it is inconclusive. */
export interface Sometimes {
  readonly id: string;
  /** Cases. */
  readonly budget: number;
}
