import type {
  CampaignRecord,
  Footer,
  Header,
  KnownSeen,
  Minimal,
  SometimesOutcome,
  Totals,
} from '../campaign/record.ts';
import type { RuleText } from '../oracle/rule.ts';
import { publishedSchema } from '../schema.ts';

/** What `fuzz --json` prints. */
export interface Summary extends Totals {
  readonly version: string;
  readonly seed: string;
  readonly kernel: string;
  readonly module: string;
  readonly mood: string;
  readonly shard: string;
  /** `null` with --no-timings. */
  readonly seconds: number | null;
  readonly casesPerSecond: number | null;
  readonly edges: number;
  readonly findings: readonly SummaryFinding[];
  readonly known: readonly SummaryFinding[];
  readonly stale: readonly string[];
  /** Of the stale ones, those in which the model of the kernel fails and the implementation does not. */
  readonly fixed: readonly FixedDeviation[];
  readonly sometimes: SometimesOutcome;
  readonly interrupted: Footer['interrupted'];
  readonly crash: Footer['crash'];
  readonly exitCode: number;
}

export interface FixedDeviation {
  readonly bucket: string;
  /** Cases in which only the model fails in this bucket. */
  readonly cases: number;
  /** Origin of the first one. */
  readonly origin: string;
}

export interface SummaryFinding {
  readonly bucket: string;
  readonly invariant: string;
  /** For a known deviation: its reason. */
  readonly message: string;
  readonly events: number;
  readonly minimal: boolean;
  readonly hits: number;
  readonly origin: string | null;
  /** Path of the case's file. */
  readonly case: string;
  readonly replay: string;
  readonly rule: RuleText;
}

export const SUMMARY_SCHEMA = publishedSchema<Summary>('./report/summary.schema.json');

/** The campaign's records by kind, for the reports. */
export interface Sorted {
  readonly header: Header;
  readonly minimal: readonly Minimal[];
  readonly known: readonly KnownSeen[];
  readonly footer: Footer;
}

/** Throws if header or footer is missing: reports need a complete stream. */
export function sortRecords(records: readonly CampaignRecord[]): Sorted {
  const header = records.find((record) => record.record === 'header');
  const footer = records.find((record) => record.record === 'footer');
  if (header === undefined || footer === undefined) throw new Error('an event stream without header or footer');
  return {
    header,
    footer,
    minimal: records.filter((record) => record.record === 'minimal'),
    known: records.filter((record) => record.record === 'known'),
  };
}

export function summarise(records: readonly CampaignRecord[]): Summary {
  const { header, footer, minimal, known } = sortRecords(records);
  const { cases, events, seamcalls, complete, edges, stale, sometimes, interrupted, crash, exitCode, timing } = footer;
  return {
    version: header.version,
    seed: header.seed,
    ...header.profile,
    mood: header.mood,
    shard: header.shard,
    ...{ cases, events, seamcalls, complete },
    seconds: timing?.seconds ?? null,
    casesPerSecond: timing?.casesPerSecond ?? null,
    edges,
    findings: minimal.map(
      ({ bucket, invariant, message, events: count, minimal: is, hits, origin, file, replay, rule }) => {
        return { bucket, invariant, message, events: count, minimal: is, hits, origin, case: file, replay, rule };
      },
    ),
    known: known
      .filter(isSeen)
      .map(({ bucket, invariant, reason, events: count, minimal: is, hits, origin, file, replay, rule }) => {
        return {
          bucket,
          invariant,
          message: reason,
          events: count,
          minimal: is,
          hits,
          origin,
          case: file,
          replay,
          rule,
        };
      }),
    ...{ stale, fixed: fixedOf(known), sometimes, interrupted, crash, exitCode },
  };
}

/** A finding, and later findings that its case also shows; they probably have the same cause. */
export interface Shown {
  readonly finding: Minimal;
  readonly others: readonly Minimal[];
}

/** Groups findings, in their order: each is listed once, under the first finding whose case shows it. */
export function groupByCase(minimal: readonly Minimal[]): readonly Shown[] {
  const groups: { finding: Minimal; others: Minimal[] }[] = [];
  for (const finding of minimal) {
    const group = groups.find((one) => one.finding.also?.includes(finding.bucket));
    if (group === undefined) groups.push({ finding, others: [] });
    else group.others.push(finding);
  }
  return groups;
}

/** Known deviations of the model that the implementation was never seen to have. */
export function fixedOf(known: readonly KnownSeen[]): readonly FixedDeviation[] {
  return known.flatMap((one) =>
    isSeen(one) || one.better === undefined ? [] : [{ bucket: one.bucket, ...one.better }],
  );
}

/** True if its own case reproduces it or the campaign found it. */
export function isSeen({ reproduced, origin }: KnownSeen): boolean {
  return reproduced || origin !== null;
}
