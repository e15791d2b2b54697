import type { Profile } from '../case.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { ExitCode, StopSignal } from '../user-error.ts';

/**
 * The event stream of a campaign, one JSON object per line: header, events, footer. The single source of every report.
 * Values that depend on the clock or the machine are in `timing` members only, the last member of a record: without
 * them, two runs with the same seed and number of cases produce identical bytes.
 */
export type CampaignRecord = Header | Progress | Found | Minimal | KnownSeen | Coverage | Footer;

export interface Header {
  readonly record: 'header';
  readonly format: 'seamstress-campaign';
  readonly formatVersion: 1;
  readonly version: string;
  readonly seed: string;
  readonly profile: Profile;
  readonly mood: string;
  /** Number of cases of all shards together, or seconds. */
  readonly budget: { readonly runs: number } | { readonly time: number };
  /** `1/1`. */
  readonly shard: string;
  readonly bail: boolean;
  /** Ids of the invariants judged. */
  readonly invariants: readonly string[];
  /** Implementations judged in place of a model, as given to `conform`. */
  readonly implementations?: readonly string[];
  /** Number of files read from the corpus: known deviations of this kernel, and cases judged first. */
  readonly corpus: { readonly known: number; readonly cases: number };
  readonly timing?: { readonly startedAt: string; readonly workers: number };
}

/** Emitted after 1, 2, 4, 8 ... ranges of cases. */
export interface Progress extends Totals {
  readonly record: 'progress';
  readonly edges: number;
  readonly findings: number;
  readonly timing?: Timing;
}

/** The first case of a bucket that is not known, before shrinking. */
export interface Found {
  readonly record: 'finding';
  readonly bucket: string;
  readonly invariant: string;
  readonly message: string;
  /** 0-based index of the event after which the rule was broken. */
  readonly event: number;
  /** `SEED:INDEX` or the path of a corpus case; prefixed with `shrinking ` if found while shrinking another finding. */
  readonly origin: string;
  readonly case: JSONCase;
  readonly rule: RuleText;
}

/** A finding after shrinking; emitted after the last case, `expected` buckets first, then by severity. */
export interface Minimal {
  readonly record: 'minimal';
  readonly bucket: string;
  readonly invariant: string;
  readonly message: string;
  readonly event: number;
  readonly events: number;
  /** Verified: every single removal loses the bucket. */
  readonly minimal: boolean;
  readonly evaluations: number;
  /** Number of cases that failed in this bucket. */
  readonly hits: number;
  readonly origin: string;
  readonly case: JSONCase;
  /** Buckets of other findings that the same case shows; they probably have the same cause. */
  readonly also?: readonly string[];
  /** Path of the case's file. */
  readonly file: string;
  readonly replay: string;
  /** The machine, as text. */
  readonly machine: readonly string[];
  /** The run, as text. */
  readonly trace: readonly string[];
  /** Index in `trace` of the line that broke the rule; `null` if there is none. */
  readonly broken: number | null;
  readonly rule: RuleText;
}

/** A known deviation of the kernel, by path. */
export interface KnownSeen {
  readonly record: 'known';
  readonly bucket: string;
  readonly invariant: string;
  readonly reason: string;
  readonly source: string;
  readonly file: string;
  readonly replay: string;
  readonly events: number;
  /** Its own case still fails in this bucket. */
  readonly reproduced: boolean;
  /** Verified for its own case: every single removal loses the bucket. */
  readonly minimal: boolean;
  /** The first case of the campaign that shows it. */
  readonly origin: string | null;
  readonly hits: number;
  /** Cases in which the model fails in this bucket and the implementation does not. */
  readonly better?: { readonly cases: number; readonly origin: string };
  readonly rule: RuleText;
}

/** Coverage, for merging shards. */
export interface Coverage {
  readonly record: 'coverage';
  readonly edges: readonly number[];
  readonly sometimes: readonly string[];
}

export interface Footer extends Totals {
  readonly record: 'footer';
  readonly edges: number;
  readonly findings: number;
  /** Number of known deviations that were reproduced. */
  readonly known: number;
  /** Buckets of known deviations that neither their own case nor the campaign reproduces. */
  readonly stale: readonly string[];
  /** Differences from the model that fix something. */
  readonly explained?: readonly ExplainedDifference[];
  readonly sometimes: SometimesOutcome;
  readonly interrupted: StopSignal | null;
  /** Our bug, with the case that shows it. */
  readonly crash: { readonly origin: string; readonly stack: string } | null;
  readonly exitCode: ExitCode;
  readonly timing?: Timing;
}

/** A difference from the model that comes with satisfying an invariant the model violates, and is not a finding. */
export interface ExplainedDifference {
  readonly bucket: string;
  /** Buckets in which only the model failed, in cases with this difference. */
  readonly kept: readonly string[];
  /** Number of those cases. */
  readonly cases: number;
  /** Cases with this difference in which the model failed in no additional bucket. */
  readonly hits: number;
}

export interface Totals {
  readonly cases: number;
  readonly events: number;
  readonly seamcalls: number;
  /** Cases that reached READY or a named failure. */
  readonly complete: number;
}

export interface SometimesOutcome {
  readonly reached: readonly string[];
  readonly unreached: readonly string[];
  /** The unreached ones whose budget of cases is used up. */
  readonly overdue: readonly string[];
}

export interface Timing {
  readonly seconds: number;
  readonly casesPerSecond: number;
}

/** A case as JSON: u64 as text. */
export type JSONCase = Readonly<Record<string, unknown>>;
