import { sourceLines } from '../describe/source-text.ts';
import type { CampaignRecord, Footer, KnownSeen, Minimal } from '../campaign/record.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import { bucketLine } from '../describe/bucket-text.ts';
import { counted } from '../text.ts';
import { excerpt } from './excerpt.ts';
import { type FixedDeviation, fixedOf, groupByCase, isSeen, type Shown, sortRecords } from './summary.ts';

/** Functions that colour text, or return it unchanged. */
export interface Palette {
  readonly bad: (text: string) => string;
  readonly good: (text: string) => string;
  readonly strong: (text: string) => string;
  readonly dim: (text: string) => string;
}

const same = (text: string): string => text;
export const PLAIN: Palette = { bad: same, good: same, strong: same, dim: same };

/** The last screen of a campaign: findings, known deviations, totals, and last the command to continue with. */
export function renderScreen(records: readonly CampaignRecord[], palette: Palette = PLAIN): string {
  const { header, footer, minimal, known } = sortRecords(records);
  const groups = groupByCase(minimal);
  return [
    ...groups.flatMap((group) => renderGroup(group, palette)),
    ...knownLines(known, palette),
    ...(header.implementations === undefined
      ? staleLines(footer, palette)
      : [
          ...betterLines(header.implementations, footer, fixedOf(known), palette),
          ...unseenLines(header.implementations, footer, fixedOf(known), minimal.some(isCrash), palette),
        ]),
    ...(known.some(isSeen) || footer.stale.length > 0 ? [''] : []),
    `seed ${header.seed}  kernel ${header.profile.kernel}  module ${header.profile.module}  mood ${header.mood}  shard ${header.shard}`,
    totalsLine(footer, groups.length),
    ...sometimesLines(footer, palette),
    ...verdictLines(footer, minimal, palette),
    '',
  ].join('\n');
}

function renderGroup({ finding, others }: Shown, { bad, strong, dim }: Palette): readonly string[] {
  const { invariant, message, bucket, events, hits, evaluations, origin, machine, trace, broken, replay } = finding;
  const { statement, source, severity } = finding.rule;
  const size = `${counted(events, 'event')}, ${finding.minimal ? 'nothing can be removed' : 'not proved minimal'}`;
  return [
    `${bad('NEW BUG')} breaks ${strong(invariant)}: ${message}`,
    `        severity ${bad(severity)} (worst case of the rule): ${SEVERITIES[severity]}`,
    `        rule     ${statement}`,
    ...sourceLines(source).map((line, index) => `        ${index === 0 ? 'source' : '      '}   ${line}`),
    ...machine.map((line) => `        ${line}`),
    ...excerpt(trace, broken).map(({ mark, text }) => `        ${mark === '>' ? bad('>') : dim('|')} ${text}`),
    `        ${dim(`bucket   ${bucketLine(bucket)}`)}`,
    `        ${dim(`${size} (${evaluations} tries); ${hits === 0 ? 'no generated case hit it' : `${counted(hits, 'case')} hit it`}, first ${origin}`)}`,
    `        ${replay}`,
    ...others.flatMap((other) => [
      `        ${bad('also')}    breaks ${strong(other.invariant)}: ${other.message}`,
      `                ${other.rule.statement} ${dim(`(${other.rule.severity}; ${other.hits === 0 ? 'no generated case' : counted(other.hits, 'case')}; seen in another case: ${other.file})`)}`,
    ]),
    '',
  ];
}

function knownLines(known: readonly KnownSeen[], { good, dim }: Palette): readonly string[] {
  const seen = known.filter(isSeen);
  // One line per rule: its buckets and the reasons are in the corpus and in the other reports.
  const rules = [...new Set(seen.map(({ invariant }) => invariant))];
  return rules.map((rule) => {
    const buckets = seen.filter(({ invariant }) => invariant === rule);
    const hits = buckets.reduce((sum, one) => sum + one.hits, 0);
    const many = buckets.length === 1 ? '' : `${buckets.length} buckets, `;
    return `${good('known')}   breaks ${rule} ${dim(`(${many}${hits === 0 ? 'its own case only' : counted(hits, 'hit', grouped(hits))})`)}`;
  });
}

function staleLines({ stale }: Footer, { bad }: Palette): readonly string[] {
  return stale.map(
    (bucket) => `${bad('stale')}   ${bucket}: no longer reproduced; if it is fixed, remove its file from the corpus`,
  );
}

