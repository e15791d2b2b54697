/** One broken invariant. */
export interface Violation {
  /** Id of the invariant, e.g. `pamt/never-freed-while-ready`. */
  readonly invariant: string;
  /** What makes two failures the same finding: invariant, leaf, status class and abstract state before, as stable text. */
  readonly bucket: string;
  /** 0-based index of the event after which it showed; `events.length`: only when the case was over. */
  readonly event: number;
  readonly message: string;
}

/** What judging one case came to. Plain data: it crosses threads. */
export interface Verdict {
  /** In the order in which they showed; a bucket may occur more than once. */
  readonly violations: readonly Violation[];
  /** (abstract state, event or leaf, outcome class) edges passed, as 16-bit integers that mean the same in every process. */
  readonly edges: readonly number[];
  /** Ids of the `sometimes` invariants reached. */
  readonly sometimes: readonly string[];
  /** Every call of a counted run is one. */
  readonly seamcalls: number;
  /** The case reached READY or a named failure. */
  readonly complete: boolean;
  /** What judging took, in ordinary cases; missing: 1. More where somebody hung and was waited for. */
  readonly cost?: number;
  /** Of a kernel that is judged beside a model: it does better on this case. What it does otherwise is no violation then. */
  readonly better?: Better;
}

/** Somebody keeps what the model breaks, and breaks nothing that the model keeps. */
export interface Better {
  /** Buckets that only the model fails in; at least one. */
  readonly kept: readonly string[];
  /** The bucket that what they do otherwise would be a violation in. */
  readonly difference: string;
  /** The same difference is no violation where nothing is kept by it. */
  readonly excuses: boolean;
}

/** A `sometimes`: a campaign that ran `budget` cases without reaching it proves nothing. */
export interface Sometimes {
  readonly id: string;
  /** Cases. */
  readonly budget: number;
}
