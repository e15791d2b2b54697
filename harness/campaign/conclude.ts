import { severityRank } from '../../model/invariants/severity.ts';
import { EXIT, type ExitCode } from '../user-error.ts';
import type { CampaignConfig } from './campaign.ts';
import type { Finding, KnownState, Ledger } from './ledger.ts';
import type { CampaignRecord, ExplainedDifference, Footer, KnownSeen, Minimal, SometimesOutcome } from './record.ts';
import { asJSON, noteOf, replayLine } from './finding-text.ts';

/** Emits the records that are only complete at the end, the footer last, and returns the footer. */
export function concludeCampaign(
  config: CampaignConfig,
  ledger: Ledger,
  interrupted: Footer['interrupted'],
  emit: (record: CampaignRecord) => void,
): Footer {
  for (const finding of inOrder([...ledger.findings.values()], config)) emit(minimalRecord(finding, ledger, config));
  // Without a recheck, only deviations in the cases themselves count, not those found while shrinking.
  const known = [...ledger.known.values()].filter(
    ({ hits, better }) => config.recheck !== false || hits > 0 || better > 0,
  );
  for (const state of known) emit(knownRecord(state, config));
  emit({ record: 'coverage', edges: [...ledger.edges].sort((a, b) => a - b), sometimes: [...ledger.sometimes].sort() });
  const sometimes = sometimesOutcome(config, ledger);
  const footer: Footer = {
    record: 'footer',
    ...ledger.totals,
    edges: ledger.edges.size,
    findings: ledger.findings.size,
    known: known.filter(isSeen).length,
    // None after an interrupt: the campaign may have ended before it judged their cases.
    stale: interrupted === null ? known.filter((state) => !isSeen(state)).map(({ deviation }) => deviation.bucket) : [],
    ...(ledger.explained.size === 0 ? {} : { explained: explainedOf(ledger) }),
    sometimes,
    interrupted,
    crash: ledger.crash,
    exitCode: exitCodeOf(ledger, interrupted, sometimes),
  };
  emit(footer);
  return footer;
}

/** Findings in `expected` buckets first, then by severity; equal ones in the order of detection. */
function inOrder(findings: readonly Finding[], { expected, ruleOf }: CampaignConfig): readonly Finding[] {
  const rank = ({ first: { violation } }: Finding): number =>
    (expected?.has(violation.bucket) ? -100 : 0) + severityRank(ruleOf(violation.bucket).severity);
  return [...findings].sort((a, b) => rank(a) - rank(b));
}

function exitCodeOf(ledger: Ledger, interrupted: Footer['interrupted'], sometimes: SometimesOutcome): ExitCode {
  if (ledger.crash !== null) return EXIT.INTERNAL;
  if (interrupted !== null) return EXIT[interrupted];
  if (ledger.findings.size > 0) return EXIT.FINDING;
  if (ledger.totals.cases === 0 || sometimes.overdue.length > 0) return EXIT.INCONCLUSIVE;
  return EXIT.OK;
}

function explainedOf({ explained }: Ledger): readonly ExplainedDifference[] {
  return [...explained].map(([bucket, { kept, cases, hits }]) => ({ bucket, kept: [...kept].sort(), cases, hits }));
}

function sometimesOutcome({ sometimes }: CampaignConfig, { sometimes: seen, totals }: Ledger): SometimesOutcome {
  const unreached = sometimes.filter(({ id }) => !seen.has(id));
  return {
    reached: sometimes.filter(({ id }) => seen.has(id)).map(({ id }) => id),
    unreached: unreached.map(({ id }) => id),
    overdue: unreached.filter(({ budget }) => totals.cases >= budget).map(({ id }) => id),
  };
}

function isSeen({ reproduced, origin }: KnownState): boolean {
  return reproduced || origin !== null;
}

function minimalRecord(
  finding: Finding,
  { findings }: Ledger,
  { again = replayLine, ruleOf }: CampaignConfig,
): Minimal {
  const { case: input, finding: note } = noteOf(finding);
  const { bucket, invariant, message, event } = finding.shrunk?.violation ?? finding.first.violation;
  const shown = finding.shrunk ?? finding.shown;
  return {
    record: 'minimal',
    ...{ bucket, invariant, message, event },
    events: input.events.length,
    minimal: note?.minimal ?? false,
    evaluations: finding.shrunk?.evaluations ?? 0,
    hits: finding.hits,
    origin: finding.first.origin,
    case: asJSON(input),
    also: (finding.shrunk?.also ?? []).filter((one) => findings.has(one)),
    file: finding.file,
    replay: again(finding.file),
    machine: shown?.machine ?? [],
    trace: shown?.trace ?? [],
    broken: shown?.broken ?? null,
    rule: ruleOf(bucket),
  };
}

function knownRecord(
  { deviation, reproduced, minimal, origin, hits, better, betterOrigin }: KnownState,
  { again = replayLine, ruleOf }: CampaignConfig,
): KnownSeen {
  const { bucket, invariant, reason, source, path } = deviation;
  return {
    record: 'known',
    ...{ bucket, invariant, reason, source },
    file: path,
    replay: again(path),
    events: deviation.case.events.length,
    ...{ reproduced, minimal, origin, hits },
    ...(betterOrigin === null ? {} : { better: { cases: better, origin: betterOrigin } }),
    rule: ruleOf(bucket),
  };
}
