import type { Severity } from '../../model/invariants/severity.ts';

/** What a reader needs to know of a rule beside its id. */
export interface RuleText {
  /** What must hold, in a sentence. */
  readonly statement: string;
  /** Mail, specification section, kernel function or recording. */
  readonly source: string;
  /** That of the flaw which the bucket shows, else the rule's own. */
  readonly severity: Severity;
}

/** The rule that a bucket belongs to: its id. */
export function ruleIdOf(bucket: string): string {
  return bucket.split('|')[0] ?? bucket;
}

/**
 * Finds rules of `own`, by id, before those that `base` knows. `severityOf`: where it depends on the bucket what breaking
 * one of them costs; `undefined` from it: what the rule says.
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