function betterLines(
  implementations: readonly string[],
  { explained = [] }: Footer,
  fixed: readonly FixedDeviation[],
  { good, dim }: Palette,
): readonly string[] {
  const who = implementations.join(', ');
  return [
    ...fixed.map(
      ({ bucket, cases, origin }) =>
        `${good('fixed')}   ${bucket} ${dim(`(${counted(cases, 'case', grouped(cases))} that the model fails and ${who} does not, first ${origin})`)}`,
    ),
    // List excused differences even if they do not fix a complete known deviation.
    ...explained
      .filter(({ kept }) => !kept.some((bucket) => fixed.some((one) => one.bucket === bucket)))
      .map(
        ({ bucket, kept, cases }) =>
          `${good('better')}  ${bucket} ${dim(`(${counted(cases, 'case', grouped(cases))} in which the model fails in ${kept.join(', ')} and ${who} does not)`)}`,
      ),
    ...explained
      .filter(({ hits }) => hits > 0)
      .map(
        ({ bucket, kept, hits }) =>
          `${good('same')}    ${bucket} ${dim(`(${counted(hits, 'case', grouped(hits))} in which it fixes nothing; in others it fixes ${kept.join(', ')})`)}`,
      ),
  ];
}

/** Rules that a crashing kernel breaks. */
const CRASH_RULES: readonly string[] = ['sw-error/no-crash', 'sw-error/fault-never-crashes'];

function isCrash({ invariant }: Minimal): boolean {
  return CRASH_RULES.includes(invariant);
}

/** Not `stale`: the corpus describes the models, so a deviation that another kernel lacks stays in it. */
function unseenLines(
  implementations: readonly string[],
  { stale }: Footer,
  fixed: readonly FixedDeviation[],
  crashes: boolean,
  { dim }: Palette,
): readonly string[] {
  const who = implementations.join(', ');
  const unseen = stale.filter((bucket) => !fixed.some((one) => one.bucket === bucket));
  // A kernel that crashes does not reach most of them, so a line for each would be meaningless.
  if (crashes && unseen.length > 1)
    return [`${dim('unseen')}  ${unseen.length} known deviations: not seen on ${who}, which crashes`];
  return unseen.map(
    (bucket) => `${dim('unseen')}  ${bucket}: not seen on ${who}: fixed there, or masked by something else`,
  );
}

function totalsLine(
  { cases, events, seamcalls, complete, edges, findings, known, timing }: Footer,
  groups: number,
): string {
  const rate =
    timing === undefined
      ? []
      : [`${grouped(Math.round(timing.casesPerSecond))} cases/s in ${timing.seconds.toFixed(1)} s`];
  return [
    `${counted(cases, 'case', grouped(cases))} (${grouped(complete)} complete)`,
    counted(events, 'event', grouped(events)),
    counted(seamcalls, 'SEAMCALL', grouped(seamcalls)),
    counted(edges, 'edge', grouped(edges)),
    `${counted(findings, 'finding')}${groups < findings ? ` in ${counted(groups, 'case')}` : ''}`,
    `${known} known`,
    ...rate,
  ].join(', ');
}

function sometimesLines({ sometimes: { reached, unreached, overdue } }: Footer, { bad }: Palette): readonly string[] {
  const all = reached.length + unreached.length;
  if (all === 0) return [];
  const pending = unreached.filter((id) => !overdue.includes(id));
  return [
    `sometimes: ${reached.length} of ${all} reached${pending.length > 0 ? `; budget left for ${pending.join(', ')}` : ''}`,
    ...overdue.map((id) => `${bad('never')}   ${id}: not reached within its budget of cases`),
  ];
}

function verdictLines(
  { exitCode, interrupted, crash, cases, sometimes }: Footer,
  minimal: readonly Minimal[],
  { bad, good }: Palette,
): readonly string[] {
  if (crash !== null) return [bad(`internal error at ${crash.origin}: this is a bug in seamstress`)];
  if (interrupted !== null) return [`interrupted (${interrupted}); all findings so far are saved`];
  if (exitCode === 0) return [good('ok')];
  const [first] = minimal;
  if (first !== undefined) return [`${bad(counted(minimal.length, 'new bug'))}; to replay the first: ${first.replay}`];
  if (cases === 0) return [bad('inconclusive: no case ran')];
  return [bad(`inconclusive: ${sometimes.overdue.join(', ')} never reached`)];
}

/** 1234567 as `1,234,567`, in every locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
