import { counted, shellWord } from '../../text.ts';
import type { ConformReport, ModuleFinding, ImplementationReport, RequirementResult } from './report.ts';
import { renderCase } from './case-text.ts';
import { DEFECTS } from './defect.ts';

export const RESULTS = ['pass', 'fail', 'unsupported', 'untested'] as const;

/** The last screen of `conform`: who it was, what it does wrong and how to see it again, and a table leaf by leaf. */
export function renderConformText(report: ConformReport, caseFile: (finding: ModuleFinding) => string | null): string {
  const lines: string[] = [];
  for (const one of report.implementations)
    lines.push(...(lines.length === 0 ? [] : ['']), ...renderImplementation(one, report.module, caseFile));
  return `${lines.join('\n')}\n`;
}

/** The command that runs a case again. */
function replay({ name, level }: ImplementationReport, module: string, file: string): string {
  return `npx seamstress conform ${shellWord(name)} --module ${module} --compare ${level} --case ${shellWord(file)}`;
}

function renderImplementation(
  one: ImplementationReport,
  module: string,
  caseFile: (finding: ModuleFinding) => string | null,
): string[] {
  const { name, identity, level, counts, requirements, findings, unobserved, exhausted } = one;
  const lines = [`${identity.name} ${identity.version} (${name})`, ''];
  for (const finding of findings) {
    lines.push(`WRONG  ${finding.verdict}  ${finding.message}`);
    const what = DEFECTS[finding.verdict];
    lines.push(`       ${what}${finding.hits > 1 ? `; ${finding.hits} cases` : ''}`);
    if (finding.requirement !== null)
      lines.push(
        `       breaks the requirement '${finding.requirement}' (npx seamstress explain ${finding.requirement.split(' ')[0]})`,
      );
    if (finding.difference !== null) lines.push(...renderCase(finding).map((line) => `       ${line}`));
    const file = caseFile(finding);
    // What shows in company only (a leak, a crash in a batch) does not come back with its case.
    const again = finding.difference === null ? `case ${file}` : `again: ${replay(one, module, String(file))}`;
    if (file !== null) lines.push(`       ${finding.minimal ? 'minimal; ' : ''}${again}`);
    for (const line of tail(finding.stderr)) lines.push(`       stderr | ${line}`);
    lines.push('');
  }
  for (const { outcome, reason, link, count } of unobserved)
    lines.push(`${outcome}  ${counted(count, 'case')}: ${reason}${link === null ? '' : ` (${link})`}`);
  lines.push(...renderLeaves(requirements), '');
  const { suite, generated, agreed, leftOut } = counts;
  if (leftOut !== 0) lines.push(`${counted(leftOut, 'case')} left out, with a leaf that it does not survive`);
  lines.push(
    `${counted(suite, 'case')} of the suite, ${generated} generated; ${agreed} ${agreed === 1 ? 'step agrees' : 'steps agree'} at the level '${level}'; ${summary(requirements)}`,
  );
  if (exhausted !== null) lines.push(`could not be run to the end: ${exhausted}`);
  else if (findings.length > 1)
    lines.push(`${findings.length} findings; begin with the first: the shortest cases come first`);
  else lines.push(findings.length === 0 ? 'conforms in everything that was observed' : '1 finding');
  return lines;
}

function tail(stderr: string): readonly string[] {
  return stderr.trim() === '' ? [] : stderr.trimEnd().split('\n').slice(-5);
}

/** How many requirements have each result. */
export function countResults(requirements: Iterable<RequirementResult>): Record<RequirementResult['result'], number> {
  const counts = { pass: 0, fail: 0, unsupported: 0, untested: 0 };
  for (const { result } of requirements) counts[result] += 1;
  return counts;
}

function summary(requirements: ImplementationReport['requirements']): string {
  const counts = countResults(Object.values(requirements));
  const total = Object.keys(requirements).length;
  const rest = RESULTS.filter((name) => name !== 'pass' && counts[name] !== 0).map((name) => `${counts[name]} ${name}`);
  return `${counts.pass} of ${total} requirements pass${rest.length === 0 ? '' : `, ${rest.join(', ')}`}`;
}

/** One line a leaf: of its requirements, how many pass, fail, are unsupported or untested. */
function renderLeaves(requirements: ImplementationReport['requirements']): string[] {
  const leaves = new Map<string, RequirementResult[]>();
  for (const [key, result] of Object.entries(requirements)) {
    const leaf = key.split(' ')[0] ?? '';
    leaves.set(leaf, [...(leaves.get(leaf) ?? []), result]);
  }
  const lines = [`${'leaf'.padEnd(28)}${RESULTS.map((name) => name.padStart(12)).join('')}`];
  for (const [leaf, results] of leaves) {
    const counts = countResults(results);
    lines.push(`${leaf.padEnd(28)}${RESULTS.map((name) => String(counts[name] || '').padStart(12)).join('')}`);
  }
  return lines.map((line) => line.trimEnd());
}
