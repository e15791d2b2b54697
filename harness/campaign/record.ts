import type { Profile } from '../case.ts';
import type { RuleText } from '../oracle/rule.ts';
import type { ExitCode, StopSignal } from '../user-error.ts';

/**
 * The event stream of a campaign, one JSON object a line: header, then what happened, then a footer. The single source
 * of every report. Whatever depends on the clock or on the machine stands in a `timing` member, the last of its record,
 * and nowhere else: without them, two runs of one seed and number of cases are the same bytes.
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
  /** Cases of all shards together, or seconds. */
  readonly budget: { readonly runs: number } | { readonly time: number };
  /** `1/1`. */
  readonly shard: string;
  readonly bail: boolean;
  /** Ids of the invariants judged. */
  readonly invariants: readonly string[];
  /** What is judged in place of a model, as `conform` was told. */
  readonly implementations?: readonly string[];
  /** Files read from the corpus: known deviations of this kernel, and cases to start with. */
  readonly corpus: { readonly known: number; readonly cases: number };
  readonly timing?: { readonly startedAt: string; readonly workers: number };
}

/** After 1, 2, 4, 8 ... ranges of cases. */
export interface Progress extends Totals {
  readonly record: 'progress';
  readonly edges: number;
  readonly findings: number;
  readonly timing?: Timing;
}

/** The first case of a bucket that is not known, as it was met. */
export interface Found {
  readonly record: 'finding';
  readonly bucket: string;
  readonly invariant: string;
  readonly message: string;
  /** 0-based index of the event after which it showed. */
  readonly event: number;
  /** `SEED:INDEX`, the path of a corpus case, or either of these behind `shrinking `: met while shrinking another finding. */
  readonly origin: string;
  readonly case: JSONCase;
  readonly rule: RuleText;
}

/** What shrinking made of a finding; in the order of the findings, after the last case. */
export interface Minimal {
  readonly record: 'minimal';
  readonly bucket: string;
  readonly invariant: string;
  readonly message: string;
  readonly event: number;
  readonly events: number;
  /** Verified that nothing single can be removed. */
  readonly minimal: boolean;
  readonly evaluations: number;
  /** Cases that failed in this bucket, of all that ran. */
  readonly hits: number;
  readonly origin: string;
  readonly case: JSONCase;
  /** Other findings of this campaign that the same case shows: likely of the same cause. */
  readonly also?: readonly string[];
  /** Where the case lies. */
  readonly file: string;
  readonly replay: string;
  /** The machine, as text. */
  readonly machine: readonly string[];
  /** The run, as text. */
  readonly trace: readonly string[];
  /** Index in `trace` of the line that broke the rule; `null` where none did. */
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
  /** Verified, of its own case. */
  readonly minimal: boolean;
  /** Where the campaign came upon it by itself. */
  readonly origin: string | null;
  readonly hits: number;
  /** Cases that the model fails in this bucket and what is judged in its place does not. */
  readonly better?: { readonly cases: number; readonly origin: string };
  readonly rule: RuleText;
}

/** For merging shards. */
export interface Coverage {
  readonly record: 'coverage';
  readonly edges: readonly number[];
  readonly sometimes: readonly string[];
}

export interface Footer extends Totals {
  readonly record: 'footer';
  readonly edges: number;
  readonly findings: number;
  /** Reproduced. */
  readonly known: number;
  /** Buckets of known deviations that neither their own case nor the campaign reproduces. */
  readonly stale: readonly string[];
  /** What was done otherwise than by the model, and better. */
  readonly explained?: readonly ExplainedDifference[];
  readonly sometimes: SometimesOutcome;
  readonly interrupted: StopSignal | null;
  /** Our bug, with the case that shows it. */
  readonly crash: { readonly origin: string; readonly stack: string } | null;
  readonly exitCode: ExitCode;
  readonly timing?: Timing;
}

/** A difference from the model that is no finding: it comes with keeping what the model breaks. */
export interface ExplainedDifference {
  readonly bucket: string;
  /** Buckets of the model that were kept with it. */
  readonly kept: readonly string[];
  /** Cases in which something was kept. */
  readonly cases: number;
  /** Cases with that difference in which it kept nothing. */
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
  /** Those of the unreached whose budget of cases is used up. */
  readonly overdue: readonly string[];
}

export interface Timing {
  readonly seconds: number;
  readonly casesPerSecond: number;
}

/** A case as JSON: u64 as text. */
export type JSONCase = Readonly<Record<string, unknown>>;
