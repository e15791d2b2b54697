import { SEVERITIES, severityRank } from '../../model/invariants/severity.ts';
import { SOMETIMES } from '../../model/invariants/sometimes.ts';
import { ruleIdOf } from '../oracle/rule.ts';
import { FLAWS } from '../flaws/flaws.ts';
import { counted } from '../text.ts';
import type { Evidence } from './entry.ts';
import { kernelsOf } from './evidence.ts';
import { ALL_RULES } from './rules.ts';

/** docs/rules.md: all rules by family, with sentence, source, severity and the revisions that break them. */
export function renderRulesPage(evidence: Evidence): string {
  const families = new Map<string, string[]>();
  for (const id of ALL_RULES.keys()) {
    const family = id.slice(0, id.indexOf('/'));
    families.set(family, [...(families.get(family) ?? []), id]);
  }
  const known = new Set(evidence.known.map(({ invariant }) => invariant));
  return [
    '# Rules',
    '',
    '<!-- Generated from the code and corpus/known by `npm run rules`; a test keeps it current. -->',
    '',
    `${counted(ALL_RULES.size, 'rule')} in ${families.size} families; ${known.size} of them are broken by a kernel revision of the corpus.`,
    '`npx seamstress explain RULE` prints one with its buckets and its smallest case. "Broken by" names kernel revisions;',
    'flaws are numbered as in [reports/flaws.md](../reports/flaws.md).',
    '',
    'Severity, worst first:',
    '',
    ...Object.entries(SEVERITIES)
      .sort(([a], [b]) => severityRank(a as keyof typeof SEVERITIES) - severityRank(b as keyof typeof SEVERITIES))
      .map(([name, meaning]) => `- \`${name}\`: ${meaning}`),
    '',
    ...[...families]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([family, ids]) => familyLines(family, ids, evidence)),
    '## What a campaign must reach',
    '',
    'A campaign whose default mood ran past the budget of one of these without reaching it proves nothing, and exits with 3.',
    '',
    '| id | what happens | within cases | source |',
    '| --- | --- | ---: | --- |',
    ...SOMETIMES.map(
      ({ id, statement, budget, source }) => `| \`${id}\` | ${cell(statement)} | ${budget} | ${cell(source)} |`,
    ),
    '',
  ].join('\n');
}

function familyLines(family: string, ids: readonly string[], evidence: Evidence): readonly string[] {
  return [
    `## ${family}`,
    '',
    '| rule | what must hold | severity | broken by | source |',
    '| --- | --- | --- | --- | --- |',
    ...ids.map((id) => {
      const rule = ALL_RULES.get(id);
      const kernels = kernelsOf(evidence.known.filter(({ invariant }) => invariant === id));
      const flaws = FLAWS.filter(({ shownBy }) => shownBy.some((prefix) => ruleIdOf(prefix) === id));
      const numbers = flaws.length === 0 ? '' : ` (flaw ${flaws.map(({ number }) => number).join(', ')})`;
      return `| \`${id}\` | ${cell(rule?.statement ?? '')} | ${rule?.severity} | ${kernels.join(', ')}${numbers} | ${cell(rule?.source ?? '')} |`;
    }),
    '',
  ];
}

function cell(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('|', '\\|').replaceAll('\n', ' ');
}
