import type { Severity } from '../../model/invariants/severity.ts';

/** The text of a rule in reports. */
export interface RuleText {
  /** The rule in one sentence. */
  readonly statement: string;
  /** Mail, specification section, kernel function or recording. */
  readonly source: string;
  /** Severity of the flaw that the bucket belongs to, else of the rule. */
  readonly severity: Severity;
}

/** Id of the rule that a bucket belongs to. */
export function ruleIdOf(bucket: string): string {
  return bucket.split('|')[0] ?? bucket;
}

/**
 * Looks up the rule of a bucket in `own`, by id, then in `base`. `severityOf` gives the severity where it depends on the
 * bucket; if it returns `undefined`, the rule's own severity applies.
 */
export function withRules(
  own: Readonly<Record<string, RuleText>>,
  base: (bucket: string) => RuleText,
  severityOf: (bucket: string) => Severity | undefined = () => undefined,
): (bucket: string) => RuleText {
  const rules = new Map(Object.entries(own));
  return (bucket) => {
    const rule = rules.get(ruleIdOf(bucket));
    return rule === undefined ? base(bucket) : { ...rule, severity: severityOf(bucket) ?? rule.severity };
  };
}
