import { ALWAYS } from '../../model/invariants/catalogue.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { shows } from '../flaws/flaw.ts';
import { METAMORPHIC } from '../oracle/metamorphic.ts';
import { type RuleText, ruleIdOf } from '../oracle/rule.ts';

/** The rules that campaigns judge, by id, in the order of the catalogue. */
export const RULES: ReadonlyMap<string, RuleText> = new Map(
  [...ALWAYS, ...METAMORPHIC].map(({ id, statement, source, severity }) => [id, { statement, source, severity }]),
);

/** The rule that a violation in this bucket breaks, with the severity of the flaw it shows. Throws for a bucket of no rule. */
export function ruleOf(bucket: string): RuleText {
  const rule = RULES.get(ruleIdOf(bucket));
  if (rule === undefined) throw new Error(`no rule has the bucket ${bucket}`);
  const flaw = FLAWS.find((one) => shows(one, bucket));
  return flaw === undefined ? rule : { ...rule, severity: flaw.severity };
}
