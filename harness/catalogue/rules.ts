import { ALWAYS } from '../../model/invariants/catalogue.ts';
import { SEVERITIES } from '../../model/invariants/severity.ts';
import { SOMETIMES } from '../../model/invariants/sometimes.ts';
import { bucketText } from '../describe/bucket-text.ts';
import { type Flaw, shows } from '../flaws/flaw.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { HOST_RULES } from '../implementations/host/rules.ts';
import { LINUX_RULES } from '../implementations/linux/rules.ts';
import { METAMORPHIC } from '../oracle/metamorphic.ts';
import { type RuleText, ruleIdOf } from '../oracle/rule.ts';
import type { KnownDeviation } from '../store/known.ts';
import { counted } from '../text.ts';
import type { Entry, Evidence, Fact } from './entry.ts';
import { kernelsOf, smallestCase } from './evidence.ts';

/** The rules that campaigns judge, by id, in the order of the catalogue. */
export const RULES: ReadonlyMap<string, RuleText> = new Map(
  [...ALWAYS, ...METAMORPHIC].map(({ id, statement, source, severity }) => [id, { statement, source, severity }]),
);

/** And those that implementations are held to besides. */
export const ALL_RULES: ReadonlyMap<string, RuleText> = new Map([
  ...RULES,
  ...Object.entries(LINUX_RULES),
  ...Object.entries(HOST_RULES),
]);

/** The rule that a violation in this bucket breaks, with the severity of the flaw it shows. Throws for a bucket of no rule. */
export function ruleOf(bucket: string): RuleText {
  const rule = RULES.get(ruleIdOf(bucket));
  if (rule === undefined) throw new Error(`no rule has the bucket ${bucket}`);
  const flaw = FLAWS.find((one) => shows(one, bucket));
  return flaw === undefined ? rule : { ...rule, severity: flaw.severity };
}

/** A rule; `undefined` for an id of none. */
export function ruleEntry(id: string, evidence: Evidence): Entry | undefined {
  const rule = ALL_RULES.get(id);
  if (rule === undefined) return sometimesEntry(id);
  const known = evidence.known.filter(({ invariant }) => invariant === id);
  const buckets = [...new Set(known.map(({ bucket }) => bucket))].sort();
  const flaws = FLAWS.filter(({ shownBy }) => shownBy.some((prefix) => ruleIdOf(prefix) === id));
  return {
    kind: 'rule',
    name: id,
    what: rule.statement,
    why: [`Breaking it costs: ${SEVERITIES[rule.severity]}.`, ...flaws.map(flawSentence)],
    facts: [
      { label: 'severity', text: rule.severity },
      ...buckets.map((bucket): Fact => ({ label: 'bucket', text: bucketWith(bucket) })),
    ],
    source: rule.source,
    brokenBy: kernelsOf(known),
    case: smallestCase(known, evidence),
  };
}

/** One way of breaking a rule; `undefined` where the part before the first `|` is no rule. */
export function bucketEntry(bucket: string, evidence: Evidence): Entry | undefined {
  const id = ruleIdOf(bucket);
  const rule = ALL_RULES.get(id);
  if (rule === undefined) return undefined;
  const known = evidence.known.filter((one) => one.bucket === bucket);
  const flaws = FLAWS.filter((flaw) => shows(flaw, bucket));
  const { severity } = RULES.has(id) ? ruleOf(bucket) : rule;
  const words = bucketText(bucket);
  return {
    kind: 'bucket',
    name: bucket,
    what: `Breaks ${id}${words === '' ? '' : ` (${words})`}: ${rule.statement}`,
    why: [`It costs: ${SEVERITIES[severity]}.`, ...flaws.map(flawSentence), ...reasonsOf(known)],
    facts: [
      { label: 'rule', text: id },
      { label: 'severity', text: severity },
      ...(words === '' ? [] : [{ label: 'in words', text: words }]),
    ],
    source: rule.source,
    brokenBy: kernelsOf(known),
    case: smallestCase(known, evidence),
  };
}

function sometimesEntry(id: string): Entry | undefined {
  const found = SOMETIMES.find((one) => one.id === id);
  if (found === undefined) return undefined;
  return {
    kind: 'rule',
    name: id,
    what: found.statement,
    why: ['A campaign that never reaches it has not put the rules around it to the test, and ends inconclusive.'],
    facts: [{ label: 'budget', text: `reached within ${counted(found.budget, 'case')} in the default mood` }],
    source: found.source,
    brokenBy: [],
    case: null,
  };
}

function bucketWith(bucket: string): string {
  const words = bucketText(bucket);
  return words === '' || bucket.endsWith(`|${words}`) ? bucket : `${bucket} (${words})`;
}

function flawSentence({ number, name, statement }: Flaw): string {
  return `Flaw ${number}, ${name}: ${statement}`;
}

function reasonsOf(known: readonly KnownDeviation[]): readonly string[] {
  return [...new Set(known.map(({ reason }) => reason))];
}
