import { SEVERITIES } from '../../model/invariants/severity.ts';
import { type Flaw, shows } from '../flaws/flaw.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { ruleIdOf } from '../oracle/rule.ts';
import type { Entry, Evidence } from './entry.ts';
import { kernelsOf, smallestCase } from './evidence.ts';

/** How reports and `explain` call a flaw. */
export function flawName({ number }: Pick<Flaw, 'number'>): string {
  return `flaw-${number}`;
}

/** The flaw that `42`, `#42`, `flaw 42`, `flaw-42` or its own name means; `undefined` for none. */
export function findFlaw(text: string): Flaw | undefined {
  const number = /^(?:#|flaw[- ]?)?(\d+)$/i.exec(text)?.[1];
  return FLAWS.find((one) => String(one.number) === number || one.name.toLowerCase() === text.toLowerCase());
}

export function flawEntry(flaw: Flaw, evidence: Evidence): Entry {
  const { name, severity, statement, source, shownBy, notApplicable } = flaw;
  const known = evidence.known.filter(({ bucket }) => shows(flaw, bucket));
  const rules = [...new Set(shownBy.map(ruleIdOf))];
  return {
    kind: 'flaw',
    name: flawName(flaw),
    what: `${name}: ${statement}`,
    why: [`It costs: ${SEVERITIES[severity]}.`],
    facts: [
      { label: 'severity', text: severity },
      ...rules.map((id) => ({ label: 'breaks', text: id })),
      ...Object.entries(notApplicable).map(([kernel, reason]) => ({ label: 'not in', text: `${kernel}: ${reason}` })),
    ],
    source,
    brokenBy: kernelsOf(known),
    case: smallestCase(known, evidence),
  };
}
